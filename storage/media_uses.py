"""Where a picture is shown to others: as long as it is, nobody deletes it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import FeedPostRow, ListingImageRow, MessageRow


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaUses:
    """How many things show it."""

    feed_posts: int
    messages: int
    listings: int

    def __bool__(self) -> bool:
        """Whether anything does."""
        return bool(self.feed_posts or self.messages or self.listings)


async def find(session: AsyncSession, media_id: UUID) -> MediaUses:
    """What shows a media item that is locked: nothing begins to meanwhile.

    Deleted posts and messages do not count; withdrawn and sold listings do, as they may come back.
    """
    counts = select(_feed_posts(media_id), _messages(media_id), _listings(media_id))
    feed_posts, messages, listings = (await session.execute(counts)).one()
    return MediaUses(feed_posts=feed_posts, messages=messages, listings=listings)


def _feed_posts(media_id: UUID) -> ScalarSelect[int]:
    shown = {"items": [{"media_id": str(media_id)}]}
    query = select(func.count()).where(
        FeedPostRow.media.contains(shown),
        FeedPostRow.deleted_at.is_(None),
        text("feed_posts.media <> '{\"items\": []}'"),  # the index has no others
    )
    return query.select_from(FeedPostRow).scalar_subquery()


def _messages(media_id: UUID) -> ScalarSelect[int]:
    query = select(func.count()).where(
        MessageRow.media_ids.contains([media_id]),
        text("messages.media_ids <> '{}'"),  # the index has no others
    )
    return query.select_from(MessageRow).scalar_subquery()


def _listings(media_id: UUID) -> ScalarSelect[int]:
    return select(func.count()).where(ListingImageRow.media_id == media_id).scalar_subquery()
