"""What is due, published by the worker that runs its workflow, as long as it has room."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.at_once import ROOM, RoomAtOnce, room_in
from contracts.failures import FailureType
from contracts.publishing import DueDelivery, Pause, PublishOutcome
from domain.content import Content
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from networks.protocol import NetworkAdapter
from storage.posts import Delivery, TargetAccount
from tests.activities.conftest import Networks, NewDispatcher
from tests.activities.dispatcher import Dispatcher
from tests.activities.written_posts import Author

X = Network.X


@pytest.fixture
def dispatcher(
    new_dispatcher: NewDispatcher, adapters: dict[Network, NetworkAdapter]
) -> Dispatcher:
    """In front of the sandbox networks."""
    return new_dispatcher(adapters)


@pytest.fixture
async def account(networks: Networks) -> TargetAccount:
    """On X."""
    return await networks.connect(X)


@pytest.fixture
async def delivery(author: Author, account: TargetAccount) -> Delivery:
    """Due now."""
    return (await author.write(account)).deliveries[0]


def local() -> ActivityEnvironment:
    """A local activity's; it fails the test when it heartbeats."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, is_local=True, heartbeat_timeout=None)
    environment.on_heartbeat = lambda *_: pytest.fail("a local activity has no heartbeat")
    return environment


async def at_once(room: RoomAtOnce, dispatcher: Dispatcher, delivery: Delivery) -> PublishOutcome:
    """One try."""
    due = DueDelivery(delivery=dispatcher.request(delivery), network=X)
    return await local().run(room.publish_at_once, due)


async def test_it_is_published(dispatcher: Dispatcher, delivery: Delivery) -> None:
    room = RoomAtOnce(dispatcher.publishing, {X: 1})
    outcome = await at_once(room, dispatcher, delivery)
    assert outcome.status is DeliveryStatus.PUBLISHED


async def test_of_more_than_there_is_room_for_one_goes_to_its_queue(
    dispatcher: Dispatcher, author: Author, account: TargetAccount
) -> None:
    room = RoomAtOnce(dispatcher.publishing, {X: 1}, patience=timedelta(0))
    first, second, third = [
        (await author.write(account, content=Content(text=text))).deliveries[0]
        for text in ("Rye", "Wheat", "Spelt")
    ]
    published, left = await asyncio.gather(
        at_once(room, dispatcher, first),
        at_once(room, dispatcher, second),
        return_exceptions=True,
    )
    assert isinstance(published, PublishOutcome)
    assert isinstance(left, ApplicationError)
    # Its place is free again.
    assert (await at_once(room, dispatcher, third)).status is DeliveryStatus.PUBLISHED


async def test_more_than_there_is_room_for_waits_while_others_leave(
    dispatcher: Dispatcher, author: Author, account: TargetAccount
) -> None:
    room = RoomAtOnce(dispatcher.publishing, {X: 1}, patience=timedelta(minutes=1))
    deliveries = [
        (await author.write(account, content=Content(text=text))).deliveries[0]
        for text in ("Rye", "Wheat", "Spelt")
    ]
    outcomes = await asyncio.gather(*(at_once(room, dispatcher, one) for one in deliveries))
    assert {outcome.status for outcome in outcomes} == {DeliveryStatus.PUBLISHED}


@pytest.mark.parametrize("room", [{}, {X: 0}, {Network.FACEBOOK: 1}])
async def test_without_room_it_is_left_to_its_queue(
    dispatcher: Dispatcher, delivery: Delivery, room: dict[Network, int]
) -> None:
    with pytest.raises(ApplicationError) as left:
        await at_once(RoomAtOnce(dispatcher.publishing, room), dispatcher, delivery)
    assert left.value.type == FailureType.ELSEWHERE
    assert left.value.next_retry_delay is None
    state = await dispatcher.store.load(delivery.id)
    assert state.status is DeliveryStatus.SCHEDULED


def test_room_is_part_of_what_a_worker_may_hold() -> None:
    assert room_in(1) == 0
    assert room_in(40) == 10
    assert room_in(20_000) == ROOM


async def test_a_paused_dispatch_touches_nothing_before_its_time(
    dispatcher: Dispatcher, delivery: Delivery
) -> None:
    until = dispatcher.clock() + timedelta(seconds=30)
    pause = Pause(until=until, failure=FailureType.TRY_LATER)
    request = replace(dispatcher.request(delivery), pause=pause)
    publish = dispatcher.publishing.publish_delivery
    with pytest.raises(ApplicationError) as waits:
        await dispatcher.environment().run(publish, request)
    assert waits.value.type == FailureType.TRY_LATER
    assert waits.value.next_retry_delay is not None
    assert timedelta(seconds=25) < waits.value.next_retry_delay <= timedelta(seconds=30)
    assert (await dispatcher.store.load(delivery.id)).status is DeliveryStatus.SCHEDULED
    await dispatcher.pass_time(waits.value.next_retry_delay)
    outcome = await dispatcher.environment().run(publish, request)
    assert outcome.status is DeliveryStatus.PUBLISHED
