"""Feed posts as they are shown: whoever asks, as many statements for any number of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, bindparam, false, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from storage import media as media_rows
from storage.feed.people import PERSON_COLUMNS, FeedPerson, person_of
from storage.feed.visibility import Viewer, can_meet
from storage.media import Shape
from storage.tables import (
    AccountRow,
    FeedBookmarkRow,
    FeedEntryRow,
    FeedLikeRow,
    FeedPostRow,
    UserRow,
)

_VIEWER: Final = bindparam("viewer", type_=Uuid())
_IDS: Final = bindparam("ids", type_=ARRAY(Uuid))


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerMarks:
    """What the viewer did with a post."""

    liked: bool
    reposted: bool
    bookmarked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PostPicture:
    """A picture of a post."""

    media_id: UUID
    alt_text: str
    shape: Shape | None
    """None for one whose file is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPost:
    """One public post of the feed."""

    id: UUID
    author: FeedPerson
    account_id: UUID | None
    """The account it was published through; None when its author wrote it here."""
    text: str
    media: tuple[PostPicture, ...]
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
    """The posts by id; those that the viewer may not see are missing.

    One statement, and another for all pictures when there are any.
    """
    if not ids:
        return {}
    query = _posts(signed_in=viewer is not None)
    rows = (await session.execute(query, {"viewer": viewer, "ids": list(ids)})).all()
    shown = {UUID(item["media_id"]) for row in rows for item in row.media["items"]}
    shapes = await media_rows.shapes(session, shown)
    return {row[0]: _post(row, viewer, shapes) for row in rows}


async def went_out_through(session: AsyncSession, workspace_id: UUID, post_id: UUID) -> bool:
    """Whether the post is there, and was published through an account of that workspace."""
    query = (
        select(FeedPostRow.id)
        .join(AccountRow, AccountRow.id == FeedPostRow.account_id)
        .where(
            FeedPostRow.id == post_id,
            FeedPostRow.deleted_at.is_(None),
            AccountRow.workspace_id == workspace_id,
        )
    )
    return await session.scalar(query) is not None


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


def _post(row: Sequence[Any], viewer: UUID | None, shapes: Mapping[UUID, Shape]) -> FeedPost:
    post_id, account_id, text, media, likes, comments, reposts, at, *more = row
    liked, reposted, bookmarked, *author = more
    return FeedPost(
        id=post_id,
        author=person_of(author),
        account_id=account_id,
        text=text,
        media=tuple(_picture(item, shapes) for item in media["items"]),
        like_count=likes,
        comment_count=comments,
        repost_count=reposts,
        published_at=at,
        marks=None
        if viewer is None
        else ViewerMarks(liked=liked, reposted=reposted, bookmarked=bookmarked),
    )


def _picture(item: Mapping[str, str], shapes: Mapping[UUID, Shape]) -> PostPicture:
    media_id = UUID(item["media_id"])
    return PostPicture(media_id=media_id, alt_text=item["alt_text"], shape=shapes.get(media_id))


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
