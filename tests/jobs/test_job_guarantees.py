"""What holds for every job, whether it is done in the API process or through Temporal."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from domain.ids import new_id
from jobs.handling import Hopeless, Job, JobKind, finishing_all
from runtime.resources import Resources
from storage import jobs, stuck_jobs
from storage.database import Database
from tests.jobs.conftest import Desk, OneByOne, Serve, put_effect, with_settings

KIND = JobKind.NOTIFY


class TakenBack(Exception):
    """Somebody changed their mind."""


@pytest.fixture
def handler(database: Database) -> OneByOne:
    """Does jobs one by one."""
    return OneByOne(database)


@dataclass
class Together:
    """Handles jobs in groups; fails with those whose payload says so."""

    database: Database
    groups: list[list[Job]] = field(default_factory=list)

    async def handle_all(self, group: Sequence[Job]) -> None:
        """See GroupHandler."""
        self.groups.append(list(group))
        async with finishing_all(self.database, group) as (session, left):
            for job in left:
                await put_effect(session, job)
                if job.payload.get("bad"):
                    raise RuntimeError("a bad one")


async def test_what_was_decided_is_done_once(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne
) -> None:
    subject_id = await desk.decide(note="read me")
    async with serve(hurried, {KIND: handler}):
        await desk.until_done()
    assert await desk.effects() == [subject_id]
    (job,) = handler.seen
    assert (job.subject_id, job.payload, job.tries) == (subject_id, {"note": "read me"}, 1)


async def test_what_was_taken_back_is_never_done(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne, database: Database
) -> None:
    subject_id = await desk.decide()
    with suppress(TakenBack):
        async with database.transaction() as session:
            await jobs.put(session, KIND, subject_id=new_id(), payload={})
            raise TakenBack
    async with serve(hurried, {KIND: handler}):
        await desk.until_done()
    assert await desk.effects() == [subject_id]


async def test_a_commit_wakes_who_does_the_work(
    serve: Serve,
    hurried: Resources,
    desk: Desk,
    handler: OneByOne,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.loop.SWEEP", timedelta(minutes=5))
    async with serve(hurried, {KIND: handler}):
        await desk.decide()
        await desk.until_done()
        await desk.decide()
        await desk.until_done()


async def test_what_is_planned_waits_for_its_time(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne, database: Database
) -> None:
    planned = datetime.now(UTC) + timedelta(seconds=1.5)
    async with database.transaction() as session:
        subject_id = await desk.decide()
        await jobs.put(session, KIND, subject_id=subject_id, payload={"later": 1}, run_at=planned)
    async with serve(hurried, {KIND: handler}):
        await desk.until_done()
    assert [job.payload for job in handler.seen] == [{}, {"later": 1}]
    assert handler.seen_at[1] >= planned


async def test_what_fails_is_tried_again_after_a_wait_and_leaves_nothing_behind(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne
) -> None:
    handler.failures = [LookupError("not now"), ValueError("nor now")]
    subject_id = await desk.decide()
    async with serve(hurried, {KIND: handler}):
        await desk.until_done()
    assert await desk.effects() == [subject_id]
    assert [job.tries for job in handler.seen] == [1, 2, 3]
    first, second, third = handler.seen_at
    assert second - first >= timedelta(milliseconds=50)
    assert third - second >= timedelta(milliseconds=100)


async def test_after_the_last_try_it_is_kept_for_a_person_who_retries_it(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne, database: Database
) -> None:
    handler.failures = [ValueError(f"failure {number}") for number in range(3)]
    subject_id = await desk.decide()

    async def is_dead() -> bool:
        (row,) = await desk.rows()
        return row.dead_at is not None

    async with serve(hurried, {KIND: handler}):
        await desk.until(is_dead)
        (row,) = await desk.rows()
        assert (row.tries, row.last_error) == (3, "ValueError: failure 2")
        assert await desk.effects() == []
        async with database.transaction() as session:
            assert await stuck_jobs.retry(session, [row.id]) == {row.id}
        await desk.until_done()
    assert await desk.effects() == [subject_id]
    assert [job.tries for job in handler.seen] == [1, 2, 3, 1]


async def test_what_is_hopeless_is_not_tried_again(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne
) -> None:
    handler.failures = [Hopeless("nobody has that address")]
    await desk.decide()

    async def is_dead() -> bool:
        (row,) = await desk.rows()
        return row.dead_at is not None

    async with serve(hurried, {KIND: handler}):
        await desk.until(is_dead)
    assert len(handler.seen) == 1


async def test_what_takes_too_long_has_failed(
    serve: Serve, hurried: Resources, desk: Desk, database: Database
) -> None:
    @dataclass
    class Sleepy(OneByOne):
        async def handle(self, job: Job) -> None:
            if job.tries == 1:
                await asyncio.Event().wait()
            await super().handle(job)

    subject_id = await desk.decide()
    impatient = with_settings(hurried, queue_lease_seconds=2.5)
    async with serve(impatient, {KIND: Sleepy(database)}):

        async def has_failed() -> bool:
            (row,) = await desk.rows()
            return row.last_error == "TooSlow: not done within 2 s"

        await desk.until(has_failed)
        await desk.until_done()
    assert await desk.effects() == [subject_id]


async def test_one_of_a_group_that_cannot_be_done_does_not_keep_the_others_from_it(
    serve: Serve, hurried: Resources, desk: Desk, database: Database
) -> None:
    handler = Together(database)
    good = [await desk.decide() for _ in range(30)]
    bad = await desk.decide(bad=True)
    good += [await desk.decide() for _ in range(30)]
    async with serve(hurried, {KIND: handler}):

        async def only_the_bad_is_left() -> bool:
            return [row.subject_id for row in await desk.rows() if row.dead_at] == [bad]

        await desk.until(only_the_bad_is_left)
    assert sorted(await desk.effects()) == sorted(good)
    assert max(map(len, handler.groups)) == 61


async def test_two_processes_do_each_job_once(
    serve: Serve,
    hurried: Resources,
    another_process: Resources,
    desk: Desk,
    handler: OneByOne,
    database: Database,
) -> None:
    async with database.transaction() as session:
        decided = [new_id() for _ in range(150)]
        await jobs.put_many(session, KIND, [(one, {}) for one in decided])
    other = OneByOne(another_process.database)
    async with serve(hurried, {KIND: handler}), serve(another_process, {KIND: other}):
        await desk.until_done(limit=60)
    assert sorted(await desk.effects()) == sorted(decided)


async def test_a_kind_that_nobody_does_here_waits(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne
) -> None:
    waits = await desk.decide(JobKind.FAN_OUT_POST)
    await desk.decide()

    async def only_that_is_left() -> bool:
        return [row.subject_id for row in await desk.rows()] == [waits]

    async with serve(hurried, {KIND: handler}):
        await desk.until(only_that_is_left)
    (row,) = await desk.rows()
    assert row.tries == 0


async def test_who_stops_finishes_what_is_under_way(
    serve: Serve, hurried: Resources, desk: Desk, database: Database
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    @dataclass
    class Waiting(OneByOne):
        async def handle(self, job: Job) -> None:
            begun.set()
            await go_on.wait()
            await super().handle(job)

    subject_id = await desk.decide()
    async with serve(hurried, {KIND: Waiting(database)}):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.3, go_on.set)
    assert await desk.effects() == [subject_id]
    assert await desk.rows() == []


async def test_who_has_to_stop_at_once_gives_the_job_back_and_it_costs_no_try(
    serve: Serve, hurried: Resources, desk: Desk, handler: OneByOne, database: Database
) -> None:
    begun = asyncio.Event()

    @dataclass
    class Stuck(OneByOne):
        async def handle(self, job: Job) -> None:
            begun.set()
            await asyncio.Event().wait()

    subject_id = await desk.decide()
    in_a_hurry = with_settings(hurried, graceful_shutdown_seconds=0.2, queue_lease_seconds=30.0)
    async with serve(in_a_hurry, {KIND: Stuck(database)}):
        await begun.wait()
    (row,) = await desk.rows()
    assert (row.tries, row.last_error) == (0, None)
    async with serve(in_a_hurry, {KIND: handler}):
        await desk.until_done()
    assert await desk.effects() == [subject_id]
