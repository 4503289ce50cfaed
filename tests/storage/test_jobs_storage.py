"""Jobs in the database: leased by one, finished by one, and seen by operators."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import func, insert, select, text, update

from domain.ids import new_id
from jobs.handling import JobTaken, finishing
from storage import jobs, stuck_jobs
from storage.database import Database
from storage.jobs import Job, JobKind, Lease
from storage.tables import JobRow
from storage.waking import EVERY
from tests.patience import PATIENCE
from tests.sent_statements import sent_to, whole_reads

NOTIFY, MAIL = JobKind.NOTIFY, JobKind.SEND_MAIL
MINUTE = timedelta(minutes=1)


class TakenBack(Exception):
    """Somebody changed their mind."""


async def put(database: Database, kind: JobKind = NOTIFY, count: int = 1) -> list[UUID]:
    subjects = [new_id() for _ in range(count)]
    async with database.transaction() as session:
        await jobs.put_many(session, kind, [(subject, {"n": 1}) for subject in subjects])
    return subjects


async def lease(
    database: Database, limit: int = 10, duration: timedelta = MINUTE, attempts: int = 3
) -> Lease | None:
    async with database.transaction() as session:
        return await jobs.lease(
            session, kinds={NOTIFY}, limit=limit, duration=duration, attempts=attempts
        )


async def begin(database: Database, leased: Lease | None) -> list[Job]:
    assert leased is not None
    async with database.transaction() as session:
        return await jobs.begin(session, [one for one, _ in leased.jobs], until=leased.until)


async def row_of(database: Database, subject_id: UUID) -> JobRow:
    async with database.transaction() as session:
        return (await session.scalars(select(JobRow).where(JobRow.subject_id == subject_id))).one()


async def test_what_is_leased_nobody_else_gets_until_the_lease_ends(database: Database) -> None:
    await put(database, count=3)
    first = await lease(database, limit=2)
    second = await lease(database)
    assert first is not None
    assert second is not None
    assert len(first.jobs) == 2
    assert len(second.jobs) == 1
    assert await lease(database) is None
    async with database.transaction() as session:
        await session.execute(update(JobRow).values(run_at=datetime.now(UTC) - MINUTE))
    again = await lease(database)
    assert again is not None
    assert len(again.jobs) == 3


async def test_what_others_lease_at_the_same_moment_is_passed_over(database: Database) -> None:
    await put(database, count=4)
    async with database.transaction() as one, database.transaction() as other:
        leases = [
            await jobs.lease(session, kinds={NOTIFY}, limit=2, duration=MINUTE, attempts=3)
            for session in (one, other)
        ]
    taken = [job_id for each in leases if each for job_id, _ in each.jobs]
    assert len(set(taken)) == len(taken) == 4


async def test_what_is_longest_due_is_leased_first(database: Database) -> None:
    late, later = (await put(database)) + (await put(database))
    async with database.transaction() as session:
        await session.execute(
            update(JobRow)
            .where(JobRow.subject_id == later)
            .values(run_at=datetime.now(UTC) - MINUTE)
        )
    (job,) = await begin(database, await lease(database, limit=1))
    assert job.subject_id == later
    assert (await row_of(database, late)).tries == 0


async def test_a_lease_that_is_not_the_last_begins_nothing(database: Database) -> None:
    await put(database)
    outdated = await lease(database, duration=timedelta(0))
    current = await lease(database)
    assert await begin(database, outdated) == []
    assert len(await begin(database, current)) == 1


async def test_of_two_who_finish_a_job_the_second_waits_and_changes_nothing(
    database: Database,
) -> None:
    (subject,) = await put(database)
    (job,) = await begin(database, await lease(database))
    first_is_in, first_may_go = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with finishing(database, job) as session:
            await jobs.put(session, MAIL, subject_id=subject, payload={"by": "first"})
            first_is_in.set()
            await first_may_go.wait()

    async def second() -> None:
        await first_is_in.wait()
        asyncio.get_running_loop().call_later(0.2, first_may_go.set)
        async with finishing(database, job) as session:
            await jobs.put(session, MAIL, subject_id=subject, payload={"by": "second"})

    outcomes = await asyncio.gather(first(), second(), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), JobTaken]
    assert (await row_of(database, subject)).payload == {"by": "first"}


async def test_a_job_stays_when_its_effects_are_rolled_back(database: Database) -> None:
    (subject,) = await put(database)
    (job,) = await begin(database, await lease(database))
    with suppress(TakenBack):
        async with finishing(database, job) as session:
            await jobs.put(session, MAIL, subject_id=new_id(), payload={})
            raise TakenBack
    async with database.transaction() as session:
        rows = (await session.scalars(select(JobRow))).all()
    assert [row.subject_id for row in rows] == [subject]


async def test_who_was_too_slow_does_not_spoil_what_another_began(database: Database) -> None:
    (subject,) = await put(database)
    (slow,) = await begin(database, await lease(database, duration=timedelta(0)))
    (now,) = await begin(database, await lease(database))
    async with database.transaction() as session:
        await jobs.give_up(session, slow, error="too late")
        await jobs.postpone(session, slow, wait=MINUTE, error="too late")
    row = await row_of(database, subject)
    assert (row.dead_at, row.last_error, row.tries) == (None, None, now.tries)


async def test_what_kills_each_process_that_begins_it_is_buried_in_the_end(
    database: Database,
) -> None:
    (subject,) = await put(database)
    for _ in range(3):
        await begin(database, await lease(database, duration=timedelta(0)))
    assert await lease(database) is None
    async with database.transaction() as session:
        assert await jobs.bury(session, attempts=3) == 1
        assert await jobs.bury(session, attempts=3) == 0
    row = await row_of(database, subject)
    assert row.dead_at is not None
    assert row.last_error == jobs.UNHEARD_OF


async def test_what_is_begun_and_leased_is_not_buried(database: Database) -> None:
    await put(database)
    await begin(database, await lease(database, attempts=1))
    async with database.transaction() as session:
        assert await jobs.bury(session, attempts=1) == 0


@pytest.mark.parametrize(("begun", "left"), [(True, 0), (False, 1)])
async def test_what_is_given_back_costs_no_try_of_its_own(
    database: Database, begun: bool, left: int
) -> None:
    (subject,) = await put(database)
    leased = await lease(database)
    (job,) = await begin(database, leased)
    assert leased is not None
    async with database.transaction() as session:
        await jobs.release(session, [job.id], until=leased.until, begun=begun, wait=timedelta(0))
    assert (await row_of(database, subject)).tries == left
    assert await lease(database) is not None


async def test_errors_are_kept_up_to_a_length(database: Database) -> None:
    (subject,) = await put(database)
    (job,) = await begin(database, await lease(database))
    async with database.transaction() as session:
        await jobs.postpone(session, job, wait=MINUTE, error="x" * 10_000)
    assert (await row_of(database, subject)).last_error == "x" * jobs.ERROR_LIMIT


async def test_thousands_are_decided_in_one_statement(database: Database) -> None:
    with sent_to(database) as sent:
        subjects = await put(database, count=3_000)
    assert len(sent) == 1
    async with database.transaction() as session:
        found = set((await session.scalars(select(JobRow.subject_id))).all())
    assert found == set(subjects)


@pytest.fixture
async def woken(database_dsn: str) -> AsyncIterator[asyncio.Queue[str]]:
    """What those hear who listen: an empty text each time they are woken."""
    connection = await asyncpg.connect(database_dsn)
    heard: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener(jobs.CHANNEL, lambda *said: heard.put_nowait(str(said[-1])))
    yield heard
    await connection.close()


async def test_many_commits_wake_a_few_times(database: Database, woken: asyncio.Queue[str]) -> None:
    started = time.monotonic()
    for _ in range(200):
        await put(database)
    async with database.transaction() as session:
        await session.execute(select(func.pg_notify(jobs.CHANNEL, "the end")))
    limit = (time.monotonic() - started) / EVERY + 1
    count = 0
    async with asyncio.timeout(PATIENCE):
        while await woken.get() != "the end":
            count += 1
    assert 1 <= count <= limit


async def test_nobody_is_woken_for_what_was_taken_back_or_is_for_later(
    database: Database, woken: asyncio.Queue[str]
) -> None:
    with suppress(TakenBack):
        async with database.transaction() as session:
            await jobs.put(session, NOTIFY, subject_id=new_id(), payload={})
            raise TakenBack
    async with database.transaction() as session:
        later = datetime.now(UTC) + MINUTE
        await jobs.put(session, NOTIFY, subject_id=new_id(), payload={}, run_at=later)
    await put(database)
    async with asyncio.timeout(PATIENCE):
        await woken.get()
    assert woken.empty()


async def test_operators_see_what_is_stuck_in_pages_and_retry_or_drop_it(
    database: Database,
) -> None:
    subjects = await put(database, count=5)
    for job in await begin(database, await lease(database)):
        async with database.transaction() as session:
            await jobs.give_up(session, job, error=f"no {job.id}")
    await put(database)
    async with database.transaction() as session:
        first = await stuck_jobs.list_stuck(session, before=None, limit=3)
        rest = await stuck_jobs.list_stuck(session, before=first[-1].id, limit=3)
    shown = [*first, *rest]
    assert [one.subject_id for one in shown] == list(reversed(subjects))
    assert {one.last_error for one in shown} == {f"no {one.id}" for one in shown}
    async with database.transaction() as session:
        assert await stuck_jobs.retry(session, [shown[0].id, 0]) == {shown[0].id}
        assert await stuck_jobs.drop(session, [shown[0].id, shown[1].id]) == {shown[1].id}
        left = await stuck_jobs.list_stuck(session, before=None, limit=10)
    assert [one.id for one in left] == [one.id for one in shown[2:]]
    retried = await lease(database)
    assert retried is not None
    assert shown[0].id in {job_id for job_id, _ in retried.jobs}


async def test_operators_see_how_much_there_is_of_each_kind(database: Database) -> None:
    await put(database, count=3)
    await put(database, MAIL)
    failing, dead = await begin(database, await lease(database, limit=2))
    async with database.transaction() as session:
        await jobs.postpone(session, failing, wait=MINUTE, error="not now")
        await jobs.give_up(session, dead, error="never")
        notify, mail = await stuck_jobs.counts(session)
    assert (notify.kind, notify.waiting, notify.failing, notify.dead) == (NOTIFY, 2, 1, 1)
    assert (mail.kind, mail.waiting, mail.failing, mail.dead) == (MAIL, 1, 0, 0)
    assert notify.oldest is not None
    assert notify.oldest <= datetime.now(UTC)


async def test_what_is_due_and_what_is_stuck_are_found_by_an_index(
    database: Database, database_dsn: str
) -> None:
    next_year = datetime.now(UTC) + timedelta(days=365)
    planned = [
        {"kind": NOTIFY, "subject_id": new_id(), "payload": {}, "run_at": next_year}
        for _ in range(5_000)
    ]
    async with database.transaction() as session:
        await session.execute(insert(JobRow), planned)
    await put(database, count=5)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE jobs"))
    with sent_to(database) as sent:
        assert await lease(database) is not None
        async with database.transaction() as session:
            await jobs.bury(session, attempts=3)
            await stuck_jobs.list_stuck(session, before=None, limit=10)
            await stuck_jobs.list_stuck(session, before=5, limit=10)
    assert len(sent) == 4
    assert await whole_reads(database_dsn, sent, {"jobs"}) == set()
