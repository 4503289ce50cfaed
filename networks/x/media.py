"""Bringing images to X ahead of the post that shows them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from domain.networks import Network
from networks.errors import Answer, ContentRefused, MediaNotReady
from networks.exchange import Dialect
from networks.http_client import FilePart, HttpClient, Response
from networks.protocol import MediaFile, Target

PART_SIZE = 1024 * 1024
"""Bytes of one part of an upload in parts. X refuses larger ones from some size on."""

Wanted = TypeVar("Wanted")


class XMedia:
    """Uploads still images in one request each and GIFs in parts; X keeps them for 24 h."""

    def __init__(
        self,
        http: HttpClient,
        x: Dialect,
        *,
        base_url: str,
        upload_timeout: timedelta,
        poll_interval: timedelta,
        processing_limit: timedelta,
    ) -> None:
        """`processing_limit` is how long one upload may be processed before MediaNotReady."""
        self._http = http
        self._x = x
        self._base_url = base_url
        self._upload_timeout = upload_timeout
        self._poll_interval = poll_interval
        self._looks = max(1, round(processing_limit / poll_interval))

    async def upload(self, target: Target, media: MediaFile) -> str:
        """The media id of that image with its alt text, processed and ready to be posted."""
        if media.content_type == "image/gif":
            media_id, state = await self._upload_in_parts(target, media)
        else:
            media_id, state = await self._post(
                target,
                "upload",
                "media/upload",
                _media_state,
                form={"media_category": "tweet_image", "media_type": media.content_type},
                files=[_file(media, await media.read())],
            )
        await self._wait_until_processed(target, media_id, state)
        if media.alt_text:
            described = {"id": media_id, "metadata": {"alt_text": {"text": media.alt_text}}}
            await self._post(
                target,
                "alt_text",
                "media/metadata",
                lambda _: None,
                json=described,
                withheld=media.alt_text,
            )
        return media_id

    async def _upload_in_parts(self, target: Target, media: MediaFile) -> tuple[str, str]:
        content = await media.read()
        announced = {
            "media_type": media.content_type,
            "total_bytes": len(content),
            "media_category": "tweet_gif",
        }
        media_id, _ = await self._post(
            target, "upload", "media/upload/initialize", _media_state, json=announced
        )
        for number, start in enumerate(range(0, len(content), PART_SIZE)):
            await self._post(
                target,
                "upload",
                f"media/upload/{media_id}/append",
                lambda _: None,
                form={"segment_index": str(number)},
                files=[_file(media, content[start : start + PART_SIZE])],
            )
        return await self._post(
            target, "upload", f"media/upload/{media_id}/finalize", _media_state, json={}
        )

    async def _wait_until_processed(self, target: Target, media_id: str, state: str) -> None:
        for _ in range(self._looks):
            if state == "succeeded":
                return
            if state == "failed":
                detail = "X could not process an image. Save it anew, or use another."
                raise ContentRefused(Network.X, detail, answer=Answer(operation="upload"))
            await asyncio.sleep(self._poll_interval.total_seconds())
            request = self._http.request(
                "GET",
                f"{self._base_url}/media/upload",
                query={"command": "STATUS", "media_id": media_id},
                bearer=target.credentials["access_token"],
            )
            _, state = await self._x.look(
                "upload_status", request, _media_state, withheld=target.credentials.values()
            )
        if state != "succeeded":
            detail = "X still processes an image."
            raise MediaNotReady(Network.X, detail, answer=Answer(operation="upload_status"))

    async def _post(
        self,
        target: Target,
        operation: str,
        path: str,
        read: Callable[[Response], Wanted],
        *,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        files: Sequence[FilePart] = (),
        withheld: str = "",
    ) -> Wanted:
        request = self._http.request(
            "POST",
            f"{self._base_url}/{path}",
            bearer=target.credentials["access_token"],
            json=json,
            form=form,
            files=files,
            timeout=self._upload_timeout,
        )
        secrets = (withheld, *target.credentials.values())
        return await self._x.look(operation, request, read, withheld=secrets)


def _file(media: MediaFile, content: bytes) -> FilePart:
    return FilePart(
        field="media",
        file_name=f"{media.media_id}.{media.content_type.rpartition('/')[2]}",
        content_type=media.content_type,
        content=content,
    )


def _media_state(response: Response) -> tuple[str, str]:
    """The media id and its processing state; without one there is nothing to wait for."""
    data = response.object["data"]
    return str(data["id"]), data.get("processing_info", {}).get("state", "succeeded")
