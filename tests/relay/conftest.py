"""A real Temporal server, and relays between it and the test's own outbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.service import RetryConfig
from temporalio.worker import Worker

from activities.waiting import PLANNED
from contracts import search_attributes
from contracts.activity_interfaces import PublishingAtOnce
from contracts.failures import FailureType
from contracts.publishing import DueDelivery, PublishOutcome, PublishPostResult
from contracts.task_queues import ORCHESTRATION
from contracts.workflow_ids import post_workflow_id
from relay.outbox_relay import OutboxRelay
from relay.post_workflows import Leads, PostWorkflows
from runtime.resources import Resources
from runtime.temporal import workflow_runner
from storage import outbox
from storage.database import Database
from storage.outbox import OutboxKind
from storage.posts import Post
from storage.tables import OutboxRow
from storage.timeline import Event
from tests.activities.written_posts import Author
from tests.conftest import Tenant
from tests.free_port import free_port
from tests.patience import PATIENCE
from tests.temporal_dev_server import running_temporal
from workflows.publish_post import PublishPost

NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)
"""When posts go out here: their workflows sleep."""

OFTEN = timedelta(milliseconds=200)
SELDOM = timedelta(minutes=5)
LEASE = timedelta(seconds=15)

Handle = WorkflowHandle[Any, PublishPostResult]


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[Client]:
    """A client of a dev server that runs as long as the test run."""
    async with running_temporal(search_attributes.ALL) as client:
        yield client


@pytest.fixture
async def nowhere() -> Client:
    """A client of a Temporal server that is away."""
    return await Client.connect(
        f"127.0.0.1:{free_port()}",
        data_converter=pydantic_data_converter,
        retry_config=RetryConfig(max_retries=1, max_elapsed_time_millis=100),
        lazy=True,
    )


class NoRoomAtOnce(PublishingAtOnce):
    """Leaves what is due to its network's queue, which nobody serves here."""

    @activity.defn
    async def publish_at_once(self, due: DueDelivery) -> PublishOutcome:
        """Raises ApplicationError."""
        raise ApplicationError("no room", type=FailureType.ELSEWHERE, category=PLANNED)


@pytest.fixture
async def orchestration(temporal: Client) -> AsyncIterator[Worker]:
    """A worker that runs the workflows of posts and publishes nothing."""
    worker = Worker(
        temporal,
        task_queue=ORCHESTRATION,
        workflows=[PublishPost],
        activities=[NoRoomAtOnce().publish_at_once],
        workflow_runner=workflow_runner(),
        debug_mode=True,  # a busy machine is no deadlock
    )
    async with worker:
        yield worker


@pytest.fixture
def author(database: Database, workspace: Tenant, resources: Resources) -> Author:
    """Somebody of the workspace."""
    return Author(database, workspace.id, resources.vault)


class RunRelay:
    """Runs relays for a while."""

    def __init__(self, temporal: Client, database: Database, database_url: str) -> None:
        """They empty that database's outbox."""
        self._temporal = temporal
        self._database = database
        self._database_url = database_url

    def make(self, client: Client | None = None, sweep: timedelta = OFTEN) -> OutboxRelay:
        """A relay that does not run yet."""
        leads = Leads(
            prepare=timedelta(seconds=60),
            arm=timedelta(seconds=5),
            heartbeat_timeout=timedelta(seconds=20),
            armed_per_second=100,
        )
        return OutboxRelay(
            database=self._database,
            workflows=PostWorkflows(client or self._temporal, leads),
            database_url=self._database_url,
            sweep=sweep,
            lease=LEASE,
        )

    @asynccontextmanager
    async def __call__(
        self, client: Client | None = None, sweep: timedelta = OFTEN
    ) -> AsyncIterator[None]:
        """One that runs until the block ends. Fails when it ended by itself."""
        task = asyncio.create_task(self.make(client, sweep).run())
        try:
            yield
            assert not task.done(), f"the relay ended: {task.exception()!r}"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def run_relay(temporal: Client, database: Database, database_dsn: str) -> RunRelay:
    """Runs relays against the Temporal server."""
    return RunRelay(temporal, database, database_dsn)


class Desk:
    """Decides things about posts, and sees what came of them."""

    def __init__(self, database: Database, author: Author, temporal: Client) -> None:
        """`author` writes the posts."""
        self._database = database
        self._author = author
        self._temporal = temporal

    async def decide(self, post: Post, kind: OutboxKind, **payload: Any) -> None:
        """Put an item of that post into the outbox."""
        async with self._database.transaction() as session:
            await outbox.put(
                session,
                kind,
                workspace_id=post.workspace_id,
                post_id=post.id,
                due_at=NEXT_YEAR,
                payload=payload,
            )

    def workflow(self, post: Post) -> Handle:
        """The post's workflow."""
        return self._temporal.get_workflow_handle(
            post_workflow_id(post.id), result_type=PublishPostResult
        )

    async def waiting(self) -> list[OutboxRow]:
        """What is left in the outbox."""
        async with self._database.transaction() as session:
            return list((await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all())

    async def until_empty(self, limit: float = PATIENCE) -> None:
        """Return once everything was carried out."""

        async def is_empty() -> bool:
            return not await self.waiting()

        await self.until(is_empty, limit)

    async def until(self, is_so: Callable[[], Awaitable[bool]], limit: float = PATIENCE) -> None:
        """Return once it is so. Fails after `limit` seconds."""
        async with asyncio.timeout(limit):
            while True:
                if await is_so():
                    return
                await asyncio.sleep(0.02)

    async def starts(self, post_id: UUID) -> int:
        """How often the timeline says that a workflow was started."""
        events = [event.event for event in await self._author.timeline(post_id)]
        return events.count(Event.WORKFLOW_STARTED)

    async def updates(self, post: Post) -> list[str]:
        """The updates that the post's workflow accepted, in order."""
        return [
            event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name
            async for event in self.workflow(post).fetch_history_events()
            if event.HasField("workflow_execution_update_accepted_event_attributes")
        ]


@pytest.fixture
def desk(database: Database, author: Author, temporal: Client) -> Desk:
    """Where things are decided."""
    return Desk(database, author, temporal)
