"""What has been decided in a transaction and is done outside after it: kept until it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.tables import OutboxRow
from storage.unnested import unnested
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
    earlier = aliased(OutboxRow)
    chosen = (
        select(OutboxRow.id)
        .where(
            OutboxRow.available_at <= func.now(),
            ~select(earlier.id)
            .where(earlier.subject_id == OutboxRow.subject_id, earlier.id < OutboxRow.id)
            .exists(),
        )
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=OutboxRow)
        # Apart, or a plan may run it once for each row that it compares, and lease too many.
        .cte("chosen")
    )
    statement = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(select(chosen.c.id)))
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
    await session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))


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
