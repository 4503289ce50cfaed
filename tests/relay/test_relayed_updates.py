"""Resumed, stopped, edited: each update reaches the workflow that it is for, on a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowUpdateStage
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from contracts.publishing import PublishPostResult
from contracts.task_queues import ORCHESTRATION, publish_queue
from contracts.workflow_ids import post_workflow_id, retry_workflow_id
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from runtime.publisher import build_publisher
from runtime.resources import Resources
from runtime.temporal import workflow_runner
from storage.account_access import AccountStore
from storage.database import Database
from storage.outbox import OutboxKind
from storage.outcomes import Fail, Reason
from storage.posts import Delivery, Post
from storage.publishing import PublishingStore
from storage.tables import FeedPostRow
from tests.activities.written_posts import Author
from tests.api.test_posts_actors import Author as ApiAuthor
from tests.api.test_posts_actors import accepted
from tests.conftest import Tenant
from tests.patience import PATIENCE
from tests.relay.conftest import NEXT_YEAR, Desk, Handle, RunRelay
from tests.workflows.lingering_publish_post import LingeringPublishPost
from worker import build_workers

START = OutboxKind.START_POST
RETRY = OutboxKind.RETRY_DELIVERY
RESCHEDULE = OutboxKind.RESCHEDULE_POST
CANCEL = OutboxKind.CANCEL_DELIVERIES
RESUME = OutboxKind.RESUME_DELIVERIES
REFUSAL = Reason(type="content_refused", message="No.", evidence={})


@pytest.fixture
async def publishing(temporal: Client, resources: Resources) -> AsyncIterator[None]:
    """Workers that publish to the built-in network."""
    async with AsyncExitStack() as running:
        serve = [ORCHESTRATION, publish_queue(Network.FEED)]
        for one in build_workers(resources, temporal, serve, build_publisher(resources)):
            await running.enter_async_context(one)
        yield


@pytest.fixture
async def lingering(temporal: Client) -> AsyncIterator[None]:
    """A worker whose workflows end when the test says so."""
    worker = Worker(
        temporal,
        task_queue=ORCHESTRATION,
        workflows=[LingeringPublishPost],
        workflow_runner=workflow_runner(),
        debug_mode=True,  # a busy machine is no deadlock
    )
    async with worker:
        yield


@pytest.fixture
def api(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> ApiAuthor:
    """The same workspace's member, at the API."""
    return ApiAuthor(client, database, workspace)


def retry_of(temporal: Client, delivery: Delivery) -> Handle:
    """The workflow that publishes it once more."""
    name = retry_workflow_id(delivery.post_id, delivery.id)
    return temporal.get_workflow_handle(name, result_type=PublishPostResult)


async def fail_and_retry(database: Database, author: Author, failed: Delivery) -> Delivery:
    """Give it up, and put a retry in its place."""
    store = PublishingStore(database)
    await store.put_off(await store.load(failed.id), REFUSAL, then=Fail())
    return await author.retry(failed)


async def updates(workflow: Handle) -> list[tuple[str, list[str]]]:
    """The updates that it accepted, in order: name and deliveries."""
    accepted_requests = [
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input
        async for event in workflow.fetch_history_events()
        if event.HasField("workflow_execution_update_accepted_event_attributes")
    ]
    return [
        (one.name, json.loads(one.args.payloads[0].data)["deliveries"]) for one in accepted_requests
    ]


async def is_missing(workflow: Handle) -> bool:
    """Whether none was ever started under that name."""
    try:
        await workflow.describe()
    except RPCError as error:
        return error.status is RPCStatusCode.NOT_FOUND
    return False


@pytest.fixture
async def half_failed(database: Database, author: Author) -> tuple[Post, Delivery]:
    """A post for next year to two accounts, and the retry of its delivery to the second."""
    accounts = [await author.connect(Network.X) for _ in range(2)]
    post = await author.write(*accounts, publish_at=NEXT_YEAR)
    retry = await fail_and_retry(database, author, post.deliveries[1])
    return await author.post(post.id), retry


@pytest.mark.parametrize(("kind", "name"), [(RESUME, "resume"), (CANCEL, "cancel")])
async def test_a_retry_and_the_post_each_hear_of_their_own(
    run_relay: RunRelay,
    desk: Desk,
    temporal: Client,
    orchestration: Worker,
    half_failed: tuple[Post, Delivery],
    kind: OutboxKind,
    name: str,
) -> None:
    post, retry = half_failed
    own = post.deliveries[0]
    await desk.decide(post, START)
    await desk.decide(post, RETRY, delivery_id=str(retry.id))
    await desk.decide(post, kind, deliveries=[str(own.id), str(retry.id)])
    async with run_relay():
        await desk.until_empty()
    assert await updates(desk.workflow(post)) == [(name, [str(own.id)])]
    assert await updates(retry_of(temporal, retry)) == [(name, [str(retry.id)])]


async def test_a_cancelled_retry_ends_and_its_post_does_not(
    run_relay: RunRelay,
    desk: Desk,
    temporal: Client,
    api: ApiAuthor,
    orchestration: Worker,
    half_failed: tuple[Post, Delivery],
) -> None:
    post, retry = half_failed
    await desk.decide(post, START)
    await desk.decide(post, RETRY, delivery_id=str(retry.id))
    async with run_relay():
        await desk.until_empty()
        accepted(await api.ask("POST", f"/v1/deliveries/{retry.id}/cancel"))
        await desk.until_empty()
    result = await asyncio.wait_for(retry_of(temporal, retry).result(), timeout=PATIENCE)
    assert result.statuses == {retry.id: DeliveryStatus.CANCELLED}
    described = await desk.workflow(post).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert await updates(desk.workflow(post)) == []


async def test_what_has_no_workflow_is_not_resumed_by_this(
    run_relay: RunRelay, desk: Desk, temporal: Client, half_failed: tuple[Post, Delivery]
) -> None:
    post, retry = half_failed
    deliveries = [str(post.deliveries[0].id), str(retry.id)]
    await desk.decide(post, RESUME, deliveries=deliveries)
    async with run_relay():
        await desk.until_empty()
    assert await is_missing(desk.workflow(post))
    assert await is_missing(retry_of(temporal, retry))
    assert await desk.starts(post.id) == 0


async def test_a_workflow_that_is_over_is_not_resumed(
    run_relay: RunRelay, desk: Desk, author: Author, orchestration: Worker
) -> None:
    post = await author.write(await author.connect(Network.X), publish_at=NEXT_YEAR)
    deliveries = [str(post.deliveries[0].id)]
    await desk.decide(post, START)
    await desk.decide(post, CANCEL, deliveries=deliveries)
    async with run_relay():
        await desk.until_empty()
        await asyncio.wait_for(desk.workflow(post).result(), timeout=PATIENCE)
        await desk.decide(post, RESUME, deliveries=deliveries)
        await desk.until_empty()
    described = await desk.workflow(post).describe()
    assert described.status is WorkflowExecutionStatus.COMPLETED


@pytest.mark.parametrize("is_retry", [False, True], ids=["its own", "a retry"])
async def test_a_post_whose_account_is_connected_again_goes_out(
    run_relay: RunRelay,
    desk: Desk,
    author: Author,
    temporal: Client,
    database: Database,
    publishing: None,
    is_retry: bool,
) -> None:
    account = await author.connect(Network.FEED)
    post = await author.write(account)
    (delivery,) = post.deliveries
    await AccountStore(database).mark(account.account_id, "reconnect", "Gone.")
    if is_retry:
        delivery = await fail_and_retry(database, author, delivery)
        workflow = retry_of(temporal, delivery)
        await desk.decide(post, RETRY, delivery_id=str(delivery.id))
    else:
        workflow = desk.workflow(post)
        await desk.decide(post, START)

    async def backs_off() -> bool:
        stored = await author.stored(delivery.id)
        return stored.status is DeliveryStatus.DEFERRED

    async with run_relay():
        await desk.until(backs_off, limit=60)
        assert await feed(database) == []
        await author.connect_again(account.account_id)
        result = await asyncio.wait_for(workflow.result(), timeout=PATIENCE)
        await desk.until_empty()
    assert result.statuses == {delivery.id: DeliveryStatus.PUBLISHED}
    assert await feed(database) == [(str(account.account_id), "Fresh bread at 7")]
    assert await updates(workflow) == [("resume", [str(delivery.id)])]


async def test_an_edit_of_the_targets_reaches_the_sleeping_workflow(
    run_relay: RunRelay,
    desk: Desk,
    temporal: Client,
    api: ApiAuthor,
    database: Database,
    publishing: None,
) -> None:
    dropped, kept, added = [await feed_account(api, one) for one in ("bread", "rolls", "cake")]
    post = await api.schedule(dropped, kept)
    workflow: Handle = temporal.get_workflow_handle(
        post_workflow_id(UUID(post["id"])), result_type=PublishPostResult
    )
    async with run_relay():
        await desk.until_empty()
        assert (await workflow.describe()).status is WorkflowExecutionStatus.RUNNING
        soon = datetime.now(UTC) + timedelta(seconds=3)
        changed = accepted(
            await api.change(post, targets=[kept, added], publish_at=soon.isoformat())
        )
        result = await asyncio.wait_for(workflow.result(), timeout=90)
        await desk.until_empty()
    by_account = {one["account_id"]: UUID(one["id"]) for one in changed["deliveries"]}
    gone = next(UUID(one["id"]) for one in post["deliveries"] if one["account_id"] == dropped)
    assert result.statuses == {
        gone: DeliveryStatus.CANCELLED,
        by_account[kept]: DeliveryStatus.PUBLISHED,
        by_account[added]: DeliveryStatus.PUBLISHED,
    }
    assert sorted(await feed(database)) == sorted([(kept, "Bread."), (added, "Bread.")])
    assert (await api.show(post["id"]))["status"] == "published"


async def test_a_move_that_comes_when_the_workflow_ends_starts_another_after_it(
    run_relay: RunRelay, desk: Desk, author: Author, lingering: None
) -> None:
    post = await author.write(await author.connect(Network.X), publish_at=NEXT_YEAR)
    workflow = desk.workflow(post)

    async def is_postponed() -> bool:
        return any(item.last_error for item in await desk.waiting())

    await desk.decide(post, START)
    async with run_relay():
        await desk.until_empty()
        first = (await workflow.describe()).run_id
        await workflow.start_update(
            LingeringPublishPost.linger, wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        await desk.decide(post, CANCEL, deliveries=[str(post.deliveries[0].id)])
        await desk.until_empty()
        await desk.decide(post, RESCHEDULE)
        await desk.until(is_postponed)
        (item,) = await desk.waiting()
        assert (item.kind, item.last_error) == (
            RESCHEDULE,
            f"{post_workflow_id(post.id)} is about to end",
        )
        described = await workflow.describe()
        assert (described.run_id, described.status) == (first, WorkflowExecutionStatus.RUNNING)
        await workflow.signal(LingeringPublishPost.let_go)
        await desk.until_empty(limit=60)
    described = await workflow.describe()
    assert described.run_id != first
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert await desk.starts(post.id) == 2


async def feed(database: Database) -> list[tuple[str, str]]:
    """Everything public on the built-in network, as (account, text)."""
    query = select(FeedPostRow.account_id, FeedPostRow.text).order_by(FeedPostRow.id)
    async with database.transaction() as session:
        return [(str(account), text) for account, text in await session.execute(query)]


async def feed_account(api: ApiAuthor, handle: str) -> str:
    """The id of a connected profile of the built-in network."""
    body = {"network": "feed", "credentials": {"handle": handle}}
    account: dict[str, str] = accepted(await api.ask("POST", "/v1/accounts", json=body))
    return account["id"]
