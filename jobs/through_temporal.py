"""Jobs as Temporal activities of their own: handed to the queue here, done by its workers."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from temporalio import activity
from temporalio.client import ActivityFailureError, Client, RPCTimeoutOrCancelledError
from temporalio.common import RetryPolicy
from temporalio.service import RPCError

from contracts.jobs import JobBatch, JobWork
from jobs.runner import JobRunner
from storage import jobs
from storage.database import Database

log = structlog.get_logger(__name__)

HEARTBEAT: Final = timedelta(seconds=2)
SILENCE: Final = timedelta(seconds=8)
"""After which a worker counts as dead, and another gets the batch."""

PAUSE: Final = timedelta(seconds=2)
"""Before jobs are handed over again when Temporal was away."""


_AWAY: Final = (RPCError, RPCTimeoutOrCancelledError, RuntimeError)
"""The last when even the first connection fails."""


class JobActivities(JobWork):
    """The bodies of the activities on the jobs' queue."""

    def __init__(self, runner: JobRunner) -> None:
        """`runner` does what there is to do."""
        self._runner = runner

    @activity.defn
    async def run_jobs(self, batch: JobBatch) -> None:
        """See JobWork."""
        beating = asyncio.create_task(_beat())
        try:
            await self._runner.run(batch)
        finally:
            beating.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT.total_seconds())


class TemporalQueue:
    """Hands batches to a task queue and waits for their end.

    What is tried again, and when, is kept in the jobs' rows. Temporal repeats an activity only
    when its worker died or had no database, and only while the jobs are leased.
    """

    def __init__(self, *, client: Client, queue: str, database: Database, lease: timedelta) -> None:
        """`client` uses the pydantic data converter; `queue` is the task queue.

        `lease` is how long the jobs of a batch are kept from others.
        """
        self._client = client
        self._queue = queue
        self._lease = lease
        self._database = database
        self._away = False

    async def carry_out(self, batch: JobBatch) -> None:
        """Return once it is done, or is leased no more. Raises DatabaseUnavailable."""
        try:
            await self._client.execute_activity(
                JobActivities.run_jobs,
                args=[batch],
                id=_activity_id(batch),
                task_queue=self._queue,
                schedule_to_close_timeout=self._lease,
                heartbeat_timeout=SILENCE,
                retry_policy=RetryPolicy(maximum_interval=SILENCE),
            )
        except ActivityFailureError as error:
            log.warning("batch not done while it was leased", reason=str(error.cause))
        except _AWAY as error:
            if not self._away:
                log.warning("temporal does not answer", error=str(error)[:200])
            self._away = True
            async with self._database.transaction() as session:
                await jobs.release(
                    session, batch.job_ids, until=batch.leased_until, begun=False, wait=PAUSE
                )
        else:
            self._away = False


def _activity_id(batch: JobBatch) -> str:
    """One for each lease: an activity of an earlier one that still waits must not be met."""
    first, *others = batch.job_ids
    name = f"jobs-{first}-and-{len(others)}-more" if others else f"job-{first}"
    return f"{name}-leased-until-{batch.leased_until:%Y%m%dT%H%M%S.%f}"
