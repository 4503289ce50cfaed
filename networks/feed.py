"""The built-in feed: publishing is one insert under a key of our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Protocol
from uuid import UUID

from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from networks.errors import Answer, ContentRefused, OutcomeUnknown, TryLater
from networks.protocol import (
    Connection,
    Credentials,
    Evidence,
    MediaFile,
    NotFound,
    Outgoing,
    Piece,
    Prepared,
    Target,
)

HANDLE_LIMIT = 64
"""Characters."""


class FeedUnavailable(Exception):
    """The feed could not be written or read just now; whether it was written is unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEntry:
    """What one feed post consists of."""

    account_id: UUID
    publish_key: str
    text: str
    media: Sequence[MediaFile]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedName:
    """What somebody on the feed is called."""

    handle: str
    display_name: str


class FeedWriter(Protocol):
    """Where feed posts are kept. Each method raises FeedUnavailable."""

    async def name_of(self, remote_id: str) -> FeedName | None:
        """What the one of that id is called now; None when there is nobody."""
        ...

    async def make_ready(self, media_ids: Sequence[UUID]) -> None:
        """Have the sizes made in which these pictures are shown; once more is fine."""
        ...

    async def insert_once(self, entry: FeedEntry) -> UUID:
        """Insert the post unless one with its key is there; answer the id either way."""
        ...

    async def find(self, publish_key: str) -> UUID | None:
        """The id of the post with that key."""
        ...


class FeedPosts:
    """Publishes on the built-in feed."""

    network: ClassVar[Network] = Network.FEED
    guarantee: ClassVar[Guarantee] = Guarantee.IDEMPOTENT_SEND
    resend_window: ClassVar[timedelta | None] = timedelta(days=365)

    def __init__(self, writer: FeedWriter, *, public_base_url: str) -> None:
        """`public_base_url` is where permalinks point."""
        self._writer = writer
        self._public_base_url = public_base_url.rstrip("/")

    async def connect(self, supplied: Credentials) -> Connection:
        """A feed profile needs a handle and nothing secret."""
        handle = supplied.get("handle", "").strip().removeprefix("@")
        if not handle or len(handle) > HANDLE_LIMIT or not handle.replace("_", "").isalnum():
            raise ContentRefused(
                Network.FEED,
                f"credentials.handle must be 1 to {HANDLE_LIMIT} letters, digits or underscores",
                answer=Answer(operation="connect"),
            )
        display_name = supplied.get("display_name", "").strip() or handle
        return Connection(
            remote_id=handle.lower(),
            handle=handle,
            display_name=display_name,
            credentials={"handle": handle, "display_name": display_name},
        )

    async def check(self, target: Target) -> Connection:
        """The built-in profile is always reachable, and called what its owner is called now."""
        try:
            name = await self._writer.name_of(target.remote_id)
        except FeedUnavailable as error:
            raise TryLater(
                Network.FEED, "The feed did not answer.", answer=Answer(operation="check")
            ) from error
        if name is None:
            return await self.connect({"handle": target.handle, **target.credentials})
        return Connection(
            remote_id=target.remote_id,
            handle=name.handle,
            display_name=name.display_name,
            credentials={"handle": name.handle, "display_name": name.display_name},
        )

    async def refresh(self, target: Target) -> Connection:
        """Nothing to refresh."""
        return await self.check(target)

    def needs_preparation(self, piece: Piece) -> bool:
        """Pictures are shown in sizes of their own, which take a moment to make."""
        return bool(piece.media)

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Have the sizes of its pictures made, so that they are there when it is published."""
        try:
            await self._writer.make_ready([file.media_id for file in piece.media])
        except FeedUnavailable as error:
            raise TryLater(
                Network.FEED, "The feed did not answer.", answer=Answer(operation="prepare")
            ) from error
        return {}

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """The attempt's own id is the key; see `_key`."""
        return {}

    async def warm(self, target: Target, requests: int) -> None:
        """There is nothing to open."""

    async def send(self, target: Target, outgoing: Outgoing) -> Receipt:
        """Insert the post."""
        entry = FeedEntry(
            account_id=target.account_id,
            publish_key=_key(outgoing),
            text=outgoing.piece.text,
            media=outgoing.piece.media,
        )
        try:
            return self._receipt(await self._writer.insert_once(entry))
        except FeedUnavailable as error:
            raise OutcomeUnknown(
                Network.FEED, "The feed did not answer.", answer=Answer(operation="publish")
            ) from error

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:
        """The same: the answer to the send names the permalink."""
        return receipt

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """Look for the key."""
        try:
            found = await self._writer.find(_key(outgoing))
        except FeedUnavailable as error:
            raise TryLater(
                Network.FEED, "The feed did not answer.", answer=Answer(operation="lookup")
            ) from error
        return self._receipt(found) if found else NotFound.ABSENT

    def _receipt(self, feed_post_id: UUID) -> Receipt:
        return Receipt(
            remote_id=str(feed_post_id),
            permalink=f"{self._public_base_url}/v1/feed/posts/{feed_post_id}",
        )


def _key(outgoing: Outgoing) -> str:
    return str(outgoing.attempt_id)
