"""Instagram's containers: posts that it has fetched and processed, and that nobody sees yet."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from domain.networks import Network
from networks.errors import (
    Answer,
    ContentRefused,
    MediaNotReady,
    NetworkError,
    PreparationLost,
    TryLater,
)
from networks.meta.graph import Graph, token_of
from networks.meta.graph_errors import BY_SUBCODE, PASSING
from networks.protocol import MediaFile, Target

POLL_CEILING = timedelta(minutes=1)
"""Meta advises to ask once a minute; images are ready within seconds."""

POSTING_SUBCODE = re.compile(r"\b2207\d{3}\b")


class Containers:
    """Creates containers and waits for them. Everything here may be repeated freely."""

    def __init__(
        self, graph: Graph, *, poll_interval: timedelta, processing_limit: timedelta
    ) -> None:
        """The first wait is `poll_interval`, doubled up to a minute."""
        self._graph = graph
        self._poll_interval = poll_interval
        self._processing_limit = processing_limit

    async def create_image(self, target: Target, caption: str, image: MediaFile) -> str:
        """A container for one image; Instagram fetches it from its public address."""
        return await self._create(target, {**_image(image), **_caption(caption)})

    async def create_child(self, target: Target, image: MediaFile) -> str:
        """A container for one image of a carousel."""
        return await self._create(target, {**_image(image), "is_carousel_item": "true"})

    async def create_carousel(self, target: Target, caption: str, children: Sequence[str]) -> str:
        """A container for a carousel of finished children."""
        form = {"media_type": "CAROUSEL", "children": ",".join(children), **_caption(caption)}
        return await self._create(target, form)

    async def wait(self, target: Target, *containers: str) -> None:
        """Wait until all are FINISHED.

        Raises MediaNotReady at the processing limit, PreparationLost for one that ran out, and
        what its subcode means for one that failed.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + self._processing_limit.total_seconds()
        pause = self._poll_interval
        waiting = await self._unfinished(target, containers)
        while waiting:
            if now() + pause.total_seconds() > deadline:
                raise MediaNotReady(
                    Network.INSTAGRAM,
                    "Instagram still processes the media.",
                    answer=_evidence("IN_PROGRESS"),
                )
            await asyncio.sleep(pause.total_seconds())
            pause = min(pause * 2, max(POLL_CEILING, self._poll_interval))
            waiting = await self._unfinished(target, waiting)

    async def state(self, target: Target, container: str) -> str:
        """IN_PROGRESS, FINISHED, PUBLISHED, ERROR or EXPIRED."""
        return str((await self._read(target, container)).get("status_code"))

    async def _unfinished(self, target: Target, containers: Sequence[str]) -> list[str]:
        return [each for each in containers if not _is_finished(await self._read(target, each))]

    async def _create(self, target: Target, form: Mapping[str, str]) -> str:
        return await self._graph.create(
            "container", target.remote_id, "media", token=token_of(target), form=form
        )

    async def _read(self, target: Target, container: str) -> Mapping[str, Any]:
        try:
            return await self._graph.get(
                "container",
                container,
                token=token_of(target),
                query={"fields": "status_code,status"},
            )
        except ContentRefused as refusal:
            if refusal.answer.code != "100/33":
                raise
            # Instagram at times does not find for a moment what it has just created.
            raise TryLater(refusal.network, refusal.detail, answer=refusal.answer) from None


def _is_finished(state: Mapping[str, Any]) -> bool:
    """Raises what a state without hope means."""
    match state.get("status_code"):
        case "ERROR":
            raise _processing_failed(str(state.get("status")))
        case "EXPIRED":
            raise PreparationLost(
                Network.INSTAGRAM,
                "The prepared post ran out at Instagram. It is prepared again by itself.",
                answer=_evidence("EXPIRED"),
            )
        case code:
            return code == "FINISHED"


def _processing_failed(status: str) -> NetworkError:
    """`status` reads "Error: Media upload has failed with error code 2207026"."""
    found = POSTING_SUBCODE.search(status)
    meaning = BY_SUBCODE.get(int(found[0]), PASSING) if found else PASSING
    return meaning.raises(
        Network.INSTAGRAM,
        meaning.advice.format(network="Instagram"),
        answer=_evidence(found[0] if found else "ERROR"),
    )


def _evidence(code: str) -> Answer:
    return Answer(operation="container", code=code)


def _image(image: MediaFile) -> dict[str, str]:
    described = {"alt_text": image.alt_text} if image.alt_text else {}
    return {"image_url": image.public_url, **described}


def _caption(text: str) -> dict[str, str]:
    return {"caption": text} if text else {}
