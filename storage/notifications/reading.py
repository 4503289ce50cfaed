"""Reads what people are told, and writes down that they read it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.notifications import NotificationKind, SubjectType
from storage.tables import NotificationRow, UserRow
from storage.unnested import unnested

COUNTED: Final = 1000
"""Unread notifications are counted up to there: nobody reads a longer number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Somebody who did what a notification tells."""

    user_id: UUID
    handle: str
    display_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """News of one kind about one thing for one person."""

    id: UUID
    user_id: UUID
    kind: NotificationKind
    subject_type: SubjectType
    subject_id: UUID
    position: UUID
    actors: tuple[Actor, ...]
    """The last few, latest first."""
    actor_count: int
    event_count: int
    updated_at: datetime
    read_at: datetime | None


async def list_page(
    session: AsyncSession, user_id: UUID, *, before: UUID | None, limit: int
) -> list[Notification]:
    """A person's notifications, those with the latest news first, behind that position."""
    query = (
        select(NotificationRow)
        .where(NotificationRow.user_id == user_id)
        .order_by(NotificationRow.position.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(NotificationRow.position < before)
    return await _with_actors(session, (await session.scalars(query)).all())


async def get_many(session: AsyncSession, ids: Collection[UUID]) -> list[Notification]:
    """Those notifications, whosever they are."""
    query = (
        select(NotificationRow)
        .where(NotificationRow.id.in_(ids))
        .execution_options(populate_existing=True)
    )
    return await _with_actors(session, (await session.scalars(query)).all())


async def count_unread(session: AsyncSession, user_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many each of them has not read, counted up to `COUNTED`."""
    people = unnested("people", user_id=(Uuid(), list(user_ids)))
    unread = (
        select(NotificationRow.user_id)
        .where(NotificationRow.user_id == people.c.user_id, NotificationRow.read_at.is_(None))
        .limit(COUNTED)
        .lateral("unread")
    )
    query = (
        select(people.c.user_id, func.count(unread.c.user_id).label("unread"))
        .select_from(people.outerjoin(unread, true()))
        .group_by(people.c.user_id)
    )
    rows = await session.execute(query)
    return {row.user_id: row.unread for row in rows.all()}


async def mark_read(session: AsyncSession, user_id: UUID, notification_id: UUID) -> bool:
    """Note that one was read; False when the person has no such notification."""
    statement = (
        update(NotificationRow)
        .where(NotificationRow.id == notification_id, NotificationRow.user_id == user_id)
        .values(read_at=func.coalesce(NotificationRow.read_at, func.now()))
        .returning(NotificationRow.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def mark_all_read(session: AsyncSession, user_id: UUID, *, up_to: UUID | None) -> None:
    """Note that everything up to that position was read; what has had news since is left."""
    unread = update(NotificationRow).where(
        NotificationRow.user_id == user_id, NotificationRow.read_at.is_(None)
    )
    if up_to is not None:
        unread = unread.where(NotificationRow.position <= up_to)
    await session.execute(unread.values(read_at=func.now()))


async def mark_subject_read(
    session: AsyncSession, user_id: UUID, kind: NotificationKind, subject_id: UUID
) -> None:
    """Note that they saw the subject itself: who opens a conversation has read of its messages."""
    await session.execute(
        update(NotificationRow)
        .where(
            NotificationRow.user_id == user_id,
            NotificationRow.kind == str(kind),
            NotificationRow.subject_id == subject_id,
            NotificationRow.read_at.is_(None),
        )
        .values(read_at=func.now())
    )


async def _with_actors(
    session: AsyncSession, rows: Sequence[NotificationRow]
) -> list[Notification]:
    named = {actor_id for row in rows for actor_id in row.latest_actors}
    people: dict[UUID, Actor] = {}
    if named:
        query = select(UserRow.id, UserRow.handle, UserRow.display_name).where(
            UserRow.id.in_(named)
        )
        for user_id, handle, display_name in (await session.execute(query)).all():
            people[user_id] = Actor(user_id=user_id, handle=handle, display_name=display_name)
    return [
        Notification(
            id=row.id,
            user_id=row.user_id,
            kind=NotificationKind(row.kind),
            subject_type=SubjectType(row.subject_type),
            subject_id=row.subject_id,
            position=row.position,
            actors=tuple(people[one] for one in row.latest_actors if one in people),
            actor_count=row.actor_count,
            event_count=row.event_count,
            updated_at=row.updated_at,
            read_at=row.read_at,
        )
        for row in rows
    ]
