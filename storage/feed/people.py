"""People as the feed shows them: one profile, and lists of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, false, func, literal, select
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
    query = _people(FollowRow.id, FollowRow.follower_id, before, limit).where(
        FollowRow.followee_id == user_id, can_meet(viewer, FollowRow.follower_id)
    )
    return await _listed(session, query)


async def list_following(
    session: AsyncSession, viewer: UUID | None, user_id: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Whom somebody follows, newest first."""
    query = _people(FollowRow.id, FollowRow.followee_id, before, limit).where(
        FollowRow.follower_id == user_id, can_meet(viewer, FollowRow.followee_id)
    )
    return await _listed(session, query)


async def list_likes(
    session: AsyncSession, viewer: UUID | None, post_id: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Who likes a post, newest first."""
    query = _people(FeedLikeRow.id, FeedLikeRow.user_id, before, limit).where(
        FeedLikeRow.post_id == post_id, can_meet(viewer, FeedLikeRow.user_id)
    )
    return await _listed(session, query)


async def list_reposts(
    session: AsyncSession, viewer: UUID | None, post_id: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Who reposted a post, newest first."""
    query = _people(FeedEntryRow.id, FeedEntryRow.actor_id, before, limit).where(
        FeedEntryRow.post_id == post_id,
        FeedEntryRow.id != post_id,
        can_meet(viewer, FeedEntryRow.actor_id),
    )
    return await _listed(session, query)


async def list_blocked(
    session: AsyncSession, viewer: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Whom somebody blocks, newest first."""
    query = _people(BlockRow.id, BlockRow.blocked_id, before, limit).where(
        BlockRow.blocker_id == viewer
    )
    return await _listed(session, query)


async def list_muted(
    session: AsyncSession, viewer: UUID, *, before: UUID | None, limit: int
) -> list[ListedPerson]:
    """Whom somebody mutes, newest first."""
    query = _people(MuteRow.id, MuteRow.muted_id, before, limit).where(MuteRow.muter_id == viewer)
    return await _listed(session, query)


def _people(
    place: InstrumentedAttribute[UUID],
    person: InstrumentedAttribute[UUID],
    before: UUID | None,
    limit: int,
) -> Select[*tuple[Any, ...]]:
    query = (
        select(place, *PERSON_COLUMNS)
        .join(UserRow, UserRow.id == person)
        .order_by(place.desc())
        .limit(limit)
    )
    return query if before is None else query.where(place < before)


async def _listed(session: AsyncSession, query: Select[*tuple[Any, ...]]) -> list[ListedPerson]:
    return [
        ListedPerson(place=place, person=person_of(columns))
        for place, *columns in (await session.execute(query)).all()
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
