"""A process that is killed in the middle of a job loses nothing and doubles nothing."""

import asyncio
import sys

import pytest
from temporalio.client import Client

from jobs.handling import JobKind
from runtime.resources import Resources
from storage.database import Database
from tests.jobs.conftest import Desk, OneByOne, Serve
from tests.jobs.dying_process import Point
from tests.running_sandbox import ROOT


@pytest.mark.end_to_end
@pytest.mark.parametrize("point", Point)
async def test_killed_at_any_point_the_job_is_done_exactly_once(
    serve: Serve,
    through_temporal: bool,
    point: Point,
    hurried: Resources,
    temporal: Client,
    desk: Desk,
    database: Database,
) -> None:
    settings = hurried.settings
    address = temporal.service_client.config.target_host
    more = [address, settings.queue_name] if through_temporal else []
    subject_id = await desk.decide()
    dying = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.jobs.dying_process", point),
        *(str(settings.database_url), str(settings.queue_lease_seconds), *more),
        cwd=ROOT,
    )
    async with asyncio.timeout(60):
        assert await dying.wait() == -9
    assert len(await desk.effects()) == (1 if point is Point.COMMITTED else 0)
    survivor = OneByOne(database)
    async with serve(hurried, {JobKind.NOTIFY: survivor}):
        await desk.until_done()
    assert await desk.effects() == [subject_id]
    assert [job.tries for job in survivor.seen] == ([] if point is Point.COMMITTED else [2])
