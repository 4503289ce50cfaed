"""With Temporal away, jobs that go through it wait, and it costs them no try."""

from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RetryConfig

from contracts.jobs import JobBatch
from jobs.handling import JobKind
from jobs.through_temporal import PAUSE, TemporalQueue
from runtime.resources import Resources
from storage import jobs
from storage.database import Database
from tests.free_port import free_port
from tests.jobs.conftest import Desk, OneByOne, Serve

LEASE = timedelta(minutes=5)


@pytest.fixture
async def nowhere() -> Client:
    """A client of a Temporal server that is away."""
    return await Client.connect(
        f"127.0.0.1:{free_port()}",
        data_converter=pydantic_data_converter,
        retry_config=RetryConfig(max_retries=1, max_elapsed_time_millis=100),
        lazy=True,
    )


async def test_jobs_wait_until_it_is_back(
    nowhere: Client,
    serve: Serve,
    hurried: Resources,
    desk: Desk,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.through_temporal.PAUSE", PAUSE / 10)
    subject_id = await desk.decide()
    queue = TemporalQueue(
        client=nowhere, queue=hurried.settings.queue_name, database=database, lease=LEASE
    )
    async with database.transaction() as session:
        leased = await jobs.lease(
            session, kinds={JobKind.NOTIFY}, limit=1, duration=LEASE, attempts=3
        )
    assert leased is not None
    job_ids = tuple(job_id for job_id, _ in leased.jobs)
    await queue.carry_out(JobBatch(job_ids=job_ids, leased_until=leased.until))
    (row,) = await desk.rows()
    assert (row.tries, row.dead_at) == (0, None)
    handler = OneByOne(database)
    async with serve(hurried, {JobKind.NOTIFY: handler}):
        await desk.until_done()
    assert await desk.effects() == [subject_id]
