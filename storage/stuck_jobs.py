"""Jobs as an operator sees them: how many wait, which are stuck, and what to do with those."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.jobs import CHANNEL
from storage.tables import JobRow
from storage.waking import wake_after_commit


@dataclass(frozen=True, kw_only=True, slots=True)
class StuckJob:
    """A job that is not tried any more."""

    id: int
    kind: str
    """A JobKind, or one of an older version of this code."""
    subject_id: UUID
    payload: dict[str, Any]
    tries: int
    last_error: str
    created_at: datetime
    dead_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class JobCounts:
    """How much there is of one kind."""

    kind: str
    waiting: int
    """To be done now or later, or under way."""
    failing: int
    """Those of them that failed before."""
    dead: int
    oldest: datetime | None
    """When the one that waits longest should have been done, UTC; None when none is due."""


async def list_stuck(session: AsyncSession, *, before: int | None, limit: int) -> list[StuckJob]:
    """Dead jobs, latest decided first, those before that id."""
    query = select(JobRow).where(JobRow.dead_at.is_not(None)).order_by(JobRow.id.desc())
    if before is not None:
        query = query.where(JobRow.id < before)
    return [
        StuckJob(
            id=row.id,
            kind=row.kind,
            subject_id=row.subject_id,
            payload=row.payload,
            tries=row.tries,
            last_error=row.last_error or "",
            created_at=row.created_at,
            dead_at=row.dead_at,
        )
        for row in (await session.scalars(query.limit(limit))).all()
        if row.dead_at is not None
    ]


async def retry(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    """Have dead jobs tried again from the start; answers which of them were dead."""
    statement = (
        update(JobRow)
        .where(JobRow.id.in_(ids), JobRow.dead_at.is_not(None))
        .values(dead_at=None, tries=0, run_at=func.now())
        .returning(JobRow.id)
    )
    found = set((await session.scalars(statement)).all())
    if found:
        wake_after_commit(session, CHANNEL)
    return found


async def drop(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    """Take dead jobs away undone; answers which of them were dead."""
    statement = (
        delete(JobRow).where(JobRow.id.in_(ids), JobRow.dead_at.is_not(None)).returning(JobRow.id)
    )
    return set((await session.scalars(statement)).all())


async def counts(session: AsyncSession) -> list[JobCounts]:
    """What there is of each kind that there is anything of, by name."""
    waits = JobRow.dead_at.is_(None)
    query = (
        select(
            JobRow.kind,
            func.count().filter(waits).label("waiting"),
            func.count().filter(waits, JobRow.last_error.is_not(None)).label("failing"),
            func.count().filter(~waits).label("dead"),
            func.min(case((waits & (JobRow.run_at <= func.now()), JobRow.run_at))).label("oldest"),
        )
        .group_by(JobRow.kind)
        .order_by(JobRow.kind)
    )
    return [
        JobCounts(
            kind=row.kind,
            waiting=row.waiting,
            failing=row.failing,
            dead=row.dead,
            oldest=row.oldest,
        )
        for row in (await session.execute(query)).all()
    ]
