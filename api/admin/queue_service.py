"""What waits in the outbox and which jobs are dead; tried again, or dropped."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.admin.queue_schemas import Chosen
from domain.moderation import Act
from storage import stuck_jobs, stuck_outbox
from storage.database import Database
from storage.moderation import audit
from storage.moderation.audit import Actor
from storage.stuck_jobs import JobCounts, StuckJob
from storage.stuck_outbox import OutboxCounts, OutboxFilter, WaitingItem


class AdminQueues:
    """Each method is one transaction, with an entry in the audit log for each thing touched."""

    def __init__(self, database: Database) -> None:
        """`database` keeps both queues."""
        self._database = database

    async def list_outbox(
        self, chosen: OutboxFilter, *, after: int | None, limit: int
    ) -> Sequence[WaitingItem]:
        """What waits, longest first."""
        async with self._database.transaction() as session:
            return await stuck_outbox.list_page(session, chosen, after=after, limit=limit)

    async def count_outbox(self) -> list[OutboxCounts]:
        """How much waits of each kind."""
        async with self._database.transaction() as session:
            return await stuck_outbox.counts(session)

    async def retry_outbox(self, by: Actor, chosen: Chosen) -> list[int]:
        """Have them tried now; those that were there."""
        async with self._database.transaction() as session:
            items = await stuck_outbox.retry(session, chosen.ids)
            await _record_items(session, by, Act.RETRY_OUTBOX, items, chosen)
        return sorted(item.id for item in items)

    async def drop_outbox(self, by: Actor, chosen: Chosen) -> list[int]:
        """Take them away undone; those that were there."""
        async with self._database.transaction() as session:
            items = await stuck_outbox.drop(session, chosen.ids)
            await _record_items(session, by, Act.DROP_OUTBOX, items, chosen)
        return sorted(item.id for item in items)

    async def list_dead_jobs(self, *, before: int | None, limit: int) -> Sequence[StuckJob]:
        """Dead jobs, latest decided first."""
        async with self._database.transaction() as session:
            return await stuck_jobs.list_stuck(session, before=before, limit=limit)

    async def count_jobs(self) -> list[JobCounts]:
        """How many jobs there are of each kind."""
        async with self._database.transaction() as session:
            return await stuck_jobs.counts(session)

    async def retry_jobs(self, by: Actor, chosen: Chosen) -> list[int]:
        """Have dead jobs tried again from the start; those that were dead."""
        async with self._database.transaction() as session:
            ids = await stuck_jobs.retry(session, chosen.ids)
            for job_id in sorted(ids):
                await _record(session, by, Act.RETRY_JOBS, "job", job_id, chosen, {"dead": True})
        return sorted(ids)

    async def drop_jobs(self, by: Actor, chosen: Chosen) -> list[int]:
        """Take dead jobs away undone; those that were dead."""
        async with self._database.transaction() as session:
            ids = await stuck_jobs.drop(session, chosen.ids)
            for job_id in sorted(ids):
                await _record(session, by, Act.DROP_JOBS, "job", job_id, chosen, {"dead": True})
        return sorted(ids)


async def _record_items(
    session: AsyncSession, by: Actor, act: Act, items: Sequence[WaitingItem], chosen: Chosen
) -> None:
    for item in items:
        before = {
            "kind": item.kind,
            "post_id": str(item.post_id),
            "tries": item.tries,
            "last_error": item.last_error,
        }
        await _record(session, by, act, "outbox_item", item.id, chosen, before)


async def _record(
    session: AsyncSession,
    by: Actor,
    act: Act,
    subject_type: str,
    subject_id: int,
    chosen: Chosen,
    before: Mapping[str, Any],
) -> None:
    await audit.record(
        session,
        by,
        act,
        subject_type=subject_type,
        subject_id=subject_id,
        reason=chosen.reason,
        before=before,
    )
