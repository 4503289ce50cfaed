"""A crowd of one second: claimed together ahead of it, released when it comes, never before."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio.exceptions import ApplicationError

from activities.departures import RELEASED_AHEAD
from activities.seats import MOST, fair_departures
from activities.sending import CLAIM_LIFETIME
from activities.settling import PUNCTUALITY
from contracts.failures import FailureType
from contracts.publishing import PublishOutcome
from domain.deliveries import DeliveryStatus
from domain.ids import new_id
from domain.networks import Network
from domain.receipts import Receipt
from networks.protocol import Outgoing, Target
from storage.admission import Candidate, Refusal
from storage.claims import Claim, forget_departures
from storage.database import Database
from storage.delivery_state import OpenAttempt
from storage.outcomes import Reason
from storage.posts import Delivery
from storage.tables import DepartureRow
from tests.activities.conftest import NewDispatcher
from tests.activities.dispatcher import Dispatcher, eventually
from tests.activities.scripted_adapter import SearchableNetwork
from tests.activities.written_posts import Author
from tests.patience import PATIENCE

AN_HOUR = timedelta(hours=1)
CROWD = 3
JUST = timedelta(milliseconds=400)
"""Before its second a crowd is claimed."""


@pytest.fixture
def crowded(new_dispatcher: NewDispatcher, searchable: SearchableNetwork) -> Dispatcher:
    """A worker to which three are a crowd."""
    return new_dispatcher({searchable.network: searchable}, crowd=CROWD)


@pytest.fixture
async def deliveries(author: Author) -> list[Delivery]:
    """A crowd for one second in an hour."""
    account = await author.connect(Network.X)
    publish_at = datetime.now(UTC) + AN_HOUR
    posts = [await author.write(account, publish_at=publish_at) for _ in range(CROWD)]
    return [post.deliveries[0] for post in posts]


def receipts(number: int) -> list[Receipt]:
    """As many, each its own."""
    return [Receipt(remote_id=str(new_id()), permalink=None) for _ in range(number)]


async def arm(
    dispatcher: Dispatcher, author: Author, deliveries: Sequence[Delivery]
) -> "asyncio.Future[list[PublishOutcome]]":
    """Their dispatches, once all of them wait."""
    dispatches = asyncio.gather(*(dispatcher.publish_once(one) for one in deliveries))
    await until_all(author, deliveries, DeliveryStatus.ARMED)
    return dispatches


async def until_all(author: Author, deliveries: Sequence[Delivery], status: DeliveryStatus) -> None:
    """Return once each of them has it."""

    async def have_it() -> bool:
        return {(await author.stored(one.id)).status for one in deliveries} == {status}

    await eventually(have_it)


async def claim_ahead(
    dispatcher: Dispatcher, author: Author, deliveries: Sequence[Delivery], at: timedelta = JUST
) -> datetime:
    """Let time stand shortly before their second until they are claimed; their second."""
    second = deliveries[0].publish_at
    assert second is not None
    dispatcher.clock.stand(second - at)
    await until_all(author, deliveries, DeliveryStatus.SENDING)
    return second


async def departures(database: Database) -> list[DepartureRow]:
    """All that were written down."""
    async with database.transaction() as session:
        return list((await session.scalars(select(DepartureRow))).all())


async def test_a_crowd_is_claimed_before_its_second_and_sent_after_it(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    database: Database,
    deliveries: list[Delivery],
) -> None:
    left: list[datetime] = []

    async def send() -> Receipt:
        left.append(crowded.clock())
        return receipts(1)[0]

    searchable.sends.then(*[send] * CROWD)
    dispatches = await arm(crowded, author, deliveries)
    await claim_ahead(crowded, author, deliveries)
    crowded.clock.go_on()
    assert {one.status for one in await dispatches} == {DeliveryStatus.PUBLISHED}
    [departure] = await departures(database)
    assert departure.released_at is not None
    for delivery in deliveries:
        stored = await author.stored(delivery.id)
        assert stored.sent_at is not None
        assert stored.sent_at >= departure.leaves_at
        [claimed] = [
            one.at for one in await author.timeline(delivery.post_id) if one.event == "sending"
        ]
        assert claimed < departure.released_at
    assert min(left) >= departure.leaves_at


async def test_its_requests_are_composed_before_its_second(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    composed: list[Outgoing] = []
    send = searchable.send

    def compose(target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        composed.append(outgoing)
        return send(target, outgoing)

    monkeypatch.setattr(searchable, "send", compose)
    searchable.sends.then(*receipts(CROWD))
    dispatches = await arm(crowded, author, deliveries)
    await claim_ahead(crowded, author, deliveries)

    async def all_are_composed() -> bool:
        return len(composed) == CROWD

    await eventually(all_are_composed)
    assert searchable.sent == []
    crowded.clock.go_on()
    assert {one.status for one in await dispatches} == {DeliveryStatus.PUBLISHED}
    assert len(searchable.sent) == len(composed) == CROWD


async def test_nothing_leaves_before_its_second_however_early_a_timer_ends(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    database: Database,
    deliveries: list[Delivery],
) -> None:
    searchable.sends.then(*receipts(CROWD))
    dispatches = await arm(crowded, author, deliveries)
    second = await claim_ahead(crowded, author, deliveries)
    crowded.clock.stand(second - RELEASED_AHEAD / 2)

    async def is_released() -> bool:
        return all(one.released_at for one in await departures(database))

    await eventually(is_released)
    await asyncio.sleep(10 * RELEASED_AHEAD.total_seconds())  # while the clock stands
    assert searchable.sent == []
    crowded.clock.go_on()
    assert {one.status for one in await dispatches} == {DeliveryStatus.PUBLISHED}
    for delivery in deliveries:
        sent_at = (await author.stored(delivery.id)).sent_at
        assert sent_at is not None
        assert sent_at >= second


async def test_one_that_cannot_be_composed_holds_up_nobody(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = searchable.send
    first: list[Outgoing] = []

    def compose(target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        if not first:
            first.append(outgoing)
            raise KeyError("access_token")
        return send(target, outgoing)

    monkeypatch.setattr(searchable, "send", compose)
    searchable.sends.then(*receipts(CROWD - 1))
    waiting = [asyncio.create_task(crowded.publish_once(one)) for one in deliveries]
    await until_all(author, deliveries, DeliveryStatus.ARMED)
    await claim_ahead(crowded, author, deliveries)
    crowded.clock.go_on()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in ended].count(KeyError) == 1
    assert len(searchable.sent) == CROWD - 1
    statuses = sorted([(await author.stored(one.id)).status for one in deliveries])
    assert statuses == sorted([DeliveryStatus.SENDING, *[DeliveryStatus.PUBLISHED] * (CROWD - 1)])


async def test_where_claiming_is_slow_a_crowd_is_claimed_longer_ahead(
    new_dispatcher: NewDispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
) -> None:
    """As it is where many workers share one database."""
    slow = new_dispatcher(
        {searchable.network: searchable}, crowd=CROWD, claimed_per_second=CROWD / 10
    )
    searchable.sends.then(*receipts(CROWD))
    dispatches = await arm(slow, author, deliveries)
    await claim_ahead(slow, author, deliveries, timedelta(seconds=9))
    assert not dispatches.done()
    slow.clock.jump(timedelta(seconds=9))
    assert {one.status for one in await dispatches} == {DeliveryStatus.PUBLISHED}


async def test_a_server_that_lets_nobody_in_ahead_does_not_make_them_late(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    async def hang(target: Target, requests: int) -> None:
        asked.append(requests)
        await asyncio.Event().wait()

    monkeypatch.setattr(searchable, "warm", hang)
    searchable.sends.then(*receipts(CROWD))
    dispatches = await arm(crowded, author, deliveries)
    await claim_ahead(crowded, author, deliveries)
    crowded.clock.go_on()
    ends = await asyncio.wait_for(dispatches, PATIENCE)
    assert {one.status for one in ends} == {DeliveryStatus.PUBLISHED}
    assert asked == [CROWD]


async def test_fewer_are_claimed_at_their_second(
    new_dispatcher: NewDispatcher,
    searchable: SearchableNetwork,
    author: Author,
    database: Database,
    deliveries: list[Delivery],
) -> None:
    alone = new_dispatcher({searchable.network: searchable}, crowd=CROWD + 1)
    searchable.sends.then(*receipts(CROWD))
    dispatches = await arm(alone, author, deliveries)
    alone.clock.jump(AN_HOUR - RELEASED_AHEAD - timedelta(seconds=0.1))
    assert {one.status for one in await dispatches} == {DeliveryStatus.PUBLISHED}
    assert await departures(database) == []


async def test_one_that_was_cancelled_does_not_go_with_the_others(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
) -> None:
    searchable.sends.then(*receipts(CROWD - 1))
    dispatches = await arm(crowded, author, deliveries)
    await author.cancel(deliveries[0].post_id)
    crowded.clock.jump(AN_HOUR)
    ends = [one.status for one in await dispatches]
    assert ends == [DeliveryStatus.CANCELLED, *[DeliveryStatus.PUBLISHED] * (CROWD - 1)]


async def claimed_by_a_worker_that_died(
    dispatcher: Dispatcher, deliveries: Sequence[Delivery], *, released: bool
) -> None:
    """Claim them ahead as a worker does that is killed then."""
    departure_id = new_id()
    states = [await dispatcher.store.arm(one.id) for one in deliveries]
    claims = [
        Claim(
            state=state,
            part=0,
            evidence={},
            leaves_at=state.publish_at,
            departure_id=departure_id,
        )
        for state in states
    ]
    won = await dispatcher.store.claim_together(claims)
    assert all(isinstance(one, OpenAttempt) for one in won)
    if released:
        assert await dispatcher.store.release(departure_id)


async def test_a_worker_that_dies_before_the_second_has_sent_nothing(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
) -> None:
    await claimed_by_a_worker_that_died(crowded, deliveries, released=False)
    crowded.clock.jump(AN_HOUR)
    searchable.sends.then(*receipts(CROWD))
    for delivery in deliveries:
        ended = await crowded.publish(delivery)
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        attempts = await author.attempts(delivery.id)
        assert [(one.outcome, one.counted) for one in attempts] == [
            ("not_sent", False),
            ("published", True),
        ]
    assert searchable.looked_for == []


async def test_its_second_is_given_time_before_it_is_taken_for_dead(
    crowded: Dispatcher, searchable: SearchableNetwork, deliveries: list[Delivery]
) -> None:
    await claimed_by_a_worker_that_died(crowded, deliveries, released=False)
    assert deliveries[0].publish_at is not None
    crowded.clock.stand(deliveries[0].publish_at)
    searchable.sends.then(*receipts(1))
    ended = await crowded.publish(deliveries[0])
    [(failure, seconds)] = ended.waited
    assert failure == FailureType.OUTCOME_UNKNOWN
    assert 0 < seconds <= PUNCTUALITY.total_seconds()


async def test_what_was_released_may_have_left_and_is_looked_for(
    crowded: Dispatcher, searchable: SearchableNetwork, deliveries: list[Delivery]
) -> None:
    await claimed_by_a_worker_that_died(crowded, deliveries, released=True)
    crowded.clock.jump(AN_HOUR + PUNCTUALITY)
    searchable.finds.then(*receipts(1))
    ended = await crowded.publish(deliveries[0])
    assert ended.outcome.status is DeliveryStatus.PUBLISHED
    assert searchable.sent == []


async def test_a_departure_that_was_revoked_sends_nothing(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = crowded.store.release

    async def come_too_late(departure_id: UUID) -> bool:
        assert await crowded.store.revoke(departure_id)
        return await release(departure_id)

    monkeypatch.setattr(crowded.store, "release", come_too_late)
    dispatches = await arm(crowded, author, deliveries)
    crowded.clock.stand(await claim_ahead(crowded, author, deliveries))
    # Each finds its own attempt open, and goes after all once that is proven never to have left.
    with pytest.raises(ApplicationError, match="second that has not passed"):
        await dispatches
    assert searchable.sent == []
    searchable.sends.then(*receipts(CROWD))
    for delivery in deliveries:
        assert (await crowded.publish(delivery)).outcome.status is DeliveryStatus.PUBLISHED
    assert len(searchable.sent) == CROWD


async def test_a_worker_that_stood_still_for_long_releases_nothing(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    database: Database,
    deliveries: list[Delivery],
) -> None:
    searchable.sends.then(*receipts(CROWD))
    dispatches = await arm(crowded, author, deliveries)
    await claim_ahead(crowded, author, deliveries)
    crowded.clock.jump(CLAIM_LIFETIME * 2)
    assert {one.status for one in await dispatches} == {DeliveryStatus.PUBLISHED}
    [departure] = await departures(database)
    assert departure.released_at is None
    assert departure.revoked_at is not None
    assert searchable.looked_for == []


async def test_old_departures_are_forgotten_and_recent_ones_kept(
    crowded: Dispatcher, deliveries: list[Delivery], database: Database
) -> None:
    await claimed_by_a_worker_that_died(crowded, deliveries, released=False)
    [departure] = await departures(database)
    async with database.transaction() as session:
        assert await forget_departures(session, before=departure.leaves_at, limit=10) == 0
    async with database.transaction() as session:
        later = departure.leaves_at + timedelta(seconds=1)
        assert await forget_departures(session, before=later, limit=10) == 1
    assert await departures(database) == []


async def test_of_release_and_revoke_the_first_counts(
    crowded: Dispatcher, deliveries: list[Delivery], database: Database
) -> None:
    await claimed_by_a_worker_that_died(crowded, deliveries, released=False)
    [departure] = await departures(database)
    told = await asyncio.gather(
        crowded.store.release(departure.id), crowded.store.revoke(departure.id)
    )
    assert sorted(told) == [False, True]
    assert await crowded.store.revoke(departure.id) is told[1]
    assert await crowded.store.release(departure.id) is told[0]


async def test_two_dispatches_of_one_delivery_send_it_once(
    crowded: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    deliveries: list[Delivery],
) -> None:
    searchable.sends.then(*receipts(CROWD))
    dispatches = await arm(crowded, author, [*deliveries, deliveries[0]])
    crowded.clock.stand(await claim_ahead(crowded, author, deliveries))
    with pytest.raises(ApplicationError, match="second that has not passed"):
        await dispatches
    await until_all(author, deliveries, DeliveryStatus.PUBLISHED)
    assert len(searchable.sent) == CROWD


class TestFairness:
    """Whose turn it is when a second is crowded."""

    async def test_workspaces_leave_in_turn_and_the_urgent_first(
        self, crowded: Dispatcher, author: Author, deliveries: list[Delivery]
    ) -> None:
        state = await crowded.store.load(deliveries[0].id)
        target = Target(
            account_id=state.account.account_id, remote_id="1", handle="a", credentials={}
        )
        big, small = new_id(), new_id()
        seats = [
            crowded.departures.book(
                replace(state, workspace_id=workspace, priority=priority), target, 0, {}
            )
            for workspace, priority in [*[(big, 3)] * (MOST * 2), (small, 3), (big, 1)]
        ]
        first, *_ = list(fair_departures(seats))
        order = [(one.state.workspace_id, one.state.priority) for one in first[:3]]
        assert order == [(big, 1), (big, 3), (small, 3)]
        assert len(first) == MOST


class Nobody:
    """Admits nobody."""

    def __init__(self, until: datetime) -> None:
        """Until then."""
        self._until = until

    async def refused(
        self, session: object, candidates: Sequence[Candidate]
    ) -> dict[UUID, Refusal]:
        """Everybody."""
        reason = Reason(type="held", message="Somebody holds X.", evidence={})
        return {one.delivery_id: Refusal(until=self._until, reason=reason) for one in candidates}


async def test_who_is_not_admitted_waits_and_holds_no_slot(
    new_dispatcher: NewDispatcher, searchable: SearchableNetwork, author: Author
) -> None:
    until = datetime.now(UTC) + AN_HOUR
    held = new_dispatcher({searchable.network: searchable}, admission=Nobody(until))
    post = await author.write(await author.connect(Network.X))
    with pytest.raises(ApplicationError, match="Somebody holds X") as raised:
        await held.publish_once(post.deliveries[0])
    assert raised.value.type == FailureType.NOT_ADMITTED
    stored = await author.stored(post.deliveries[0].id)
    assert (stored.status, stored.deferred_until) == (DeliveryStatus.DEFERRED, until)
    assert await author.attempts(post.deliveries[0].id) == []
    assert searchable.sent == []
