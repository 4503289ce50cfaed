"""Runs jobs that were leased, and writes down what became of each."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from contracts.jobs import JobBatch
from domain.backoff import Backoff
from jobs.handling import GroupHandler, Handlers, Hopeless, JobTaken
from storage import jobs
from storage.database import Database, DatabaseUnavailable
from storage.jobs import Job

log = structlog.get_logger(__name__)

SAFETY: Final = 0.8
"""The part of a lease that one job may take: the rest is for writing down what became of it."""


class TooSlow(Exception):
    """A job took longer than any may."""

    def __init__(self, limit: timedelta) -> None:
        """`limit` is how long it was let."""
        super().__init__(f"not done within {limit.total_seconds():g} s")


class JobRunner:
    """The same whether a batch came through Temporal or not, so the guarantees are the same."""

    def __init__(
        self, *, database: Database, handlers: Handlers, backoff: Backoff, lease: timedelta
    ) -> None:
        """A job that takes longer than most of a `lease` has failed."""
        self._database = database
        self._handlers = handlers
        self._backoff = backoff
        self._time_limit = lease * SAFETY

    async def run(self, batch: JobBatch) -> None:
        """Do what is still to be done of it.

        Raises DatabaseUnavailable: then what was not written down is done again after its lease.
        """
        async with self._database.transaction() as session:
            begun = await jobs.begin(session, batch.job_ids, until=batch.leased_until)
        if not begun:
            return
        together = isinstance(self._handlers[begun[0].kind], GroupHandler)
        left = {job.id for job in begun}
        try:
            for group in [begun] if together else [[job] for job in begun]:
                await self._run_group(group)
                left -= {job.id for job in group}
        finally:
            if left:  # stopped from outside: somebody else goes on with them
                await self._release(sorted(left), batch)

    async def _run_group(self, group: Sequence[Job]) -> None:
        try:
            async with asyncio.timeout(self._time_limit.total_seconds()) as limit:
                await self._handle(group)
        except JobTaken:
            log.info("job was finished by another", job=group[0].id)
        except Exception as error:  # noqa: BLE001  whatever it is, it is written down and retried
            if len(group) > 1:
                for job in group:  # one that cannot be done must not keep the others from it
                    await self._run_group([job])
            elif limit.expired():
                await self._write_down(group[0], TooSlow(self._time_limit))
            else:
                await self._write_down(group[0], error)
        else:
            async with self._database.transaction() as session:
                await jobs.finish(session, [job.id for job in group])

    async def _handle(self, group: Sequence[Job]) -> None:
        handler = self._handlers[group[0].kind]
        if isinstance(handler, GroupHandler):
            await handler.handle_all(group)
        else:
            await handler.handle(group[0])

    async def _write_down(self, job: Job, error: Exception) -> None:
        delay = None if isinstance(error, Hopeless) else self._backoff.delay_after(job.tries)
        # The error's own words may quote what people wrote: they are kept, and not logged.
        about = {"job": job.id, "kind": job.kind, "tries": job.tries, "error": type(error).__name__}
        told = f"{type(error).__name__}: {error}"
        async with self._database.transaction() as session:
            if delay is None:
                await jobs.give_up(session, job, error=told)
            else:
                await jobs.postpone(session, job, wait=delay, error=told)
        if delay is None:
            log.error("job given up", **about)
        else:
            log.warning("job failed", again_in_s=delay.total_seconds(), **about)

    async def _release(self, ids: Sequence[int], batch: JobBatch) -> None:
        try:
            async with self._database.transaction() as session:
                await jobs.release(
                    session, ids, until=batch.leased_until, begun=True, wait=timedelta(0)
                )
        except DatabaseUnavailable:
            log.warning("jobs stay leased", jobs=len(ids))
