"""The outbox as an operator sees it: how much waits, what is stuck, and what to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.outbox import CHANNEL, OutboxKind
from storage.tables import OutboxRow
from storage.waking import wake_after_commit


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingItem:
    """One thing that was decided and is not done yet."""

    id: int
    kind: str
    """An OutboxKind, or one of an older version of this code."""
    workspace_id: UUID
    post_id: UUID
    due_at: datetime
    created_at: datetime
    available_at: datetime
    """Not before: a relay is at it, or waits after a failure."""
    tries: int
    last_error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxFilter:
    """Which items; what is None is not asked for."""

    kind: OutboxKind | None = None
    min_tries: int = 0
    failing: bool = False
    """Only those that failed before."""
    error: str | None = None
    """Words of the last error, whatever their case."""
    older_than: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxCounts:
    """How much there is of one kind."""

    kind: str
    waiting: int
    failing: int
    oldest: datetime


async def list_page(
    session: AsyncSession, chosen: OutboxFilter, *, after: int | None, limit: int
) -> list[WaitingItem]:
    """What waits, longest first, behind that id."""
    query = select(OutboxRow).order_by(OutboxRow.id).limit(limit)
    if chosen.kind is not None:
        query = query.where(OutboxRow.kind == chosen.kind)
    if chosen.min_tries:
        query = query.where(OutboxRow.tries >= chosen.min_tries)
    if chosen.failing or chosen.error is not None:
        query = query.where(OutboxRow.last_error.is_not(None))
    if chosen.error is not None:
        query = query.where(OutboxRow.last_error.icontains(chosen.error, autoescape=True))
    if chosen.older_than is not None:
        query = query.where(OutboxRow.created_at <= func.now() - chosen.older_than)
    if after is not None:
        query = query.where(OutboxRow.id > after)
    return [_item(row) for row in (await session.scalars(query)).all()]


async def counts(session: AsyncSession) -> list[OutboxCounts]:
    """What there is of each kind that there is anything of, by name."""
    query = (
        select(
            OutboxRow.kind,
            func.count().label("waiting"),
            func.count(OutboxRow.last_error).label("failing"),
            func.min(OutboxRow.created_at).label("oldest"),
        )
        .group_by(OutboxRow.kind)
        .order_by(OutboxRow.kind)
    )
    return [
        OutboxCounts(kind=row.kind, waiting=row.waiting, failing=row.failing, oldest=row.oldest)
        for row in (await session.execute(query)).all()
    ]


async def retry(session: AsyncSession, ids: Sequence[int]) -> list[WaitingItem]:
    """Have them tried now; those that were there. One that a relay is at is done twice, harmlessly:
    whatever is told to Temporal may be told again."""
    statement = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids))
        .values(available_at=func.now())
        .returning(OutboxRow)
    )
    found = [_item(row) for row in (await session.scalars(statement)).all()]
    if found:
        wake_after_commit(session, CHANNEL)
    return found


async def drop(session: AsyncSession, ids: Sequence[int]) -> list[WaitingItem]:
    """Take them away undone; those that were there.

    A post that is due all the same is found by the sweep, and put here again.
    """
    statement = delete(OutboxRow).where(OutboxRow.id.in_(ids)).returning(OutboxRow)
    return [_item(row) for row in (await session.scalars(statement)).all()]


def _item(row: OutboxRow) -> WaitingItem:
    return WaitingItem(
        id=row.id,
        kind=row.kind,
        workspace_id=row.workspace_id,
        post_id=row.subject_id,
        due_at=row.due_at,
        created_at=row.created_at,
        available_at=row.available_at,
        tries=row.tries,
        last_error=row.last_error,
    )
