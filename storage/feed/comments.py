"""Comments on feed posts, and replies to them: one level deep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from domain.trends import Weight
from storage.feed import trends
from storage.feed.people import PERSON_COLUMNS, FeedPerson, person_of
from storage.feed.publishing import tell_mentioned
from storage.feed.reactions import HeldPost, count
from storage.feed.versions import note_own_write
from storage.feed.visibility import can_meet, wants
from storage.notifications.deciding import notify
from storage.tables import FeedCommentRow, FeedPostRow, UserRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """One comment, or one reply."""

    id: UUID
    post_id: UUID
    parent_id: UUID | None
    """The comment that it replies to."""
    author: FeedPerson
    text: str
    reply_count: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Where a comment belongs."""

    id: UUID
    post_id: UUID
    parent_id: UUID | None
    author_id: UUID


async def place(session: AsyncSession, viewer: UUID | None, comment_id: UUID) -> Placed | None:
    """Where that comment belongs; None when it is not there, or not for this viewer."""
    query = (
        select(FeedCommentRow.post_id, FeedCommentRow.parent_id, FeedCommentRow.author_id)
        .join(FeedPostRow, FeedPostRow.id == FeedCommentRow.post_id)
        .where(
            FeedCommentRow.id == comment_id,
            FeedCommentRow.deleted_at.is_(None),
            FeedPostRow.deleted_at.is_(None),
            can_meet(viewer, FeedCommentRow.author_id),
            can_meet(viewer, FeedPostRow.author_id),
        )
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    post_id, parent_id, author_id = found
    return Placed(id=comment_id, post_id=post_id, parent_id=parent_id, author_id=author_id)


async def write(
    session: AsyncSession,
    author_id: UUID,
    post: HeldPost,
    *,
    comment_key: str,
    text: str,
    reply_to: Placed | None,
) -> UUID:
    """Comment on a held post, unless the author's key is taken; the id of the one that stands.

    A reply to a reply belongs to the same comment, and its author hears of it.
    """
    parent_id = None if reply_to is None else reply_to.parent_id or reply_to.id
    written = await session.scalars(
        insert(FeedCommentRow)
        .values(
            id=new_id(),
            post_id=post.id,
            author_id=author_id,
            parent_id=parent_id,
            comment_key=comment_key,
            text=text,
        )
        .on_conflict_do_nothing(index_elements=["author_id", "comment_key"])
        .returning(FeedCommentRow.id)
    )
    comment_id = written.one_or_none()
    if comment_id is None:
        standing = select(FeedCommentRow.id).where(
            FeedCommentRow.author_id == author_id, FeedCommentRow.comment_key == comment_key
        )
        return (await session.scalars(standing)).one()
    await count(session, post.id, FeedPostRow.comment_count, 1)
    if parent_id is not None:
        await _count_replies(session, parent_id, 1)
    await trends.count_post(session, post.id, Weight.COMMENT, comment_id)
    await _tell(session, author_id, post, comment_id, reply_to)
    await tell_mentioned(session, author_id, text, SubjectType.COMMENT, comment_id)
    await note_own_write(session, author_id)
    return comment_id


async def find(session: AsyncSession, viewer: UUID | None, comment_id: UUID) -> Comment | None:
    """One comment, deleted ones left out."""
    found = await _shown(session, _comments(viewer).where(FeedCommentRow.id == comment_id))
    return found[0] if found else None


async def list_of_post(
    session: AsyncSession, viewer: UUID | None, post_id: UUID, *, before: UUID | None, limit: int
) -> list[Comment]:
    """A post's comments without their replies, newest first."""
    query = _page(_comments(viewer), before, limit).where(
        FeedCommentRow.post_id == post_id, FeedCommentRow.parent_id.is_(None)
    )
    return await _shown(session, query)


async def list_replies(
    session: AsyncSession, viewer: UUID | None, parent_id: UUID, *, before: UUID | None, limit: int
) -> list[Comment]:
    """A comment's replies, newest first."""
    query = _page(_comments(viewer), before, limit).where(FeedCommentRow.parent_id == parent_id)
    return await _shown(session, query)


async def remove(session: AsyncSession, comment: Placed) -> None:
    """Take a comment away with its replies; the rows stay, for whoever has to judge them.

    Hold the post before, so that the count is right.
    """
    gone = await session.scalars(
        update(FeedCommentRow)
        .where(
            (FeedCommentRow.id == comment.id) | (FeedCommentRow.parent_id == comment.id),
            FeedCommentRow.deleted_at.is_(None),
        )
        .values(deleted_at=func.now())
        .returning(FeedCommentRow.id)
    )
    removed = gone.all()
    if not removed:
        return
    await count(session, comment.post_id, FeedPostRow.comment_count, -len(removed))
    if comment.parent_id is not None:
        await _count_replies(session, comment.parent_id, -1)
    for event in removed:
        await trends.uncount_post(session, comment.post_id, Weight.COMMENT, event)
    await note_own_write(session, comment.author_id)


def _comments(viewer: UUID | None) -> Select[*tuple[Any, ...]]:
    return (
        select(
            FeedCommentRow.id,
            FeedCommentRow.post_id,
            FeedCommentRow.parent_id,
            FeedCommentRow.text,
            FeedCommentRow.reply_count,
            FeedCommentRow.created_at,
            *PERSON_COLUMNS,
        )
        .join(UserRow, UserRow.id == FeedCommentRow.author_id)
        .where(
            FeedCommentRow.deleted_at.is_(None),
            can_meet(viewer, FeedCommentRow.author_id),
            wants(viewer, FeedCommentRow.author_id),
        )
    )


def _page(
    query: Select[*tuple[Any, ...]], before: UUID | None, limit: int
) -> Select[*tuple[Any, ...]]:
    paged = query.order_by(FeedCommentRow.id.desc()).limit(limit)
    return paged if before is None else paged.where(FeedCommentRow.id < before)


async def _shown(session: AsyncSession, query: Select[*tuple[Any, ...]]) -> list[Comment]:
    return [_comment(row) for row in (await session.execute(query)).all()]


def _comment(row: Sequence[Any]) -> Comment:
    comment_id, post_id, parent_id, text, replies, at, *author = row
    return Comment(
        id=comment_id,
        post_id=post_id,
        parent_id=parent_id,
        author=person_of(author),
        text=text,
        reply_count=replies,
        created_at=at,
    )


async def _count_replies(session: AsyncSession, parent_id: UUID, more: int) -> None:
    await session.execute(
        update(FeedCommentRow)
        .where(FeedCommentRow.id == parent_id)
        .values(reply_count=FeedCommentRow.reply_count + more)
    )


async def _tell(
    session: AsyncSession,
    author_id: UUID,
    post: HeldPost,
    comment_id: UUID,
    reply_to: Placed | None,
) -> None:
    """The post's author hears of a comment, and whoever is replied to of a reply."""
    if reply_to is None or reply_to.author_id != post.author_id:
        await notify(
            session,
            NotificationKind.COMMENT,
            user_ids=[post.author_id],
            actor_id=author_id,
            subject_type=SubjectType.FEED_POST,
            subject_id=post.id,
            cause_id=comment_id,
        )
    if reply_to is not None:
        await notify(
            session,
            NotificationKind.REPLY,
            user_ids=[reply_to.author_id],
            actor_id=author_id,
            subject_type=SubjectType.COMMENT,
            subject_id=reply_to.id,
            cause_id=comment_id,
        )
