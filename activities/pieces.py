"""From a delivery's stored state to what an adapter is given."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from domain.content import Attachment, Part, PartKind
from domain.networks import Network
from domain.receipts import Receipt
from networks.errors import Answer, ContentRefused, TryLater
from networks.protocol import MediaFile, Outgoing, Piece
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.media_store import MediaMissing, MediaStoreError

LINK_LIFETIME = timedelta(days=1)
"""How long a network may fetch media by its link; containers live as long."""


class MediaSource(Protocol):
    """Where uploaded bytes are."""

    def reader(self, storage_key: str) -> Callable[[], Awaitable[bytes]]:
        """Something that reads them when called."""
        ...

    def public_url(self, media_id: UUID, lifetime: timedelta) -> str:
        """A signed link under which a network may fetch them."""
        ...


class Pieces:
    """Builds what is sent."""

    def __init__(self, media: MediaSource) -> None:
        """`media` is only read when an adapter asks."""
        self._media = media

    def remaining(self, state: DeliveryState) -> tuple[Piece, ...]:
        """The parts that have no receipt yet, in order."""
        return tuple(
            self._piece(state, part)
            for part in state.content.parts()
            if part.index not in state.receipts
        )

    def part(self, state: DeliveryState, index: int) -> Piece:
        """One part, public or not."""
        return self._piece(state, state.content.parts()[index])

    def is_last(self, state: DeliveryState, index: int) -> bool:
        """Whether nothing comes after that part."""
        return index == len(state.content.parts()) - 1

    def outgoing(self, state: DeliveryState, piece: Piece, attempt: OpenAttempt) -> Outgoing:
        """A part with all that was written ahead for it."""
        return Outgoing(
            attempt_id=attempt.attempt_id,
            started_at=attempt.started_at,
            piece=piece,
            prepared=state.prepared.get(piece.index, {}),
            evidence=attempt.evidence,
            root=state.receipts.get(0),
            parent=_parent(state, piece),
        )

    def since_first_try(self, state: DeliveryState, outgoing: Outgoing) -> Outgoing:
        """The same for looking: what is public may be from the delivery's earliest attempt."""
        first = state.first_tries.get(outgoing.piece.index, outgoing.started_at)
        return replace(outgoing, started_at=min(first, outgoing.started_at))

    def _piece(self, state: DeliveryState, part: Part) -> Piece:
        return Piece(
            index=part.index,
            kind=part.kind,
            text=part.text,
            media=tuple(self._file(state, item) for item in part.media),
            link=part.link,
            content_warning=part.content_warning,
            visibility=part.visibility,
            language=part.language,
        )

    def _file(self, state: DeliveryState, item: Attachment) -> MediaFile:
        stored = state.media[item.media_id]
        return MediaFile(
            media_id=stored.media_id,
            content_type=stored.content_type,
            size=stored.size,
            width=stored.width,
            height=stored.height,
            alt_text=item.alt_text,
            public_url=self._media.public_url(stored.media_id, LINK_LIFETIME),
            read=_reading(state.network, self._media.reader(stored.storage_key)),
        )


def _reading(
    network: Network, read: Callable[[], Awaitable[bytes]]
) -> Callable[[], Awaitable[bytes]]:
    """The same, with its failures in the words of the publish path: nothing was sent yet."""

    async def classed() -> bytes:
        answer = Answer(operation="read_media")
        try:
            return await read()
        except MediaMissing as error:
            detail = "A media file of this post is gone. Upload it again and change the post."
            raise ContentRefused(network, detail, answer=answer) from error
        except MediaStoreError as error:
            raise TryLater(network, "The media could not be read.", answer=answer) from error

    return classed


def _parent(state: DeliveryState, piece: Piece) -> Receipt | None:
    """A reply answers the part before it; a comment hangs under the post itself."""
    if piece.index == 0:
        return None
    return state.receipts.get(0 if piece.kind is PartKind.COMMENT else piece.index - 1)
