"""A delivery that waits in the worker for its second: still cancelled, edited, moved, handed on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.moved_while_armed import MovedWhileArmed
from contracts.failures import FailureType
from contracts.publishing import Ending, PublishOutcome
from domain.content import Content
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.receipts import Receipt
from networks.errors import CredentialsExpired, NetworkError
from networks.protocol import Connection, Prepared
from storage.posts import Delivery
from tests.activities.conftest import NewDispatcher
from tests.activities.dispatcher import Dispatcher, eventually
from tests.activities.scripted_adapter import (
    SearchableNetwork,
    TwoStepNetwork,
    receipt,
    refusal,
    renewed,
    unknown,
)
from tests.activities.written_posts import Author
from tests.patience import PATIENCE

AN_HOUR = timedelta(hours=1)


@pytest.fixture
async def delivery(author: Author) -> Delivery:
    """A delivery for in an hour."""
    account = await author.connect(Network.X)
    post = await author.write(account, publish_at=datetime.now(UTC) + AN_HOUR)
    return post.deliveries[0]


@pytest.fixture
async def waiting(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> asyncio.Task[PublishOutcome]:
    """Its dispatch, armed and waiting."""
    task = asyncio.create_task(scripted.publish_once(delivery))
    await until_armed(author, delivery)
    return task


async def until_armed(author: Author, delivery: Delivery) -> None:
    """Return once it waits for its second."""

    async def is_armed() -> bool:
        return (await author.stored(delivery.id)).status is DeliveryStatus.ARMED

    await eventually(is_armed)


async def test_it_waits_for_its_second_and_not_longer(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
) -> None:
    searchable.sends.then(receipt())
    scripted.clock.jump(AN_HOUR - timedelta(seconds=0.2))
    outcome = await waiting
    assert outcome.status is DeliveryStatus.PUBLISHED
    stored = await author.stored(delivery.id)
    assert delivery.publish_at is not None
    assert stored.sent_at is not None
    assert timedelta(0) <= stored.sent_at - delivery.publish_at < timedelta(seconds=PATIENCE)


async def test_it_beats_while_it_waits(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> None:
    beats = 0
    environment = scripted.environment()
    enough = asyncio.Event()

    def beat(*_: object) -> None:
        nonlocal beats
        beats += 1
        if beats == 5:
            enough.set()

    environment.on_heartbeat = beat
    task = asyncio.create_task(scripted.publish_once(delivery, environment))
    await asyncio.wait_for(enough.wait(), timeout=PATIENCE)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_post_is_not_published(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
) -> None:
    await author.cancel(delivery.post_id)
    scripted.clock.jump(AN_HOUR)
    outcome = await waiting
    assert (outcome.ending, outcome.status) == (Ending.SETTLED, DeliveryStatus.CANCELLED)
    assert searchable.sent == []


async def test_an_edited_post_is_published_with_the_new_text(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
) -> None:
    await author.edit(delivery.post_id, Content(text="No bread today"))
    searchable.sends.then(receipt())
    scripted.clock.jump(AN_HOUR)
    assert (await waiting).status is DeliveryStatus.PUBLISHED
    assert [outgoing.piece.text for outgoing in searchable.sent] == ["No bread today"]
    (attempt,) = await author.attempts(delivery.id)
    assert attempt.revision == 2


async def test_a_moved_post_is_left_for_its_new_time(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await author.edit(delivery.post_id, publish_at=tomorrow)
    scripted.clock.jump(AN_HOUR)
    outcome = await waiting
    assert (outcome.ending, outcome.publish_at) == (Ending.SUPERSEDED, tomorrow)
    assert outcome.status is DeliveryStatus.SCHEDULED
    assert searchable.sent == []


async def test_a_dispatch_for_an_old_time_does_nothing(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> None:
    await author.edit(delivery.post_id, publish_at=datetime.now(UTC) + timedelta(days=1))
    outcome = await scripted.publish_once(delivery)
    assert outcome.ending is Ending.SUPERSEDED
    assert (await author.stored(delivery.id)).status is DeliveryStatus.SCHEDULED


async def test_a_post_that_moves_while_its_media_is_prepared_does_not_keep_the_worker(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author
) -> None:
    account = await author.connect(Network.INSTAGRAM)
    (delivery,) = (await author.write(account)).deliveries
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    async def meanwhile() -> Prepared:
        await author.edit(delivery.post_id, publish_at=tomorrow)
        return {"container": "old"}

    two_step.needs_media = True
    two_step.prepares.then(meanwhile)
    async with asyncio.timeout(PATIENCE):
        outcome = await scripted.publish_once(delivery)
    assert (outcome.ending, outcome.publish_at) == (Ending.SUPERSEDED, tomorrow)
    assert two_step.sent == []


async def test_a_worker_that_stops_hands_on_what_it_armed(
    scripted: Dispatcher,
    new_dispatcher: NewDispatcher,
    searchable: SearchableNetwork,
    author: Author,
    delivery: Delivery,
) -> None:
    task = asyncio.create_task(scripted.publish_once(delivery))
    await until_armed(author, delivery)
    scripted.departures.stop()
    for dispatch in (task, scripted.publish_once(delivery)):
        with pytest.raises(ApplicationError) as stopped:
            await dispatch
        assert stopped.value.type == FailureType.WORKER_STOPPING
        assert stopped.value.next_retry_delay is not None
        assert stopped.value.next_retry_delay < timedelta(seconds=1)
    assert (searchable.sent, await author.attempts(delivery.id)) == ([], [])
    another = new_dispatcher({searchable.network: searchable})
    searchable.sends.then(receipt())
    another.clock.jump(AN_HOUR)
    assert (await another.publish_once(delivery)).status is DeliveryStatus.PUBLISHED


async def test_a_withdrawn_dispatch_sends_nothing(
    scripted: Dispatcher, searchable: SearchableNetwork, author: Author, delivery: Delivery
) -> None:
    environment = scripted.environment()
    task = asyncio.create_task(scripted.publish_once(delivery, environment))
    await until_armed(author, delivery)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (searchable.sent, await author.attempts(delivery.id)) == ([], [])


async def test_a_dispatch_withdrawn_while_it_prepares_does_not_wait_for_its_second(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author
) -> None:
    account = await author.connect(Network.INSTAGRAM)
    (delivery,) = (await author.write(account, publish_at=datetime.now(UTC) + AN_HOUR)).deliveries
    environment = scripted.environment()

    async def withdraw() -> Prepared:
        environment.cancel()
        await asyncio.sleep(0.05)
        return {"container": "c1"}

    two_step.needs_media = True
    two_step.prepares.then(withdraw)
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(PATIENCE):
            await scripted.publish_once(delivery, environment)
    stored = await author.stored(delivery.id)
    assert stored.prepared == {"0": {"container": "c1"}}


@pytest.mark.parametrize("answer", [receipt(), unknown()], ids=["published", "unknown"])
async def test_the_end_of_a_send_is_recorded_though_the_dispatch_was_withdrawn(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    answer: Receipt | NetworkError,
) -> None:
    (delivery,) = (await author.write(await author.connect(Network.X))).deliveries
    environment = scripted.environment()

    async def withdraw() -> Receipt:
        environment.cancel()
        await asyncio.sleep(0.05)
        if isinstance(answer, NetworkError):
            raise answer
        return answer

    searchable.sends.then(withdraw)
    (ended,) = await asyncio.gather(
        scripted.publish_once(delivery, environment), return_exceptions=True
    )
    (attempt,) = await author.attempts(delivery.id)
    if isinstance(answer, Receipt):
        assert attempt.outcome == "published"
        assert (await author.stored(delivery.id)).status is DeliveryStatus.PUBLISHED
    else:
        assert isinstance(ended, ApplicationError)
        assert (attempt.outcome, (attempt.error or {})["type"]) == (None, "outcome_unknown")


async def test_a_refresh_is_finished_though_the_dispatch_was_withdrawn(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author
) -> None:
    account = await author.connect(Network.INSTAGRAM)
    (delivery,) = (await author.write(account)).deliveries
    environment = scripted.environment()

    async def withdraw() -> Connection:
        environment.cancel()
        await asyncio.sleep(0.05)
        return renewed(access_token="single use")

    two_step.needs_media = True
    two_step.prepares.then(refusal(CredentialsExpired))
    two_step.refreshes.then(withdraw)
    with pytest.raises(ApplicationError):
        await scripted.publish_once(delivery, environment)
    state = await scripted.store.load(delivery.id)
    assert state.account.credentials_version == 2


async def test_no_second_attempt_opens_while_a_send_is_under_way(
    scripted: Dispatcher, searchable: SearchableNetwork, author: Author
) -> None:
    (delivery,) = (await author.write(await author.connect(Network.X))).deliveries
    go_on = asyncio.Event()

    async def slowly() -> Receipt:
        await go_on.wait()
        return receipt()

    async def find_it() -> Receipt:
        go_on.set()
        return receipt()

    searchable.sends.then(slowly)
    searchable.finds.then(find_it)
    first = asyncio.create_task(scripted.publish_once(delivery))

    async def is_sending() -> bool:
        return bool(searchable.sent)

    await eventually(is_sending)
    second = await scripted.publish_once(delivery)
    assert second.status is DeliveryStatus.PUBLISHED
    assert (await first).status is DeliveryStatus.PUBLISHED
    assert len(await author.attempts(delivery.id)) == 1
    assert len(searchable.sent) == 1


async def test_of_many_dispatches_at_once_one_sends(
    new_dispatcher: NewDispatcher, searchable: SearchableNetwork, author: Author
) -> None:
    (delivery,) = (await author.write(await author.connect(Network.X))).deliveries
    searchable.sends.then(receipt())
    searchable.finds.then(*[receipt()] * 8)
    workers = [new_dispatcher({Network.X: searchable}) for _ in range(4)]
    outcomes = await asyncio.gather(*(one.publish_once(delivery) for one in workers))
    assert {one.status for one in outcomes} == {DeliveryStatus.PUBLISHED}
    assert len(searchable.sent) == 1


@pytest.fixture
async def hearing(scripted: Dispatcher, database_dsn: str) -> AsyncIterator[asyncio.Task[None]]:
    """The worker hears of what is changed."""
    moves = MovedWhileArmed(database_dsn, scripted.departures, scripted.store)
    running = asyncio.create_task(moves.run())
    yield running
    moves.stop()
    await running


async def test_what_is_to_go_now_does_not_wait_for_its_old_second(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
    hearing: asyncio.Task[None],
) -> None:
    searchable.sends.then(receipt())
    await author.edit(delivery.post_id, publish_at=datetime.now(UTC))
    outcome = await asyncio.wait_for(waiting, timeout=PATIENCE)
    assert (outcome.ending, outcome.status) == (Ending.SETTLED, DeliveryStatus.PUBLISHED)
    assert len(searchable.sent) == 1


async def test_what_was_moved_to_later_is_given_back_at_once(
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
    hearing: asyncio.Task[None],
) -> None:
    later = datetime.now(UTC) + 2 * AN_HOUR
    await author.edit(delivery.post_id, publish_at=later)
    outcome = await asyncio.wait_for(waiting, timeout=PATIENCE)
    assert (outcome.ending, outcome.publish_at) == (Ending.SUPERSEDED, later)


async def test_an_edited_text_is_armed_anew_and_goes_on_waiting(
    searchable: SearchableNetwork,
    scripted: Dispatcher,
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
    hearing: asyncio.Task[None],
) -> None:
    searchable.sends.then(receipt())
    await author.edit(delivery.post_id, Content(text="Cake"))
    await until_armed(author, delivery)
    assert not waiting.done()
    scripted.clock.jump(AN_HOUR)
    assert (await waiting).status is DeliveryStatus.PUBLISHED
    assert searchable.sent[0].piece.text == "Cake"


async def test_a_worker_that_heard_nothing_looks_when_it_listens_again(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    delivery: Delivery,
    waiting: asyncio.Task[PublishOutcome],
    database_dsn: str,
) -> None:
    searchable.sends.then(receipt())
    await author.edit(delivery.post_id, publish_at=datetime.now(UTC))
    moves = MovedWhileArmed(database_dsn, scripted.departures, scripted.store)
    running = asyncio.create_task(moves.run())
    outcome = await asyncio.wait_for(waiting, timeout=PATIENCE)
    assert outcome.status is DeliveryStatus.PUBLISHED
    moves.stop()
    await running
