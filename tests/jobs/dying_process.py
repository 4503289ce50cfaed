"""`python -m tests.jobs.dying_process POINT DATABASE_URL LEASE [TEMPORAL QUEUE]`.

Does jobs as the API process or the worker does, and kills itself at one point of the first one.
"""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from domain.backoff import Backoff
from jobs.handling import Job, JobKind, finishing
from jobs.loop import JobLoop
from jobs.runner import JobRunner
from jobs.through_temporal import JobActivities, TemporalQueue
from storage.database import Database
from tests.jobs.conftest import put_effect


class Point(StrEnum):
    """Where it dies."""

    BEGUN = "begun"
    BEFORE_COMMIT = "before commit"
    COMMITTED = "committed"


@dataclass
class Dying:
    """Handles jobs up to a point."""

    database: Database
    point: Point

    async def handle(self, job: Job) -> None:
        """See JobHandler."""
        self._die_at(Point.BEGUN)
        async with finishing(self.database, job) as session:
            await put_effect(session, job)
            await session.flush()
            self._die_at(Point.BEFORE_COMMIT)
        self._die_at(Point.COMMITTED)

    def _die_at(self, point: Point) -> None:
        if self.point is point:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(point: str, database_url: str, lease_seconds: str, *temporal: str) -> None:
    """Until it dies."""
    database = Database(database_url)
    lease = timedelta(seconds=float(lease_seconds))
    handlers = {JobKind.NOTIFY: Dying(database, Point(point))}
    backoff = Backoff(attempts=3, first=timedelta(milliseconds=50))
    runner = JobRunner(database=database, handlers=handlers, backoff=backoff, lease=lease)
    carry_out = runner.run
    if temporal:
        address, queue = temporal
        client = await Client.connect(address, data_converter=pydantic_data_converter)
        worker = Worker(client, task_queue=queue, activities=[JobActivities(runner).run_jobs])
        serving = asyncio.create_task(worker.run())
        serving.add_done_callback(lambda ended: ended.result())
        carry_out = TemporalQueue(
            client=client, queue=queue, database=database, lease=lease
        ).carry_out
    await JobLoop(
        database=database,
        database_url=database_url,
        handlers=handlers,
        carry_out=carry_out,
        concurrency=2,
        attempts=3,
        lease=lease,
    ).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
