"""People as the feed shows them: one profile, and lists of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, false, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage.feed.visibility import can_meet
from storage.tables import (
    BlockRow,
    FeedEntryRow,
    FeedLikeRow,
    FeedProfileRow,
    FollowRow,
    MuteRow,
    UserRow,
)

PERSON_COLUMNS = (UserRow.id, UserRow.handle, UserRow.display_name, UserRow.avatar_media_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPerson:
    """Somebody beside a post or in a list."""

    id: UUID
    handle: str
    display_name: str
    avatar_media_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPerson:
    """Somebody at a place of a list."""

    place: UUID
    """What brought them there; newest first."""
    person: FeedPerson


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """Somebody's page, as one viewer sees it."""

    person: FeedPerson
    follower_count: int
    following_count: int
    following: bool
    """Whether the viewer follows."""
    follows_viewer: bool
    muted: bool


async def load(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, FeedPerson]:
    """The people by id."""
    if not ids:
        return {}
    query = select(*PERSON_COLUMNS).where(UserRow.id == any_(literal(list(ids), ARRAY(Uuid))))
    found = [person_of(row) for row in (await session.execute(query)).all()]
    return {person.id: person for person in found}


async def find_profile(
    session: AsyncSession, viewer: UUID | None, wanted: UUID | str
) -> Profile | None:
    """The profile of that id, or that handle whatever its case; None when it is not to be seen."""
    one = (
        UserRow.id == wanted
        if isinstance(wanted, UUID)
        else func.lower(UserRow.handle) == wanted.lower()
    )
    query = (
        select(
            *PERSON_COLUMNS,
            func.coalesce(FeedProfileRow.follower_count, 0),
            func.coalesce(FeedProfileRow.following_count, 0),
            *_relations(viewer),
        )
        .outerjoin(FeedProfileRow, FeedProfileRow.user_id == UserRow.id)
        .where(one, can_meet(viewer, UserRow.id))
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    columns: list[Any] = list(found)
    followers, following, is_followed, follows_back, muted = columns[len(PERSON_COLUMNS) :]
    return Profile(
        person=person_of(columns[: len(PERSON_COLUMNS)]),
        follower_count=followers,
        following_count=following,
        following=is_followed,
        follows_viewer=follows_back,
        muted=muted,
    )


async def list_followers(
    session: AsyncSession, viewer: UUID | None, user_id: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Who follows somebody, newest first."""
    shown = (FollowRow.followee_id == user_id, can_meet(viewer, FollowRow.follower_id))
    return await _list(session, FollowRow.id, FollowRow.follower_id, shown, before, limit)


async def list_following(
    session: AsyncSession, viewer: UUID | None, user_id: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Whom somebody follows, newest first."""
    shown = (FollowRow.follower_id == user_id, can_meet(viewer, FollowRow.followee_id))
    return await _list(session, FollowRow.id, FollowRow.followee_id, shown, before, limit)


async def list_likes(
    session: AsyncSession, viewer: UUID | None, post_id: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Who likes a post, newest first."""
    shown = (FeedLikeRow.post_id == post_id, can_meet(viewer, FeedLikeRow.user_id))
    return await _list(session, FeedLikeRow.id, FeedLikeRow.user_id, shown, before, limit)


async def list_reposts(
    session: AsyncSession, viewer: UUID | None, post_id: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Who reposted a post, newest first."""
    entry = FeedEntryRow
    shown = (entry.post_id == post_id, entry.id != post_id, can_meet(viewer, entry.actor_id))
    return await _list(session, entry.id, entry.actor_id, shown, before, limit)


async def list_blocked(
    session: AsyncSession, viewer: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Whom somebody blocks, newest first."""
    own = (BlockRow.blocker_id == viewer,)
    return await _list(session, BlockRow.id, BlockRow.blocked_id, own, before, limit)


async def list_muted(
    session: AsyncSession, viewer: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Whom somebody mutes, newest first."""
    own = (MuteRow.muter_id == viewer,)
    return await _list(session, MuteRow.id, MuteRow.muted_id, own, before, limit)


async def _list(
    session: AsyncSession,
    place: InstrumentedAttribute[UUID],
    person: InstrumentedAttribute[UUID],
    shown: Iterable[ColumnElement[bool]],
    before: UUID | None,
    limit: int,
) -> list[ListedPerson]:
    """The people of rows that are shown, by what brought them there, newest first."""
    query = (
        select(place, *PERSON_COLUMNS)
        .join(UserRow, UserRow.id == person)
        .where(*shown)
        .order_by(place.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(place < before)
    return [
        ListedPerson(place=at, person=person_of(columns))
        for at, *columns in (await session.execute(query)).all()
    ]


def person_of(columns: Sequence[Any]) -> FeedPerson:
    """A person from PERSON_COLUMNS."""
    user_id, handle, display_name, avatar = columns
    return FeedPerson(id=user_id, handle=handle, display_name=display_name, avatar_media_id=avatar)


def _relations(viewer: UUID | None) -> tuple[ColumnElement[bool], ...]:
    if viewer is None:
        return (false(), false(), false())
    back = (
        select(FollowRow.id)
        .where(FollowRow.follower_id == UserRow.id, FollowRow.followee_id == viewer)
        .exists()
    )
    muted = (
        select(MuteRow.id)
        .where(MuteRow.muter_id == viewer, MuteRow.muted_id == UserRow.id)
        .exists()
    )
    following = (
        select(FollowRow.id)
        .where(FollowRow.follower_id == viewer, FollowRow.followee_id == UserRow.id)
        .exists()
    )
    return (following, back, muted)
