"""The loop that takes what is due and has it done: woken at commit, with a sweep besides."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.jobs import JobBatch
from jobs.handling import GroupHandler, Handlers
from storage import jobs
from storage.database import Database, DatabaseUnavailable
from storage.jobs import JobKind, Lease
from storage.waking import listen

log = structlog.get_logger(__name__)

SWEEP: Final = timedelta(seconds=1)
"""Between two looks when nobody woke us: planned jobs are late by as much at most."""

GROUP: Final = 200
"""Jobs that are handled together at most."""

GROUPS: Final = 2
"""Of one kind under way at once: while they run the next one grows, and others get their turn."""

OUTSIDE: Final = frozenset({JobKind.SEND_MAIL, JobKind.MAKE_IMAGES, JobKind.FORGET_UPLOAD})
"""Kinds that may take seconds each: they get half of the slots at most, however many wait."""

CarryOut = Callable[[JobBatch], Awaitable[None]]
"""Has a batch done: in this process, or by whoever serves the Temporal queue."""


class JobLoop:
    """Any number may run at once: each job is done by one, and doing it twice is harmless."""

    def __init__(
        self,
        *,
        database: Database,
        database_url: str,
        handlers: Handlers,
        carry_out: CarryOut,
        concurrency: int,
        attempts: int,
        lease: timedelta,
    ) -> None:
        """Batches of `concurrency` jobs, or groups of them, are under way at once.

        `database_url` is for the connection that listens. A process that is
        killed gives its jobs back after the `lease`.
        """
        self._database = database
        self._database_url = database_url
        self._kinds = frozenset(handlers)
        self._grouped = {kind for kind, it in handlers.items() if isinstance(it, GroupHandler)}
        self._carry_out = carry_out
        self._concurrency = concurrency
        self._attempts = attempts
        self._lease = lease
        self._running: dict[asyncio.Task[None], JobKind] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._held_back = False
        """Whether more may be waiting than what was taken last."""
        self._away = False

    def stop(self) -> None:
        """Take nothing more; `run` returns when what is under way is done."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until stopped; cancelled, it stops what is under way, which gives its jobs back."""
        listener = asyncio.create_task(
            listen(self._database_url, jobs.CHANNEL, woken=self._wake.set, away=self._tell_away)
        )
        try:
            while not self._stopping:
                self._wake.clear()
                if not await self._take():
                    await self._wait()
            await asyncio.gather(*self._running)
        finally:
            for task in (listener, *self._running):
                task.cancel()
            await asyncio.gather(listener, *self._running, return_exceptions=True)

    async def _take(self) -> bool:
        """Start as much as there are free slots for; whether there may be more at once."""
        free = self._concurrency - len(self._running)
        wanted = self._wanted() if free else frozenset[JobKind]()
        self._held_back = wanted != self._kinds
        if not wanted:
            return False
        try:
            batches = await self._lease_batches(wanted, free)
        except DatabaseUnavailable:
            self._tell_away()
            return False
        except Exception:
            # Whatever it is must not end the work of a process that does other things besides.
            log.exception("jobs cannot be taken")
            return False
        self._away = False
        for kind, batch in batches:
            task = asyncio.create_task(self._see_through(batch))
            self._running[task] = kind
            task.add_done_callback(self._free_slot)
        return bool(batches)

    def _wanted(self) -> frozenset[JobKind]:
        """The kinds that do not have their share of the slots yet."""
        running = Counter(self._running.values())
        outside = sum(running[kind] for kind in OUTSIDE)
        full = {kind for kind in self._grouped if running[kind] >= GROUPS}
        if outside >= max(self._concurrency // 2, 1):
            full |= OUTSIDE
        return self._kinds - full

    async def _lease_batches(
        self, wanted: frozenset[JobKind], free: int
    ) -> list[tuple[JobKind, JobBatch]]:
        """Each a group of one kind, or a single job; `free` of them at most."""
        async with self._database.transaction() as session:
            due = await self._lease_jobs(session, wanted, free)
            if due is None:
                return []
            ids = [[job_id] for job_id, kind in due.jobs if kind not in self._grouped]
            kinds = [kind for _, kind in due.jobs if kind not in self._grouped]
            for together in self._grouped.intersection(kind for _, kind in due.jobs):
                found = [job_id for job_id, kind in due.jobs if kind is together]
                more = await self._lease_jobs(session, {together}, GROUP - len(found))
                ids.append(found + [job_id for job_id, _ in (more.jobs if more else ())])
                kinds.append(together)
        batches = [JobBatch(job_ids=tuple(each), leased_until=due.until) for each in ids]
        return list(zip(kinds, batches, strict=True))

    async def _lease_jobs(
        self, session: AsyncSession, kinds: Collection[JobKind], limit: int
    ) -> Lease | None:
        return await jobs.lease(
            session, kinds=kinds, limit=limit, duration=self._lease, attempts=self._attempts
        )

    async def _see_through(self, batch: JobBatch) -> None:
        try:
            await self._carry_out(batch)
        except DatabaseUnavailable:
            self._tell_away()
        except Exception:
            # Its jobs come back when the lease ends; the loop goes on with the others.
            log.exception("batch not carried out", jobs=batch.job_ids)

    def _free_slot(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if self._held_back:
            self._wake.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SWEEP.total_seconds()):
                await self._wake.wait()
        except TimeoutError:
            await self._bury()

    async def _bury(self) -> None:
        try:
            async with self._database.transaction() as session:
                if buried := await jobs.bury(session, attempts=self._attempts):
                    log.error("jobs given up: their processes ended", jobs=buried)
        except DatabaseUnavailable:
            self._tell_away()

    def _tell_away(self) -> None:
        """Once, not at each try."""
        if not self._away:
            log.warning("database does not answer")
        self._away = True
