"""From the outbox to a real Temporal server: done once, in order, and whenever it is back."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import insert
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from contracts import search_attributes
from contracts.workflow_ids import post_workflow_id, retry_workflow_id
from domain.content import Content
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from relay import post_workflows
from storage.database import Database
from storage.outbox import OutboxKind
from storage.outcomes import Fail, Reason
from storage.posts import Post
from storage.publishing import PublishingStore
from storage.tables import OutboxRow
from tests.activities.written_posts import Author
from tests.patience import PATIENCE
from tests.relay.conftest import NEXT_YEAR, SELDOM, Desk, RunRelay

START = OutboxKind.START_POST
RESCHEDULE = OutboxKind.RESCHEDULE_POST
CANCEL = OutboxKind.CANCEL_DELIVERIES
REFUSAL = Reason(type="content_refused", message="No.", evidence={})


@pytest.fixture
async def post(author: Author) -> Post:
    """A post for next year."""
    return await author.write(await author.connect(Network.X), publish_at=NEXT_YEAR)


async def is_missing(desk: Desk, post: Post) -> bool:
    """Whether no workflow was ever started for it."""
    try:
        await desk.workflow(post).describe()
    except RPCError as error:
        return error.status is RPCStatusCode.NOT_FOUND
    return False


async def test_a_post_gets_its_workflow(
    run_relay: RunRelay, desk: Desk, author: Author, post: Post
) -> None:
    await desk.decide(post, START)
    async with run_relay():
        await desk.until_empty()
    described = await desk.workflow(post).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    found = described.typed_search_attributes
    assert found[search_attributes.POST] == str(post.id)
    assert found[search_attributes.WORKSPACE] == str(post.workspace_id)
    assert found[search_attributes.NETWORKS] == ["x"]
    assert found[search_attributes.PUBLISH_AT] == NEXT_YEAR
    assert await desk.starts(post.id) == 1


async def test_its_history_holds_no_text(run_relay: RunRelay, desk: Desk, author: Author) -> None:
    content = Content(text="Not for the history", first_comment="Nor this")
    account = await author.connect(Network.FACEBOOK)
    post = await author.write(account, content=content, publish_at=NEXT_YEAR)
    await desk.decide(post, START)
    async with run_relay():
        await desk.until_empty()
    history = (await desk.workflow(post).fetch_history()).to_json()
    assert str(post.id) in history
    assert "history" not in history
    assert "Nor this" not in history


async def test_a_commit_wakes_the_relay(run_relay: RunRelay, desk: Desk, post: Post) -> None:
    async with run_relay(sweep=SELDOM):
        await desk.decide(post, START)
        await desk.until_empty(limit=10)


async def test_the_sweep_finds_what_nobody_told_of(
    run_relay: RunRelay, desk: Desk, database: Database, post: Post
) -> None:
    async with run_relay():
        async with database.transaction() as session:
            await session.execute(
                insert(OutboxRow).values(
                    kind=START,
                    workspace_id=post.workspace_id,
                    subject_id=post.id,
                    due_at=NEXT_YEAR,
                    payload={},
                )
            )
        await desk.until_empty(limit=10)
    assert not await is_missing(desk, post)


async def test_what_temporal_missed_while_it_was_away_is_done_when_it_is_back(
    run_relay: RunRelay, desk: Desk, nowhere: Client, post: Post
) -> None:
    await desk.decide(post, START)

    async def is_postponed() -> bool:
        (item,) = await desk.waiting()
        return item.last_error is not None

    async with run_relay(client=nowhere):
        await desk.until(is_postponed)
    assert await is_missing(desk, post)
    assert await desk.starts(post.id) == 0
    async with run_relay():
        await desk.until_empty()
    assert not await is_missing(desk, post)
    assert await desk.starts(post.id) == 1


async def test_starting_twice_is_harmless(run_relay: RunRelay, desk: Desk, post: Post) -> None:
    await desk.decide(post, START)
    async with run_relay():
        await desk.until_empty()
        first = (await desk.workflow(post).describe()).run_id
        await desk.decide(post, START)
        await desk.until_empty()
    assert (await desk.workflow(post).describe()).run_id == first


async def test_a_post_of_which_nothing_waits_any_more_is_not_started(
    run_relay: RunRelay, desk: Desk, author: Author, post: Post
) -> None:
    await desk.decide(post, START)
    await author.cancel(post.id)
    async with run_relay():
        await desk.until_empty()
    assert await is_missing(desk, post)
    assert await desk.starts(post.id) == 0


async def test_a_post_that_is_gone_is_dropped(
    run_relay: RunRelay, desk: Desk, database: Database, post: Post
) -> None:
    async with database.transaction() as session:
        await session.execute(
            insert(OutboxRow).values(
                kind=START,
                workspace_id=post.id,
                subject_id=post.workspace_id,
                due_at=NEXT_YEAR,
                payload={},
            )
        )
    async with run_relay():
        await desk.until_empty()


async def test_a_retry_runs_beside_the_posts_own_workflow(
    run_relay: RunRelay,
    desk: Desk,
    author: Author,
    database: Database,
    temporal: Client,
    post: Post,
) -> None:
    store = PublishingStore(database)
    (failed,) = post.deliveries
    await store.put_off(await store.load(failed.id), REFUSAL, then=Fail())
    retry = await author.retry(failed)
    await desk.decide(post, OutboxKind.RETRY_DELIVERY, delivery_id=str(retry.id))
    async with run_relay():
        await desk.until_empty()
    described = await temporal.get_workflow_handle(retry_workflow_id(post.id, retry.id)).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert await is_missing(desk, post)


async def test_a_move_reaches_the_sleeping_workflow(
    run_relay: RunRelay, desk: Desk, author: Author, orchestration: Worker, post: Post
) -> None:
    moved_to = NEXT_YEAR + timedelta(days=7)
    await desk.decide(post, START)
    async with run_relay():
        await desk.until_empty()
        await author.edit(post.id, publish_at=moved_to)
        await desk.decide(post, RESCHEDULE)
        await desk.until_empty()
    found = (await desk.workflow(post).describe()).typed_search_attributes
    assert found[search_attributes.PUBLISH_AT] == moved_to
    assert await desk.updates(post) == ["reschedule"]


@pytest.mark.parametrize("payload", [{}, {"now": True}], ids=["rescheduled", "published now"])
async def test_a_move_starts_the_workflow_that_is_missing(
    run_relay: RunRelay, desk: Desk, author: Author, post: Post, payload: dict[str, bool]
) -> None:
    await desk.decide(post, RESCHEDULE, **payload)
    async with run_relay():
        await desk.until_empty()
    assert (await desk.workflow(post).describe()).status is WorkflowExecutionStatus.RUNNING
    assert await desk.starts(post.id) == 1


async def test_a_move_of_a_post_of_which_nothing_waits_does_nothing(
    run_relay: RunRelay, desk: Desk, author: Author, post: Post
) -> None:
    await author.cancel(post.id)
    await desk.decide(post, RESCHEDULE)
    async with run_relay():
        await desk.until_empty()
    assert await is_missing(desk, post)


async def test_a_cancel_ends_the_workflow(
    run_relay: RunRelay, desk: Desk, author: Author, orchestration: Worker, post: Post
) -> None:
    await desk.decide(post, START)
    async with run_relay():
        await desk.until_empty()
        await author.cancel(post.id)
        await desk.decide(post, CANCEL, deliveries=[str(post.deliveries[0].id)])
        await desk.until_empty()
    result = await asyncio.wait_for(desk.workflow(post).result(), timeout=PATIENCE)
    assert result.statuses == {post.deliveries[0].id: DeliveryStatus.CANCELLED}


async def test_a_cancel_without_a_workflow_is_done(
    run_relay: RunRelay, desk: Desk, author: Author, post: Post
) -> None:
    await author.cancel(post.id)
    await desk.decide(post, CANCEL, deliveries=[str(post.deliveries[0].id)])
    async with run_relay():
        await desk.until_empty()
    assert await is_missing(desk, post)


async def test_an_update_that_the_workflow_rejects_is_dropped(
    run_relay: RunRelay, desk: Desk, orchestration: Worker, post: Post
) -> None:
    await desk.decide(post, START)
    await desk.decide(post, CANCEL, deliveries=[str(post.id)])
    async with run_relay():
        await desk.until_empty()
    assert (await desk.workflow(post).describe()).status is WorkflowExecutionStatus.RUNNING
    assert await desk.updates(post) == []


async def until_only_one_is_left(desk: Desk) -> OutboxRow:
    """What could not be carried out, once everything else was."""

    async def is_alone() -> bool:
        left = await desk.waiting()
        return len(left) == 1 and left[0].last_error is not None

    await desk.until(is_alone)
    (left,) = await desk.waiting()
    return left


async def test_an_update_that_nobody_answers_keeps_nothing_else_waiting(
    run_relay: RunRelay,
    desk: Desk,
    author: Author,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(post_workflows, "PATIENCE", timedelta(seconds=0.5))
    other = await author.write(await author.connect(Network.FEED), publish_at=NEXT_YEAR)
    # No worker serves the workflows: the update is taken and not answered.
    await desk.decide(post, START)
    await desk.decide(post, RESCHEDULE)
    async with run_relay():
        assert (await until_only_one_is_left(desk)).kind == RESCHEDULE
        await desk.decide(other, START)
        left = await until_only_one_is_left(desk)
    assert left.subject_id == post.id
    assert not await is_missing(desk, other)


async def test_an_item_that_cannot_be_carried_out_keeps_nothing_else_waiting(
    run_relay: RunRelay, desk: Desk, author: Author, post: Post
) -> None:
    other = await author.write(await author.connect(Network.FEED), publish_at=NEXT_YEAR)
    await desk.decide(post, OutboxKind.RETRY_DELIVERY, nonsense=True)
    await desk.decide(other, START)
    async with run_relay():
        left = await until_only_one_is_left(desk)
    assert left.subject_id == post.id
    assert not await is_missing(desk, other)


async def test_a_relay_that_is_stopped_finishes_what_it_leased(
    run_relay: RunRelay, desk: Desk, author: Author
) -> None:
    account = await author.connect(Network.X)
    posts = [await author.write(account, publish_at=NEXT_YEAR) for _ in range(5)]
    for post in posts:
        await desk.decide(post, START)
    relay = run_relay.make()
    running = asyncio.create_task(relay.run())

    async def has_leased() -> bool:
        return any(item.tries for item in await desk.waiting()) or not await desk.waiting()

    await desk.until(has_leased)
    relay.stop()
    await asyncio.wait_for(running, timeout=PATIENCE)
    assert await desk.waiting() == []


async def test_what_was_decided_of_one_post_is_done_in_that_order(
    run_relay: RunRelay, desk: Desk, author: Author, orchestration: Worker, post: Post
) -> None:
    await desk.decide(post, START)
    for _ in range(3):
        await desk.decide(post, RESCHEDULE)
    await desk.decide(post, CANCEL, deliveries=[str(post.deliveries[0].id)])
    async with run_relay(), run_relay():
        await desk.until_empty()
    assert await desk.updates(post) == ["reschedule"] * 3 + ["cancel"]


async def test_relays_at_once_start_each_post_once(
    run_relay: RunRelay, desk: Desk, author: Author, temporal: Client
) -> None:
    account = await author.connect(Network.X)
    posts = [await author.write(account, publish_at=NEXT_YEAR) for _ in range(12)]
    async with AsyncExitStack() as relays:
        for _ in range(3):
            await relays.enter_async_context(run_relay())
        for post in posts:
            await desk.decide(post, START)
        await desk.until_empty()
    for post in posts:
        assert await desk.starts(post.id) == 1
        described = await temporal.get_workflow_handle(post_workflow_id(post.id)).describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
