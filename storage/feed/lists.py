"""Lists of feed posts: their ids, newest first; `posts.load` shows them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.feed.visibility import can_meet, wants
from storage.tables import FeedBookmarkRow, FeedHashtagRow, FeedPostRow


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPost:
    """A post at a place of a list."""

    place: UUID
    """What brought it there; newest first."""
    post_id: UUID


async def list_of_account(
    session: AsyncSession,
    viewer: UUID | None,
    account_id: UUID,
    *,
    before: UUID | None,
    limit: int,
) -> list[ListedPost]:
    """What was published through one account."""
    post = FeedPostRow
    query = (
        select(post.id, post.id)
        .where(
            post.account_id == account_id,
            post.deleted_at.is_(None),
            can_meet(viewer, post.author_id),
        )
        .order_by(post.id.desc())
        .limit(limit)
    )
    return await _listed(session, query if before is None else query.where(post.id < before))


async def list_of_hashtag(
    session: AsyncSession, viewer: UUID | None, hashtag: str, *, before: UUID | None, limit: int
) -> list[ListedPost]:
    """Posts with a hashtag, given as it is kept."""
    used = FeedHashtagRow
    query = (
        select(used.post_id, used.post_id)
        .join(FeedPostRow, FeedPostRow.id == used.post_id)
        .where(
            used.hashtag == hashtag,
            FeedPostRow.deleted_at.is_(None),
            can_meet(viewer, FeedPostRow.author_id),
            wants(viewer, FeedPostRow.author_id),
        )
        .order_by(used.post_id.desc())
        .limit(limit)
    )
    return await _listed(session, query if before is None else query.where(used.post_id < before))


async def list_bookmarks(
    session: AsyncSession, viewer: UUID, *, before: UUID | None, limit: int
) -> list[ListedPost]:
    """What somebody keeps for later, latest kept first."""
    kept = FeedBookmarkRow
    query = (
        select(kept.id, kept.post_id)
        .join(FeedPostRow, FeedPostRow.id == kept.post_id)
        .where(
            kept.user_id == viewer,
            FeedPostRow.deleted_at.is_(None),
            can_meet(viewer, FeedPostRow.author_id),
        )
        .order_by(kept.id.desc())
        .limit(limit)
    )
    return await _listed(session, query if before is None else query.where(kept.id < before))


async def _listed(session: AsyncSession, query: Select[UUID, UUID]) -> list[ListedPost]:
    return [
        ListedPost(place=place, post_id=post_id)
        for place, post_id in (await session.execute(query)).all()
    ]
