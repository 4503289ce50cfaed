"""What has been decided in a transaction and is done outside after it: kept until it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    Uuid,
    delete,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.tables import OutboxRow
from storage.unnested import is_among, unnested
from storage.waking import wake_after_commit

CHANNEL = "punctual_outbox"
"""The NOTIFY channel that wakes relays after a commit."""


class OutboxKind(StrEnum):
    """What is to be done."""

    START_POST = "start_post"
    RETRY_DELIVERY = "retry_delivery"
    RESCHEDULE_POST = "reschedule_post"
    CANCEL_DELIVERIES = "cancel_deliveries"
    RESUME_DELIVERIES = "resume_deliveries"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxItem:
    """One thing to do, leased to this relay for a while."""

    id: int
    kind: OutboxKind
    workspace_id: UUID
    subject_id: UUID
    payload: dict[str, Any]
    due_at: datetime
    tries: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewItem:
    """One thing that was decided."""

    kind: OutboxKind
    workspace_id: UUID
    post_id: UUID
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


async def put(
    session: AsyncSession,
    kind: OutboxKind,
    *,
    workspace_id: UUID,
    post_id: UUID,
    due_at: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    """Decide something in the running transaction; relays wake after it commits."""
    new = NewItem(
        kind=kind,
        workspace_id=workspace_id,
        post_id=post_id,
        due_at=due_at,
        payload=payload or {},
    )
    await put_many(session, [new])


async def put_many(session: AsyncSession, items: Sequence[NewItem]) -> None:
    """Decide many things in one statement, each post's in their order."""
    if not items:
        return
    new = unnested(
        "new",
        kind=(Text(), [str(item.kind) for item in items]),
        workspace_id=(Uuid(), [item.workspace_id for item in items]),
        subject_id=(Uuid(), [item.post_id for item in items]),
        due_at=(DateTime(timezone=True), [item.due_at for item in items]),
        payload=(JSONB(), [dict(item.payload) for item in items]),
    )
    columns = ["kind", "workspace_id", "subject_id", "due_at", "payload"]
    await session.execute(insert(OutboxRow).from_select(columns, select(new)))
    wake_after_commit(session, CHANNEL)


async def lease(session: AsyncSession, *, limit: int, duration: timedelta) -> list[OutboxItem]:
    """Take what is to be done now, earliest publish time first; nobody else gets it meanwhile.

    Items of one post come one at a time and in the order they were decided.
    """
    chosen = (
        select(OutboxRow.id)
        .where(*_is_next(OutboxRow))
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=OutboxRow)
        # Apart, or a plan may run it once for each row that it compares, and lease too many.
        .cte("chosen")
    )
    return await _take(session, select(chosen.c.id), duration)


async def lease_in_turn(
    session: AsyncSession, *, limit: int, duration: timedelta
) -> list[OutboxItem]:
    """Take the earliest item of each workspace, so that one's crowd does not delay another's one.

    Of so many workspaces at most, the earliest first. For when there is more than one lease of
    `lease`.
    """
    by_workspace = select(OutboxRow.workspace_id).order_by(OutboxRow.workspace_id).limit(1)
    first = by_workspace.scalar_subquery()
    tenants = select(first.label("id")).cte("tenants", recursive=True)
    # From one workspace to the next by the index, however many items each has.
    following = by_workspace.where(OutboxRow.workspace_id > tenants.c.id).scalar_subquery()
    tenants = tenants.union_all(select(following).where(tenants.c.id.is_not(None)))
    earliest = (
        select(OutboxRow.id, OutboxRow.due_at)
        .where(OutboxRow.workspace_id == tenants.c.id, *_is_next(OutboxRow))
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(1)
        .lateral("earliest")
    )
    turns = (
        select(earliest.c.id)
        .select_from(tenants.join(earliest, true()))
        .order_by(earliest.c.due_at, earliest.c.id)
        .limit(limit)
    )
    ids = (await session.scalars(turns)).all()
    chosen = (
        select(OutboxRow.id)
        .where(OutboxRow.id.in_(ids), OutboxRow.available_at <= func.now())
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    return await _take(session, select(chosen.c.id), duration)


def _is_next(row: type[OutboxRow]) -> tuple[ColumnElement[bool], ...]:
    """Whether it may be done now, and nothing of its post comes before it."""
    earlier = aliased(OutboxRow)
    before = select(earlier.id).where(earlier.subject_id == row.subject_id, earlier.id < row.id)
    return row.available_at <= func.now(), ~before.exists()


async def _take(
    session: AsyncSession, chosen: Select[tuple[int]], duration: timedelta
) -> list[OutboxItem]:
    statement = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(chosen))
        .values(available_at=func.now() + duration, tries=OutboxRow.tries + 1)
        .returning(OutboxRow)
    )
    rows = (await session.scalars(statement)).all()
    return [
        OutboxItem(
            id=row.id,
            kind=OutboxKind(row.kind),
            workspace_id=row.workspace_id,
            subject_id=row.subject_id,
            payload=row.payload,
            due_at=row.due_at,
            tries=row.tries,
            created_at=row.created_at,
        )
        for row in sorted(rows, key=lambda row: (row.due_at, row.id))
    ]


async def done(session: AsyncSession, ids: list[int]) -> None:
    """Remove what has been done."""
    await session.execute(delete(OutboxRow).where(is_among(OutboxRow.id, ids)))


async def postpone(session: AsyncSession, item_id: int, *, wait: timedelta, error: str) -> None:
    """Keep it for later, with what went wrong."""
    await session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == item_id)
        .values(available_at=func.now() + wait, last_error=error)
    )


async def backlog(session: AsyncSession) -> int:
    """How much is waiting."""
    return (await session.scalars(select(func.count()).select_from(OutboxRow))).one()
