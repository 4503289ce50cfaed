"""A delivery that its own activity could not settle is closed by what its attempts prove."""

import pytest

from domain.content import Content
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage.delivery_state import OpenAttempt
from storage.posts import Delivery
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import SearchableNetwork, receipt
from tests.activities.written_posts import Author


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
