"""Work that is decided in a transaction and done after it, exactly once in effect.

`put` is called in the transaction that decides. Whoever does the work takes the row with `finish`
in the transaction that holds its effects: either both are there or neither. The row is gone when
another was faster, and then nothing may be changed any more.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, Uuid, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import JobRow
from storage.unnested import unnested
from storage.waking import wake_after_commit

CHANNEL: Final = "punctual_jobs"
"""The NOTIFY channel that wakes those who do the work."""

UNHEARD_OF: Final = "Each process that began it ended, or was stopped, before it was done."

ERROR_LIMIT: Final = 500
"""Characters kept of what went wrong."""


class JobKind(StrEnum):
    """What is to be done."""

    FAN_OUT_POST = "fan_out_post"
    """A feed post reaches its followers' timelines."""
    NOTIFY = "notify"
    """People hear of what another did."""
    TAKE_BACK = "take_back"
    """People hear no more of what another did and undid."""
    SEND_MAIL = "send_mail"
    MAKE_IMAGES = "make_images"
    """An uploaded picture gets its sizes."""
    FORGET_UPLOAD = "forget_upload"
    """What is left of an upload past its time is removed."""
    DELIVERY_SETTLED = "delivery_settled"
    """People hear how a delivery of theirs ended."""
    ACCOUNT_RECONNECT = "account_reconnect"
    """People hear that an account has to be connected again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One thing to do, begun by this process."""

    id: int
    kind: JobKind
    subject_id: UUID
    payload: dict[str, Any]
    tries: int
    """This one included."""
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """Jobs that nobody else gets for a while, in the order in which they became due."""

    jobs: tuple[tuple[int, JobKind], ...]
    until: datetime
    """UTC; also what proves that the lease is still the last one."""


async def put(
    session: AsyncSession,
    kind: JobKind,
    *,
    subject_id: UUID,
    payload: dict[str, Any],
    run_at: datetime | None = None,
) -> None:
    """Decide something in the running transaction; it is done after the commit, or at `run_at`."""
    await put_many(session, kind, [(subject_id, payload)], run_at=run_at)


async def put_many(
    session: AsyncSession,
    kind: JobKind,
    subjects: Iterable[tuple[UUID, dict[str, Any]]],
    *,
    run_at: datetime | None = None,
) -> None:
    """Decide the same for many, each a (subject, payload), in one statement."""
    decided = list(subjects)
    if not decided:
        return
    new = unnested(
        "new",
        subject_id=(Uuid(), [subject_id for subject_id, _ in decided]),
        payload=(JSONB(), [payload for _, payload in decided]),
    )
    planned = func.now() if run_at is None else literal(run_at, DateTime(timezone=True))
    columns = ["kind", "subject_id", "payload", "run_at"]
    rows = select(literal(str(kind)), new.c.subject_id, new.c.payload, planned)
    await session.execute(insert(JobRow).from_select(columns, rows))
    if run_at is None:
        wake_after_commit(session, CHANNEL)


async def lease(
    session: AsyncSession,
    *,
    kinds: Collection[JobKind],
    limit: int,
    duration: timedelta,
    attempts: int,
) -> Lease | None:
    """Take what is due, longest due first; None when there is nothing.

    What was begun `attempts` times is left for `bury`.
    """
    chosen = (
        select(JobRow.id)
        .where(
            JobRow.dead_at.is_(None),
            JobRow.run_at <= func.now(),
            JobRow.kind.in_(kinds),
            JobRow.tries < attempts,
        )
        .order_by(JobRow.run_at, JobRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    statement = (
        update(JobRow)
        .where(JobRow.id == chosen.c.id)
        .values(run_at=func.now() + duration)
        .returning(JobRow.id, JobRow.kind, JobRow.run_at)
    )
    rows = (await session.execute(statement)).all()
    if not rows:
        return None
    return Lease(
        jobs=tuple((row.id, JobKind(row.kind)) for row in sorted(rows, key=lambda row: row.id)),
        until=rows[0].run_at,
    )


async def begin(session: AsyncSession, ids: Sequence[int], *, until: datetime) -> list[Job]:
    """Count a try of each leased job; those that were finished or leased anew are left out."""
    statement = (
        update(JobRow)
        .where(JobRow.id.in_(ids), JobRow.run_at == until, JobRow.dead_at.is_(None))
        .values(tries=JobRow.tries + 1)
        .returning(JobRow)
    )
    return [
        Job(
            id=row.id,
            kind=JobKind(row.kind),
            subject_id=row.subject_id,
            payload=row.payload,
            tries=row.tries,
            created_at=row.created_at,
        )
        for row in sorted((await session.scalars(statement)).all(), key=lambda row: row.id)
    ]


async def finish(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    """Take the jobs away for good; answers which of them were still there.

    In the transaction that holds their effects: of two that try, the second waits for the first
    and then finds nothing.
    """
    statement = delete(JobRow).where(JobRow.id.in_(sorted(ids))).returning(JobRow.id)
    return set((await session.scalars(statement)).all())


async def release(
    session: AsyncSession, ids: Sequence[int], *, until: datetime, begun: bool, wait: timedelta
) -> None:
    """Give leased jobs back that were not carried out; a try that was begun does not count."""
    tries = func.greatest(JobRow.tries - 1, 0) if begun else JobRow.tries
    await session.execute(
        update(JobRow)
        .where(JobRow.id.in_(ids), JobRow.run_at == until, JobRow.dead_at.is_(None))
        .values(run_at=func.now() + wait, tries=tries)
    )


async def bury(session: AsyncSession, *, attempts: int) -> int:
    """Give up what was begun `attempts` times and was never heard of again; answers how many."""
    statement = (
        update(JobRow)
        .where(JobRow.dead_at.is_(None), JobRow.run_at <= func.now(), JobRow.tries >= attempts)
        .values(dead_at=func.now(), last_error=func.coalesce(JobRow.last_error, UNHEARD_OF))
        .returning(JobRow.id)
    )
    return len((await session.scalars(statement)).all())


async def postpone(session: AsyncSession, job: Job, *, wait: timedelta, error: str) -> None:
    """Try again later, with what went wrong; unless it was begun again or finished meanwhile."""
    await session.execute(
        update(JobRow)
        .where(JobRow.id == job.id, JobRow.tries == job.tries)
        .values(run_at=func.now() + wait, last_error=error[:ERROR_LIMIT])
    )


async def give_up(session: AsyncSession, job: Job, *, error: str) -> None:
    """Keep it as dead, with what went wrong; unless it was begun again or finished meanwhile."""
    await session.execute(
        update(JobRow)
        .where(JobRow.id == job.id, JobRow.tries == job.tries)
        .values(dead_at=func.now(), last_error=error[:ERROR_LIMIT])
    )
