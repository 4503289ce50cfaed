"""A delivery that its own activity could not settle is closed by what its attempts prove."""

import pytest

from contracts.publishing import GIVE_UP_AFTER, Ending
from domain.content import Content
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage import timeline
from storage.database import Database
from storage.delivery_state import OpenAttempt
from storage.lateness import LATE
from storage.outcomes import Reason, Wait
from storage.posts import Delivery
from storage.switches.holding import HELD
from storage.timeline import Event
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import SearchableNetwork, receipt
from tests.activities.written_posts import Author

A_WEEK = GIVE_UP_AFTER


@pytest.fixture
async def delivery(author: Author) -> Delivery:
    """A delivery with a comment, due now."""
    content = Content(text="Bread", first_comment="And rolls")
    return (await author.write(await author.connect(Network.X), content=content)).deliveries[0]


async def test_of_which_nothing_was_sent_it_failed(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> None:
    outcome = await scripted.give_up(delivery, "worker lost")
    assert outcome.status is DeliveryStatus.FAILED
    assert ((await author.stored(delivery.id)).reason or {})["message"] == "worker lost"


async def test_with_an_open_attempt_it_is_unconfirmed(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> None:
    state = await scripted.store.arm(delivery.id)
    assert state is not None
    attempt = await scripted.store.claim(state, 0, {}, scripted.clock())
    assert isinstance(attempt, OpenAttempt)
    outcome = await scripted.give_up(delivery, "worker lost")
    assert outcome.status is DeliveryStatus.UNCONFIRMED
    reason = (await author.stored(delivery.id)).reason or {}
    assert (reason["type"], reason["message"]) == ("gave_up", "worker lost")
    assert reason["evidence"]["sent_at"] == attempt.started_at.isoformat()


async def test_with_only_its_comment_left_it_is_published(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> None:
    state = await scripted.store.arm(delivery.id)
    assert state is not None
    attempt = await scripted.store.claim(state, 0, {}, scripted.clock())
    assert isinstance(attempt, OpenAttempt)
    await scripted.store.record_published(state, attempt, receipt(), last_part=False)
    outcome = await scripted.give_up(delivery)
    assert outcome.status is DeliveryStatus.PUBLISHED
    assert ((await author.stored(delivery.id)).reason or {})["type"] == "gave_up"


async def test_what_is_settled_stays_so(
    scripted: Dispatcher, searchable: SearchableNetwork, author: Author, delivery: Delivery
) -> None:
    searchable.sends.then(receipt(1), receipt(2))
    await scripted.publish(delivery)
    outcome = await scripted.give_up(delivery)
    assert outcome.status is DeliveryStatus.PUBLISHED
    assert (await author.stored(delivery.id)).reason is None


async def put_off(scripted: Dispatcher, delivery: Delivery, kind: str) -> None:
    """It was refused for that reason, and waits."""
    state = await scripted.store.arm(delivery.id)
    reason = Reason(type=kind, message="Not now.", evidence={})
    await scripted.store.put_off(state, reason, then=Wait(until=scripted.clock() + A_WEEK))


@pytest.mark.parametrize("kind", [HELD, LATE])
async def test_what_people_hold_is_not_given_up_for_want_of_time(
    scripted: Dispatcher, author: Author, delivery: Delivery, kind: str
) -> None:
    await put_off(scripted, delivery, kind)
    for _ in range(3):
        await scripted.pass_time(A_WEEK)
        outcome = await scripted.give_up(delivery, out_of_time=True)
        assert (outcome.ending, outcome.status) == (Ending.HELD, DeliveryStatus.DEFERRED)
    assert (await author.stored(delivery.id)).status is DeliveryStatus.DEFERRED


@pytest.mark.parametrize("event", [Event.RELEASED, Event.DECIDED])
async def test_what_was_let_go_has_a_week_from_then_on(
    scripted: Dispatcher, database: Database, delivery: Delivery, event: Event
) -> None:
    await put_off(scripted, delivery, "quota_exhausted")
    async with database.transaction() as session:
        await timeline.append(session, delivery.post_id, event, delivery_id=delivery.id)
    outcome = await scripted.give_up(delivery, out_of_time=True)
    assert outcome.ending is Ending.HELD
    await scripted.pass_time(A_WEEK)
    outcome = await scripted.give_up(delivery, out_of_time=True)
    assert (outcome.ending, outcome.status) == (Ending.SETTLED, DeliveryStatus.FAILED)


async def test_what_waits_for_its_network_is_given_up_in_the_end(
    scripted: Dispatcher, delivery: Delivery
) -> None:
    await put_off(scripted, delivery, "quota_exhausted")
    outcome = await scripted.give_up(delivery, out_of_time=True)
    assert (outcome.ending, outcome.status) == (Ending.SETTLED, DeliveryStatus.FAILED)


async def test_what_is_held_and_fails_for_another_reason_is_given_up(
    scripted: Dispatcher, delivery: Delivery
) -> None:
    await put_off(scripted, delivery, HELD)
    outcome = await scripted.give_up(delivery)
    assert (outcome.ending, outcome.status) == (Ending.SETTLED, DeliveryStatus.FAILED)
