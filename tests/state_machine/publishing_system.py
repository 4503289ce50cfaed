"""The product on its real database and Temporal's test server; only the networks are made up."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, text
from temporalio import activity
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.accounts import Accounts
from activities.at_once import RoomAtOnce
from activities.bookkeeping import DeliveryBookkeeping
from activities.departures import CROWD, Departures
from activities.pieces import Pieces
from activities.publishing import NetworkPublishing
from activities.refusals import Refusals
from activities.sending import Sender
from activities.settling import Settler
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.deliveries.service import DeliveryService
from api.posts.accepting import Accepting
from api.posts.changes import PostChanges
from api.posts.forecast import Forecast
from api.posts.service import PostService
from api.workspaces.service import WorkspaceService
from contracts.publishing import DeliveryRequest, PublishOutcome
from contracts.task_queues import ORCHESTRATION, publish_queue
from contracts.workflow_ids import post_workflow_id, retry_workflow_id
from domain.ids import new_id
from domain.networks import Network
from domain.retry import LookupPlan, RetryPlan
from relay.outbox_relay import OutboxRelay
from relay.post_workflows import Leads
from runtime.resources import Resources, StoredMedia, open_resources
from runtime.settings import Settings
from runtime.temporal import workflow_runner
from storage import outbox
from storage.account_access import AccountStore
from storage.posts import Post
from storage.tables import OutboxRow
from tests.activities.written_posts import Author
from tests.state_machine.fallible_networks import (
    FallibleNetwork,
    IdempotentNetwork,
    SearchableNetwork,
    TwoStepNetwork,
)
from tests.state_machine.skipped_time import SkippedTime
from tests.state_machine.sudden_death import Fate, MortalStore, MortalWorkflows, RelayDied
from tests.workflows.temporal_server import NOTICE, time_skipping_server
from workflows.publish_post import PublishPost

T = TypeVar("T")

STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
CANCEL_REQUESTED = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED

ARM_LEAD = timedelta(seconds=1)
LEADS = Leads(
    prepare=timedelta(seconds=10),
    arm=ARM_LEAD,
    heartbeat_timeout=timedelta(seconds=20),
    armed_per_second=100,
)
EARLY_LEADS = Leads(
    prepare=timedelta(seconds=90),
    arm=timedelta(seconds=45),
    heartbeat_timeout=timedelta(seconds=60),
    armed_per_second=100,
)
"""Where a crowd must be claimed ahead, however busy the machine is."""
LEASE = timedelta(minutes=5)
STEP_LIMIT = 60
"""Seconds; a step takes a few hundredths."""


class LoopThread:
    """An event loop beside the test, so that workers go on between its steps."""

    def __init__(self) -> None:
        """Runs at once."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="state machine", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(STEP_LIMIT)

    def close(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Withdrawals:
    """Lets failures of withdrawn dispatches end them, as Temporal does.

    The test server forgets an activity that fails after its cancellation was asked for, unless the
    failure is final. So before one fails it is asked whether that is so, and no relay tells
    anything until the server knows.
    """

    def __init__(self, client: Client) -> None:
        """`client` asks."""
        self._client = client
        self._watches: set[asyncio.Task[None]] = set()
        self.telling = asyncio.Lock()

    async def has_withdrawn(self) -> bool:
        """Whether the cancellation of the running dispatch, which fails now, was asked for."""
        await self.telling.acquire()
        info = activity.info()
        watch = asyncio.create_task(self._until_known(info))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return await self._state(info) == CANCEL_REQUESTED

    async def _until_known(self, info: activity.Info) -> None:
        """Let relays go on when the server has heard that this try is over."""
        try:
            async with asyncio.timeout(STEP_LIMIT / 4):
                while True:
                    if await self._state(info) is None:
                        return
                    await asyncio.sleep(0.005)
        finally:
            self.telling.release()

    async def _state(self, info: activity.Info) -> int | None:
        """Of that try; None when it is over."""
        handle = self._client.get_workflow_handle(info.workflow_id or "")
        pending = (await handle.describe()).raw_description.pending_activities
        for one in pending:
            is_it = (one.activity_id, one.attempt) == (info.activity_id, info.attempt)
            if is_it and one.state in {STARTED, CANCEL_REQUESTED}:
                return one.state
        return None


class HeldPublishing(NetworkPublishing):
    """The real bodies, whose clock knows which dispatches are at work."""

    time: SkippedTime
    withdrawals: Withdrawals

    @activity.defn
    async def publish_delivery(self, request: DeliveryRequest) -> PublishOutcome:
        """Publish."""
        asked_at = activity.info().current_attempt_scheduled_time
        async with self.time.dispatch(request.publish_at, asked_at):
            try:
                return await super().publish_delivery(request)
            except Exception as error:
                if await self.withdrawals.has_withdrawn():
                    raise ApplicationError(str(error), non_retryable=True) from error
                raise


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """One example's workspace with an account on each network."""

    caller: Caller
    accounts: dict[Network, UUID]
    picture: UUID
    author: Author


class PublishingSystem:
    """Services, relay, workflows and activities over one database."""

    def __init__(
        self,
        environment: WorkflowEnvironment,
        resources: Resources,
        settler: type[Settler],
        store: type[MortalStore],
        leads: Leads,
    ) -> None:
        """`settler` and `store` are as in production, or have a planted bug."""
        self.environment = environment
        self.database = resources.database
        self.time = SkippedTime(environment)
        self.fate = Fate()
        self.networks: dict[Network, FallibleNetwork] = {
            one.network: one(self.time)
            for one in (SearchableNetwork, IdempotentNetwork, TwoStepNetwork)
        }
        forecast = Forecast({})
        accepting = Accepting(self.database, forecast)
        self.posts = PostService(self.database, forecast, accepting)
        self.changes = PostChanges(self.database, forecast)
        self.deliveries = DeliveryService(self.database)
        self._resources = resources
        self._store = store(self.database, self.fate, self.time.claimed)
        self._departures = Departures(self._store, self.networks, self.time)
        withdrawals = Withdrawals(environment.client)
        self._publishing = self._build_publishing(settler)
        self._publishing.withdrawals = withdrawals
        workflows = MortalWorkflows(environment.client, leads, self.time)
        workflows.fate = self.fate
        workflows.telling = withdrawals.telling
        self._relay = OutboxRelay(
            database=self.database,
            workflows=workflows,
            database_url=str(resources.settings.database_url),
            sweep=LEASE,
            lease=LEASE,
        )

    def workers(self) -> list[Worker]:
        """One for each queue."""
        client: Client = self.environment.client
        orchestration = Worker(
            client,
            task_queue=ORCHESTRATION,
            workflows=[PublishPost],
            activities=[
                RoomAtOnce(self._publishing, room={}).publish_at_once,
                DeliveryBookkeeping(self._store).give_up_delivery,
            ],
            workflow_runner=workflow_runner(),
            debug_mode=True,  # a busy machine is no deadlock
        )
        publishing = [
            Worker(
                client,
                task_queue=publish_queue(network),
                activities=[self._publishing.prepare_delivery, self._publishing.publish_delivery],
                max_heartbeat_throttle_interval=NOTICE,
                default_heartbeat_throttle_interval=NOTICE,
            )
            for network in self.networks
        ]
        return [orchestration, *publishing]

    async def open_workspace(self) -> Tenancy:
        """A new one, connected everywhere."""
        workspace, _ = await WorkspaceService(self.database).create("Corner bakery")
        author = Author(self.database, workspace.id, self._resources.vault)
        accounts = {one: (await author.connect(one)).account_id for one in self.networks}
        return Tenancy(
            caller=Caller(workspace_id=workspace.id, actor_id=new_id(), scopes=frozenset(Scope)),
            accounts=accounts,
            picture=await author.upload(b"picture"),
            author=author,
        )

    def claim_ahead(self, *, everything: bool) -> None:
        """From now on, as if each delivery left with a crowd; or only what does."""
        self._departures._crowd = 1 if everything else CROWD
        self.time.claims_ahead = everything

    async def run_relay(self) -> None:
        """Carry out what the outbox holds and nobody has leased."""
        try:
            while await self._relay._empty() or self._relay._writing:
                await asyncio.gather(*self._relay._writing)
        except RelayDied:
            return
        await self.settle_down()

    async def lease_and_die(self) -> None:
        """A relay takes what there is to itself, and dies."""
        async with self.database.transaction() as session:
            await outbox.lease(session, limit=100, duration=LEASE)

    async def end_leases(self) -> None:
        """Leases, and waits after failures, run out."""
        async with self.database.transaction() as session:
            await session.execute(text("UPDATE outbox SET available_at = now()"))

    async def pass_until(self, moment: datetime) -> None:
        """Let time pass."""
        await self.time.pass_until(moment)
        await self.settle_down()

    async def settle_down(self) -> None:
        """Return when nothing is at work but what waits for its second."""
        calm = 0
        async with asyncio.timeout(STEP_LIMIT / 2):
            while calm < 2:
                await asyncio.sleep(0.005)
                calm = 0 if self.time.is_busy else calm + 1

    async def running_workflows(self, posts: Sequence[Post]) -> list[str]:
        """The workflows of those posts that have not ended."""
        names = [post_workflow_id(post.id) for post in posts]
        names += [
            retry_workflow_id(post.id, one.id)
            for post in posts
            for one in post.deliveries
            if one.is_retry
        ]
        return [name for name in names if await self._runs(name)]

    async def clear(self, posts: Sequence[Post]) -> None:
        """Leave nothing behind for the next example."""
        self.fate.planned.clear()
        for network in self.networks.values():
            network.forget_mishaps()
        async with self.database.transaction() as session:
            await session.execute(delete(OutboxRow))
        for name in await self.running_workflows(posts):
            await self.environment.client.get_workflow_handle(name).terminate("the example ended")
        await self.pass_until(self.time())

    async def _runs(self, name: str) -> bool:
        try:
            found = await self.environment.client.get_workflow_handle(name).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return found.status is WorkflowExecutionStatus.RUNNING

    def _build_publishing(self, settler: type[Settler]) -> HeldPublishing:
        adapters, store, clock = self.networks, self._store, self.time
        accounts = Accounts(AccountStore(self.database), self._resources.vault)
        pieces = Pieces(StoredMedia(self._resources.media_store, self._resources.media_links))
        refusals = Refusals(store=store, accounts=accounts, retries=RetryPlan(), clock=clock)
        publishing = HeldPublishing(
            adapters=adapters,
            store=store,
            accounts=accounts,
            pieces=pieces,
            refusals=refusals,
            settler=settler(
                adapters=adapters,
                store=store,
                accounts=accounts,
                pieces=pieces,
                refusals=refusals,
                lookups=LookupPlan(),
                clock=clock,
            ),
            sender=Sender(
                adapters=adapters,
                store=store,
                departures=self._departures,
                pieces=pieces,
                refusals=refusals,
                lookups=LookupPlan(),
                clock=clock,
            ),
            clock=clock,
        )
        publishing.time = self.time
        return publishing


@asynccontextmanager
async def publishing_system(
    settings: Settings, settler: type[Settler], store: type[MortalStore], leads: Leads
) -> AsyncIterator[PublishingSystem]:
    """Runs as long as the block."""
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings))
        environment = await stack.enter_async_context(time_skipping_server())
        system = PublishingSystem(environment, resources, settler, store, leads)
        for worker in system.workers():
            await stack.enter_async_context(worker)
        yield system
