"""Feed posts as they are shown: whoever asks, one statement for any number of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, bindparam, false, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from storage.feed.people import PERSON_COLUMNS, FeedPerson, person_of
from storage.feed.visibility import Viewer, can_meet
from storage.tables import FeedBookmarkRow, FeedEntryRow, FeedLikeRow, FeedPostRow, UserRow

_VIEWER: Final = bindparam("viewer", type_=Uuid())
_IDS: Final = bindparam("ids", type_=ARRAY(Uuid))


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerMarks:
    """What the viewer did with a post."""

    liked: bool
    reposted: bool
    bookmarked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPost:
    """One public post of the feed."""

    id: UUID
    author: FeedPerson
    account_id: UUID | None
    """The account it was published through; None when its author wrote it here."""
    text: str
    media: tuple[tuple[UUID, str], ...]
    """(media id, alt text)"""
    like_count: int
    comment_count: int
    repost_count: int
    published_at: datetime
    marks: ViewerMarks | None
    """None for somebody who is not signed in."""


async def find(session: AsyncSession, viewer: UUID | None, post_id: UUID) -> FeedPost | None:
    """One post; None when it is not there, not any more, or not for this viewer."""
    return (await load(session, viewer, [post_id])).get(post_id)


async def load(
    session: AsyncSession, viewer: UUID | None, ids: Sequence[UUID]
) -> dict[UUID, FeedPost]:
    """The posts by id; those that the viewer may not see are missing."""
    if not ids:
        return {}
    query = _posts(signed_in=viewer is not None)
    rows = (await session.execute(query, {"viewer": viewer, "ids": list(ids)})).all()
    return {row[0]: _post(row, viewer) for row in rows}


@cache
def _posts(*, signed_in: bool) -> Select[*tuple[Any, ...]]:
    """The statement, made once: making it takes longer than carrying it out."""
    viewer = _VIEWER if signed_in else None
    return (
        select(
            FeedPostRow.id,
            FeedPostRow.account_id,
            FeedPostRow.text,
            FeedPostRow.media,
            FeedPostRow.like_count,
            FeedPostRow.comment_count,
            FeedPostRow.repost_count,
            FeedPostRow.published_at,
            *_marks(viewer),
            *PERSON_COLUMNS,
        )
        .join(UserRow, UserRow.id == FeedPostRow.author_id)
        .where(
            FeedPostRow.id == any_(_IDS),
            FeedPostRow.deleted_at.is_(None),
            can_meet(viewer, FeedPostRow.author_id),
        )
    )


def _post(row: Sequence[Any], viewer: UUID | None) -> FeedPost:
    post_id, account_id, text, media, likes, comments, reposts, at, *more = row
    liked, reposted, bookmarked, *author = more
    return FeedPost(
        id=post_id,
        author=person_of(author),
        account_id=account_id,
        text=text,
        media=tuple((UUID(item["media_id"]), item["alt_text"]) for item in media["items"]),
        like_count=likes,
        comment_count=comments,
        repost_count=reposts,
        published_at=at,
        marks=None
        if viewer is None
        else ViewerMarks(liked=liked, reposted=reposted, bookmarked=bookmarked),
    )


def _marks(viewer: Viewer | None) -> tuple[ColumnElement[bool], ...]:
    if viewer is None:
        return (false(), false(), false())
    liked = select(FeedLikeRow.id).where(
        FeedLikeRow.post_id == FeedPostRow.id, FeedLikeRow.user_id == viewer
    )
    reposted = select(FeedEntryRow.id).where(
        FeedEntryRow.actor_id == viewer,
        FeedEntryRow.post_id == FeedPostRow.id,
        FeedEntryRow.id != FeedPostRow.id,
    )
    bookmarked = select(FeedBookmarkRow.id).where(
        FeedBookmarkRow.user_id == viewer, FeedBookmarkRow.post_id == FeedPostRow.id
    )
    return (liked.exists(), reposted.exists(), bookmarked.exists())
