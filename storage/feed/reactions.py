"""Likes, reposts and bookmarks: each once a person, counted in the transaction that makes it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from domain.trends import Weight
from storage.feed import spreading, trends
from storage.feed.versions import note_own_write
from storage.feed.visibility import can_meet
from storage.notifications.deciding import notify, take_back
from storage.tables import FeedBookmarkRow, FeedEntryRow, FeedLikeRow, FeedPostRow


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldPost:
    """A post that nobody else counts on until the transaction ends."""

    id: UUID
    author_id: UUID


async def hold(session: AsyncSession, viewer: UUID, post_id: UUID) -> HeldPost | None:
    """Lock a post to do something with it; None when the viewer cannot see it."""
    query = (
        select(FeedPostRow.author_id)
        .where(
            FeedPostRow.id == post_id,
            FeedPostRow.deleted_at.is_(None),
            can_meet(viewer, FeedPostRow.author_id),
        )
        .with_for_update(key_share=True, of=FeedPostRow)
    )
    author = await session.scalar(query)
    return None if author is None else HeldPost(id=post_id, author_id=author)


async def like(session: AsyncSession, user_id: UUID, post: HeldPost) -> None:
    """Like a held post; liking it again is fine."""
    liked = await session.scalars(
        insert(FeedLikeRow)
        .values(id=new_id(), post_id=post.id, user_id=user_id)
        .on_conflict_do_nothing()
        .returning(FeedLikeRow.id)
    )
    event = liked.one_or_none()
    if event is None:
        return
    await count(session, post.id, FeedPostRow.like_count, 1)
    await trends.count_post(session, post.id, Weight.LIKE, event)
    await _tell_author(session, NotificationKind.LIKE, user_id, post)
    await note_own_write(session, user_id)


async def unlike(session: AsyncSession, user_id: UUID, post: HeldPost) -> None:
    """Take a like back; fine for those who never gave it."""
    gone = await session.scalars(
        delete(FeedLikeRow)
        .where(FeedLikeRow.post_id == post.id, FeedLikeRow.user_id == user_id)
        .returning(FeedLikeRow.id)
    )
    event = gone.one_or_none()
    if event is None:
        return
    await count(session, post.id, FeedPostRow.like_count, -1)
    await trends.uncount_post(session, post.id, Weight.LIKE, event)
    await _tell_author_no_more(session, NotificationKind.LIKE, user_id, post)
    await note_own_write(session, user_id)


async def repost(
    session: AsyncSession, user_id: UUID, post: HeldPost, *, fan_out_limit: int
) -> None:
    """Show a held post to one's own followers; reposting it again is fine."""
    event = new_id()
    entered = await spreading.enter(
        session,
        entry_id=event,
        post_id=post.id,
        author_id=post.author_id,
        actor_id=user_id,
        fan_out_limit=fan_out_limit,
    )
    if not entered:
        return
    await count(session, post.id, FeedPostRow.repost_count, 1)
    await trends.count_post(session, post.id, Weight.REPOST, event)
    await _tell_author(session, NotificationKind.REPOST, user_id, post)
    await note_own_write(session, user_id)


async def unrepost(session: AsyncSession, user_id: UUID, post: HeldPost) -> None:
    """Take a repost back, out of every feed; fine for those who never made it."""
    gone = await session.scalars(
        delete(FeedEntryRow)
        .where(
            FeedEntryRow.actor_id == user_id,
            FeedEntryRow.post_id == post.id,
            FeedEntryRow.id != post.id,
        )
        .returning(FeedEntryRow.id)
    )
    event = gone.one_or_none()
    if event is None:
        return
    await count(session, post.id, FeedPostRow.repost_count, -1)
    await trends.uncount_post(session, post.id, Weight.REPOST, event)
    await _tell_author_no_more(session, NotificationKind.REPOST, user_id, post)
    await note_own_write(session, user_id)


async def bookmark(session: AsyncSession, user_id: UUID, post: HeldPost) -> None:
    """Keep a held post for later; keeping it again is fine."""
    await session.execute(
        insert(FeedBookmarkRow)
        .values(id=new_id(), user_id=user_id, post_id=post.id)
        .on_conflict_do_nothing()
    )
    await note_own_write(session, user_id)


async def unbookmark(session: AsyncSession, user_id: UUID, post_id: UUID) -> None:
    """Keep it no more, whatever became of the post."""
    await session.execute(
        delete(FeedBookmarkRow).where(
            FeedBookmarkRow.user_id == user_id, FeedBookmarkRow.post_id == post_id
        )
    )
    await note_own_write(session, user_id)


async def count(
    session: AsyncSession, post_id: UUID, counter: InstrumentedAttribute[int], more: int
) -> None:
    """Add to one of a post's counters; no two transactions add to the same number."""
    await session.execute(
        update(FeedPostRow).where(FeedPostRow.id == post_id).values({counter: counter + more})
    )


async def _tell_author(
    session: AsyncSession, kind: NotificationKind, actor_id: UUID, post: HeldPost
) -> None:
    await notify(
        session,
        kind,
        user_ids=[post.author_id],
        actor_id=actor_id,
        subject_type=SubjectType.FEED_POST,
        subject_id=post.id,
        cause_id=actor_id,
    )


async def _tell_author_no_more(
    session: AsyncSession, kind: NotificationKind, actor_id: UUID, post: HeldPost
) -> None:
    await take_back(session, kind, user_id=post.author_id, actor_id=actor_id, subject_id=post.id)
