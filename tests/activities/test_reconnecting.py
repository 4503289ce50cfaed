"""Deliveries whose account broke wait for their user; connected again, they go out once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.decisions import AT_ONCE, RECONNECT_PATIENCE, RECONNECT_POLL
from domain.content import Content
from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from domain.receipts import Receipt
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    CredentialsExpired,
    NetworkError,
    RateLimited,
    TryLater,
)
from storage.account_access import AccountStore
from storage.database import Database
from storage.posts import Delivery
from storage.tables import AccountRow, DeliveryRow
from tests.activities.conftest import Networks
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import (
    SearchableNetwork,
    TwoStepNetwork,
    receipt,
    refusal,
)
from tests.activities.written_posts import Author

POLL = ("Reconnect", RECONNECT_POLL.total_seconds())
CONNECTED_AGAIN = {"access_token": "connected again"}


@pytest.fixture
async def delivery(author: Author) -> Delivery:
    """A delivery to the searchable network, due now."""
    return (await author.write(await author.connect(Network.X))).deliveries[0]


@pytest.fixture
async def commented(author: Author) -> Delivery:
    """The same, with a comment to hang under it."""
    content = Content(text="Bread", first_comment="And rolls")
    account = await author.connect(Network.X)
    return (await author.write(account, content=content)).deliveries[0]


async def account_of(database: Database, delivery: Delivery) -> AccountRow:
    """The account that it goes to."""
    async with database.transaction() as session:
        row = await session.get(AccountRow, delivery.account_id)
    assert row is not None
    return row


async def waiting(dispatcher: Dispatcher, author: Author, delivery: Delivery) -> DeliveryRow:
    """The delivery's row after one dispatch, which has to leave it waiting for its user."""
    before = dispatcher.clock()
    with pytest.raises(ApplicationError) as raised:
        await dispatcher.publish_once(delivery)
    assert (raised.value.type, raised.value.non_retryable) == ("Reconnect", False)
    assert raised.value.next_retry_delay == RECONNECT_POLL
    stored = await author.stored(delivery.id)
    assert stored.status is DeliveryStatus.DEFERRED
    assert (stored.reason or {})["type"] == "account_disconnected"
    assert stored.deferred_until is not None
    assert stored.deferred_until >= before + RECONNECT_POLL
    return stored


class TestWaiting:
    """It costs no try, holds nothing, and goes on where it stopped."""

    @pytest.mark.parametrize("network", [Network.X, Network.FACEBOOK, Network.MASTODON])
    async def test_a_revoked_account_waits_for_its_user(
        self,
        dispatcher: Dispatcher,
        networks: Networks,
        author: Author,
        database: Database,
        network: Network,
    ) -> None:
        account = await networks.connect(network)
        (delivery,) = (await author.write(account)).deliveries
        (other,) = (await author.write(account, content=Content(text="Rolls at 8"))).deliveries
        await networks.fault(account, "token_revoked", operation="publish")
        told = (await waiting(dispatcher, author, delivery)).reason or {}
        row = await account_of(database, delivery)
        assert (row.status, row.status_reason) == ("reconnect", told["message"])
        await waiting(dispatcher, author, other)
        assert (await account_of(database, delivery)).status_reason == told["message"]
        assert (await author.post(other.post_id)).status is PostStatus.PUBLISHING
        assert await networks.public(account) == []
        await networks.connect_again(account)
        for one in (delivery, other):
            published = await dispatcher.publish(one)
            assert published.waits == []
            assert published.outcome.status is DeliveryStatus.PUBLISHED
            stored = await author.stored(one.id)
            assert (stored.reason, stored.deferred_until) == (None, None)
        texts = [one["text"] for one in await networks.public(account)]
        assert texts == ["Fresh bread at 7", "Rolls at 8"]

    async def test_it_costs_no_try(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        delivery: Delivery,
        author: Author,
    ) -> None:
        searchable.sends.then(refusal(TryLater), refusal(AccountDisconnected))
        searchable.sends.then(refusal(TryLater), receipt())
        polls = 0

        async def connect_at_last(_: timedelta) -> None:
            nonlocal polls
            polls += 1
            if polls == 8:
                await author.connect_again(delivery.account_id)

        published = await scripted.publish(delivery, before_each=connect_at_last)
        assert published.waited == [("TryLater", 30), *[POLL] * 7, ("TryLater", 60)]
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        assert len(searchable.sent) == 4
        assert searchable.spoke_with[-1] == CONNECTED_AGAIN
        assert (await scripted.store.load(delivery.id)).tries == {0: 3}

    async def test_a_refresh_that_is_refused_for_good_waits_too(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        database: Database,
        delivery: Delivery,
    ) -> None:
        searchable.sends.then(refusal(CredentialsExpired), receipt())
        searchable.refreshes.then(refusal(AccountDisconnected))
        await waiting(scripted, author, delivery)
        row = await account_of(database, delivery)
        assert (row.status, row.refresh_lease_until) == ("reconnect", None)
        await author.connect_again(delivery.account_id)
        published = await scripted.publish(delivery)
        assert published.waits == []
        assert published.outcome.status is DeliveryStatus.PUBLISHED

    async def test_what_was_prepared_is_kept(
        self, scripted: Dispatcher, two_step: TwoStepNetwork, author: Author
    ) -> None:
        two_step.needs_media = True
        (delivery,) = (await author.write(await author.connect(Network.INSTAGRAM))).deliveries
        two_step.prepares.then({"container": "c1"})
        two_step.sends.then(refusal(AccountDisconnected), receipt())
        await waiting(scripted, author, delivery)
        await author.connect_again(delivery.account_id)
        assert (await scripted.publish(delivery)).waits == []
        assert [one.prepared for one in two_step.sent] == [{"container": "c1"}] * 2

    async def test_it_can_be_cancelled_meanwhile(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        delivery: Delivery,
    ) -> None:
        searchable.sends.then(refusal(AccountDisconnected))
        await waiting(scripted, author, delivery)
        await author.cancel(delivery.post_id)
        await author.connect_again(delivery.account_id)
        cancelled = await scripted.publish(delivery)
        assert cancelled.outcome.status is DeliveryStatus.CANCELLED
        assert len(searchable.sent) == 1


class TestConnectedMeanwhile:
    """What is learnt of replaced credentials says nothing of the new ones."""

    @pytest.mark.parametrize("error", [AccountDisconnected, AccountBlocked])
    async def test_an_account_connected_during_the_send_stays_connected(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        database: Database,
        delivery: Delivery,
        error: type[NetworkError],
    ) -> None:
        searchable.sends.then(self.connected_first(author, delivery, refusal(error)), receipt())
        await scripted.publish(delivery)
        row = await account_of(database, delivery)
        assert (row.status, row.status_reason) == ("connected", None)

    async def test_it_is_tried_with_the_new_credentials_at_once(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        delivery: Delivery,
    ) -> None:
        answer = self.connected_first(author, delivery, refusal(AccountDisconnected))
        searchable.sends.then(answer, receipt())
        published = await scripted.publish(delivery)
        assert published.waited == [("Reconnect", AT_ONCE.total_seconds())]
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        assert searchable.spoke_with[-1] == CONNECTED_AGAIN

    def connected_first(
        self, author: Author, delivery: Delivery, error: NetworkError
    ) -> Callable[[], Awaitable[Receipt]]:
        """A send during which the user connects the account again."""

        async def answer() -> Receipt:
            await author.connect_again(delivery.account_id)
            raise error

        return answer


class TestGivingUp:
    """It does not wait longer than anybody wants the post."""

    async def test_after_a_day_it_fails_with_the_reason(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        delivery: Delivery,
    ) -> None:
        searchable.sends.then(refusal(AccountDisconnected, "The permission was taken away."))

        async def a_day(_: timedelta) -> None:
            scripted.clock.jump(RECONNECT_PATIENCE)

        failed = await scripted.publish(delivery, before_each=a_day)
        assert failed.waited == [POLL]
        assert failed.outcome.status is DeliveryStatus.FAILED
        reason = (await author.stored(delivery.id)).reason or {}
        assert reason["type"] == "account_disconnected"
        assert reason["message"] == "The account corner_bakery has to be connected again."
        assert (await author.timeline(delivery.post_id))[-1].event == "failed"
        assert (await author.post(delivery.post_id)).status is PostStatus.FAILED

    async def test_a_removed_account_fails_at_once(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        database: Database,
        delivery: Delivery,
    ) -> None:
        await author.disconnect(delivery.account_id)
        await self.fails_as_removed(scripted, author, delivery)
        assert searchable.sent == []
        row = await account_of(database, delivery)
        assert (row.status, row.status_reason) == ("disconnected", None)

    async def test_an_account_removed_while_its_post_waits_fails_it(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        delivery: Delivery,
    ) -> None:
        searchable.sends.then(refusal(AccountDisconnected))
        await waiting(scripted, author, delivery)
        await author.disconnect(delivery.account_id)
        await self.fails_as_removed(scripted, author, delivery)

    async def fails_as_removed(
        self, dispatcher: Dispatcher, author: Author, delivery: Delivery
    ) -> None:
        """Without another wait, and in words that its author understands."""
        failed = await dispatcher.publish(delivery)
        assert failed.waits == []
        assert failed.outcome.status is DeliveryStatus.FAILED
        assert (await author.stored(delivery.id)).reason == {
            "type": "account_removed",
            "message": "The account corner_bakery was disconnected here while posts waited for it.",
            "evidence": {"operation": "account"},
        }


class TestComments:
    """The post is public; its comment waits for the account like any delivery."""

    async def test_a_comment_goes_out_when_the_account_is_connected_again(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        database: Database,
        commented: Delivery,
    ) -> None:
        await self.break_before_the_comment(scripted, searchable, database, commented)
        stored = await waiting(scripted, author, commented)
        assert stored.permalink == receipt().permalink
        await author.connect_again(commented.account_id)
        searchable.sends.then(receipt(2))
        published = await scripted.publish(commented)
        assert published.waits == []
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        assert (await author.stored(commented.id)).reason is None
        assert [one.piece.text for one in searchable.sent] == ["Bread", "And rolls", "And rolls"]

    async def test_a_comment_that_nobody_wants_any_more_is_told(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        database: Database,
        commented: Delivery,
    ) -> None:
        await self.break_before_the_comment(scripted, searchable, database, commented)
        await waiting(scripted, author, commented)
        scripted.clock.jump(RECONNECT_PATIENCE)
        await self.ends_without_it(scripted, author, commented, "account_disconnected")

    async def test_a_comment_of_a_removed_account_is_told(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        database: Database,
        commented: Delivery,
    ) -> None:
        await self.break_before_the_comment(scripted, searchable, database, commented)
        await author.disconnect(commented.account_id)
        await self.ends_without_it(scripted, author, commented, "account_removed")

    async def break_before_the_comment(
        self,
        dispatcher: Dispatcher,
        network: SearchableNetwork,
        database: Database,
        delivery: Delivery,
    ) -> None:
        """Publish the post, let its comment wait, and the account break meanwhile."""
        network.sends.then(receipt(), refusal(RateLimited))
        with pytest.raises(ApplicationError) as raised:
            await dispatcher.publish_once(delivery)
        assert raised.value.type == "RateLimited"
        await AccountStore(database).mark(delivery.account_id, "reconnect", "Gone.")

    async def ends_without_it(
        self, dispatcher: Dispatcher, author: Author, delivery: Delivery, told: str
    ) -> None:
        """Published, with what became of the comment."""
        ended = await dispatcher.publish(delivery)
        assert ended.waits == []
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        stored = await author.stored(delivery.id)
        assert (stored.permalink, stored.deferred_until) == (receipt().permalink, None)
        assert (stored.reason or {})["type"] == told
        assert (await author.timeline(delivery.post_id))[-1].event == "comment_failed"
        assert (await author.post(delivery.post_id)).status is PostStatus.PUBLISHED
