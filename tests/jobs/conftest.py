"""Jobs in a real database, done in this process or through a real Temporal server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.ids import new_id
from jobs.handling import Handlers, Job, JobKind, finishing
from runtime.job_queue import jobs_in_process, jobs_through_temporal
from runtime.resources import Resources, open_resources
from storage import jobs
from storage.database import Database
from storage.tables import JobRow, UserRow
from tests.patience import PATIENCE
from tests.temporal_dev_server import running_temporal

EFFECT = JobKind.SEND_MAIL
"""What handlers of these tests change is another job, of a kind that nobody does here."""

NEVER = datetime(2999, 1, 1, tzinfo=UTC)

Serve = Callable[[Resources, Handlers], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[Client]:
    """A client of a dev server that runs as long as the test run."""
    async with running_temporal() as client:
        yield client


@pytest.fixture(params=[False, True], ids=["in the API process", "through Temporal"])
def through_temporal(request: pytest.FixtureRequest) -> bool:
    """Every test runs in either way."""
    return bool(request.param)


@pytest.fixture
def serve(temporal: Client, through_temporal: bool) -> Serve:
    """Does jobs while the block runs."""
    if not through_temporal:
        return jobs_in_process

    @asynccontextmanager
    async def serve_queue(resources: Resources, handlers: Handlers) -> AsyncIterator[None]:
        client = await Client.connect(  # of its own, as every process has one
            temporal.service_client.config.target_host, data_converter=pydantic_data_converter
        )
        async with jobs_through_temporal(resources, handlers, client):
            yield

    return serve_queue


@pytest.fixture
def hurried(resources: Resources) -> Resources:
    """The same process, with little patience, and a task queue of its own."""
    return with_settings(
        resources,
        queue_name=f"jobs-{uuid4().hex}",
        queue_default_attempts=3,
        queue_default_backoff_ms=50,
        queue_lease_seconds=3.0,
        graceful_shutdown_seconds=5.0,
    )


@pytest.fixture
async def another_process(hurried: Resources) -> AsyncIterator[Resources]:
    """Connections of their own to the same database."""
    async with open_resources(hurried.settings) as opened:
        yield opened


def with_settings(resources: Resources, **changed: Any) -> Resources:
    """The same process with other settings."""
    return replace(resources, settings=resources.settings.model_copy(update=changed))


class Desk:
    """Decides things, and sees what came of them."""

    def __init__(self, database: Database) -> None:
        """Everything is in that database."""
        self._database = database

    async def decide(self, kind: JobKind = JobKind.NOTIFY, **payload: Any) -> UUID:
        """Put a job; its subject."""
        subject_id = new_id()
        async with self._database.transaction() as session:
            await jobs.put(session, kind, subject_id=subject_id, payload=payload)
        return subject_id

    async def rows(self) -> list[JobRow]:
        """What is left to be done, but for effects."""
        query = select(JobRow).where(JobRow.kind != EFFECT).order_by(JobRow.id)
        async with self._database.transaction() as session:
            return list((await session.scalars(query)).all())

    async def effects(self) -> list[UUID]:
        """The subjects for which a handler's effect is in the database, once for each time."""
        query = select(JobRow.subject_id).where(JobRow.kind == EFFECT).order_by(JobRow.id)
        async with self._database.transaction() as session:
            return list((await session.scalars(query)).all())

    async def until_done(self, limit: float = PATIENCE) -> None:
        """Return once nothing is left to be done."""

        async def is_done() -> bool:
            return not await self.rows()

        await self.until(is_done, limit)

    async def until(self, is_so: Callable[[], Awaitable[bool]], limit: float = PATIENCE) -> None:
        """Return once it is so. Fails after `limit` seconds."""
        async with asyncio.timeout(limit):
            while True:
                if await is_so():
                    return
                await asyncio.sleep(0.02)


@pytest.fixture
def desk(database: Database) -> Desk:
    """Where things are decided."""
    return Desk(database)


@dataclass
class OneByOne:
    """Handles jobs as scripted: fails with what is in `failures` first, then has its effect."""

    database: Database
    failures: list[Exception] = field(default_factory=list)
    seen: list[Job] = field(default_factory=list)
    seen_at: list[datetime] = field(default_factory=list)

    async def handle(self, job: Job) -> None:
        """See JobHandler."""
        self.seen.append(job)
        self.seen_at.append(datetime.now(UTC))
        async with finishing(self.database, job) as session:
            await put_effect(session, job)
            if self.failures:
                raise self.failures.pop(0)


async def put_effect(session: AsyncSession, job: Job) -> None:
    """Change something in the database."""
    await jobs.put(session, EFFECT, subject_id=job.subject_id, payload={}, run_at=NEVER)


NewUsers = Callable[[int], Awaitable[Sequence[UUID]]]


@pytest.fixture
def new_users(database: Database) -> NewUsers:
    """Makes people who may be told something."""

    async def make(count: int) -> Sequence[UUID]:
        ids = [new_id() for _ in range(count)]
        async with database.transaction() as session:
            session.add_all(
                UserRow(
                    id=user_id,
                    handle=user_id.hex,
                    display_name=f"Person {number}",
                    email=f"{user_id.hex}@example.org",
                )
                for number, user_id in enumerate(ids)
            )
        return ids

    return make
