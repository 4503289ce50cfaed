"""A network that says no: waits by its word or by the plan, repairs or gives up clearly."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, update
from temporalio.exceptions import ApplicationError

from activities.decisions import AT_ONCE, REFRESH_POLL
from domain.content import Content, ThreadPart
from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from domain.receipts import Receipt
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    MediaNotReady,
    NetworkError,
    PreparationLost,
    RateLimited,
    TryLater,
)
from networks.protocol import Connection, Outgoing, Target
from runtime.resources import Resources
from storage.account_access import AccountStore
from storage.database import Database
from storage.delivery_state import OpenAttempt
from storage.posts import Delivery
from storage.tables import AccountRow
from tests.activities.conftest import Networks, NewDispatcher
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

COMMENTED = Content(text="Bread", first_comment="And rolls")


@pytest.fixture
async def delivery(author: Author) -> Delivery:
    """A delivery to the searchable network, due now."""
    return (await author.write(await author.connect(Network.X))).deliveries[0]


@pytest.fixture
async def pictured(author: Author, two_step: TwoStepNetwork) -> Delivery:
    """A delivery that has something to prepare, due now."""
    two_step.needs_media = True
    return (await author.write(await author.connect(Network.INSTAGRAM))).deliveries[0]


async def account_of(database: Database, delivery: Delivery) -> AccountRow:
    """The account that it goes to."""
    async with database.transaction() as session:
        row = await session.get(AccountRow, delivery.account_id)
    assert row is not None
    return row


def expiring_in(ahead: timedelta) -> Connection:
    """A connection whose token ends then."""
    return Connection(
        remote_id="1",
        handle="corner_bakery",
        display_name="Corner bakery",
        credentials={"access_token": "ending"},
        expires_at=datetime.now(UTC) + ahead,
    )


class ExpiringNetwork(SearchableNetwork):
    """Takes renewed credentials only."""

    async def send(self, target: Target, outgoing: Outgoing) -> Receipt:
        """By what the target brings."""
        if target.credentials != renewed().credentials:
            raise refusal(CredentialsExpired)
        return receipt(outgoing.attempt_id.int)


class TestRateLimits:
    """A rate limit is waited for as long as the network says, and costs nothing."""

    async def test_the_networks_time_is_kept(
        self, dispatcher: Dispatcher, networks: Networks, author: Author
    ) -> None:
        account = await networks.connect(Network.MASTODON)
        (delivery,) = (await author.write(account)).deliveries
        await networks.fault(account, "rate_limited", operation="publish", retry_after_seconds=400)
        before = dispatcher.clock()
        with pytest.raises(ApplicationError) as raised:
            await dispatcher.publish_once(delivery)
        assert (raised.value.type, raised.value.non_retryable) == ("RateLimited", False)
        assert raised.value.next_retry_delay is not None
        assert 390 <= raised.value.next_retry_delay.total_seconds() <= 400
        stored = await author.stored(delivery.id)
        assert stored.status is DeliveryStatus.DEFERRED
        assert stored.deferred_until is not None
        assert stored.deferred_until >= before + timedelta(seconds=390)
        assert (stored.reason or {})["type"] == "rate_limited"
        assert await networks.public(account) == []
        published = await dispatcher.publish(delivery)
        assert published.waits == []
        assert len(await networks.public(account)) == 1

    async def test_it_costs_no_try(
        self, scripted: Dispatcher, searchable: SearchableNetwork, delivery: Delivery
    ) -> None:
        searchable.sends.then(*[refusal(RateLimited)] * 6, receipt())
        published = await scripted.publish(delivery)
        assert published.waited == [("RateLimited", 900)] * 6
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        assert (await scripted.store.load(delivery.id)).tries == {0: 1}

    async def test_waiting_for_media_costs_no_try_either(
        self, scripted: Dispatcher, two_step: TwoStepNetwork, pictured: Delivery
    ) -> None:
        two_step.prepares.then(refusal(RateLimited), *[refusal(MediaNotReady)] * 5)
        two_step.prepares.then(refusal(TryLater), {"container": "c1"})
        two_step.sends.then(receipt())
        published = await scripted.publish(pictured)
        assert published.waited == [
            ("RateLimited", 900),
            *[("PreparationPending", 5)] * 5,
            ("TryLater", 30),
        ]
        assert published.outcome.status is DeliveryStatus.PUBLISHED


class TestRetryPlan:
    """What a repeat may cure is tried again three times."""

    async def test_the_plan_is_followed_and_then_given_up(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        delivery: Delivery,
    ) -> None:
        searchable.sends.then(*[refusal(TryLater, "Busy.", 409)] * 4)
        failed = await scripted.publish(delivery)
        assert failed.waited == [("TryLater", 30), ("TryLater", 60), ("TryLater", 120)]
        assert failed.outcome.status is DeliveryStatus.FAILED
        stored = await author.stored(delivery.id)
        assert stored.reason == {
            "type": "try_later",
            "message": "Busy.",
            "evidence": {
                "operation": "publish",
                "status": 409,
                "code": "17",
                "request_id": "trace-1",
            },
        }
        attempts = await author.attempts(delivery.id)
        assert [(row.number, row.outcome) for row in attempts] == [
            (number, "not_sent") for number in range(1, 5)
        ]
        assert (await author.post(delivery.post_id)).status is PostStatus.FAILED

    async def test_a_network_that_is_not_there_is_tried_again(
        self, dispatcher: Dispatcher, networks: Networks, author: Author
    ) -> None:
        account = await networks.connect(Network.X)
        (delivery,) = (await author.write(account)).deliveries
        await networks.fault(account, "answer", operation="publish", status=503)
        published = await dispatcher.publish(delivery)
        # A 5xx on the committing call is looked for; it is never read as "not sent".
        assert published.waited[0] == ("OutcomeUnknown", 5)

    async def test_preparing_follows_the_same_plan(
        self,
        scripted: Dispatcher,
        two_step: TwoStepNetwork,
        author: Author,
        pictured: Delivery,
    ) -> None:
        two_step.prepares.then(*[refusal(TryLater)] * 4)
        failed = await scripted.publish(pictured)
        assert failed.waited == [("TryLater", 30), ("TryLater", 60), ("TryLater", 120)]
        assert failed.outcome.status is DeliveryStatus.FAILED
        assert two_step.sent == []

    async def test_dispatches_that_had_other_reasons_do_not_use_it_up(
        self, scripted: Dispatcher, two_step: TwoStepNetwork, pictured: Delivery
    ) -> None:
        two_step.prepares.then(refusal(TryLater), {"container": "c1"})
        two_step.sends.then(receipt())
        with pytest.raises(ApplicationError) as raised:
            await scripted.publish_once(pictured, scripted.environment(attempt=9))
        assert raised.value.next_retry_delay == timedelta(seconds=30)
        assert (await scripted.publish(pictured)).outcome.status is DeliveryStatus.PUBLISHED

    async def test_a_retried_delivery_has_a_plan_of_its_own(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        delivery: Delivery,
    ) -> None:
        searchable.sends.then(*[refusal(TryLater)] * 4)
        await scripted.publish(delivery)
        retry = await author.retry(delivery)
        searchable.sends.then(refusal(TryLater), receipt())
        published = await scripted.publish(retry)
        assert published.waited == [("TryLater", 30)]
        assert published.outcome.status is DeliveryStatus.PUBLISHED


class TestContent:
    """What the network will not take is the user's to change."""

    async def test_it_fails_with_the_networks_reason(
        self,
        dispatcher: Dispatcher,
        networks: Networks,
        author: Author,
        database: Database,
    ) -> None:
        account = await networks.connect(Network.MASTODON)
        content = Content(text="x" * 501)
        (delivery,) = (await author.write(account, content=content)).deliveries
        failed = await dispatcher.publish(delivery)
        assert failed.waits == []
        assert failed.outcome.status is DeliveryStatus.FAILED
        reason = (await author.stored(delivery.id)).reason or {}
        assert (reason["type"], reason["evidence"]["status"]) == ("content_refused", 422)
        assert reason["message"].startswith("The Mastodon server does not take this post")
        assert (await account_of(database, delivery)).status == "connected"
        assert await networks.public(account) == []


class TestCredentials:
    """Expired is refreshed by one worker; revoked is told to the user."""

    @pytest.mark.parametrize("network", [Network.X, Network.BLUESKY])
    async def test_an_expired_token_is_refreshed_and_the_post_goes_out(
        self,
        dispatcher: Dispatcher,
        networks: Networks,
        author: Author,
        database: Database,
        network: Network,
    ) -> None:
        account = await networks.connect(network)
        (delivery,) = (await author.write(account)).deliveries
        await networks.fault(account, "token_expired", operation="publish")
        published = await dispatcher.publish(delivery)
        assert published.waited == [("TryLater", AT_ONCE.total_seconds())]
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        assert len(await networks.public(account)) == 1
        row = await account_of(database, delivery)
        assert (row.status, row.credentials_version) == ("connected", 2)
        assert row.refresh_lease_until is None

    @pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(seconds=30)])
    async def test_a_token_that_would_not_last_is_renewed_before_the_second(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        ahead: timedelta,
    ) -> None:
        account = await author.connect(Network.X, expiring_in(ahead))
        (delivery,) = (await author.write(account)).deliveries
        searchable.refreshes.then(renewed())
        searchable.sends.then(receipt())
        published = await scripted.publish(delivery)
        assert published.waits == []
        assert searchable.spoke_with == [renewed().credentials]

    async def test_a_token_that_lasts_is_left_alone(
        self, scripted: Dispatcher, searchable: SearchableNetwork, author: Author
    ) -> None:
        account = await author.connect(Network.X, expiring_in(timedelta(minutes=5)))
        (delivery,) = (await author.write(account)).deliveries
        searchable.sends.then(receipt())
        assert (await scripted.publish(delivery)).waits == []

    @pytest.mark.parametrize("error", [TryLater, AccountDisconnected])
    async def test_a_token_that_cannot_be_renewed_ahead_is_tried_as_it_is(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        error: type[NetworkError],
    ) -> None:
        account = await author.connect(Network.X, expiring_in(timedelta(seconds=30)))
        (delivery,) = (await author.write(account)).deliveries
        searchable.refreshes.then(refusal(error))
        searchable.sends.then(receipt())
        published = await scripted.publish(delivery)
        assert published.waits == []
        assert searchable.spoke_with == [{"access_token": "ending"}]

    async def test_only_the_credentials_of_a_refresh_are_kept(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        delivery: Delivery,
        database: Database,
        resources: Resources,
    ) -> None:
        before = await account_of(database, delivery)
        searchable.sends.then(refusal(CredentialsExpired), receipt())
        searchable.refreshes.then(renewed(access_token="new"))
        await scripted.publish(delivery)
        after = await account_of(database, delivery)
        assert resources.vault.decrypt(after.credentials) == {"access_token": "new"}
        assert searchable.spoke_with[-1] == {"access_token": "new"}
        for name in ("remote_id", "handle", "display_name", "base_url", "status"):
            assert getattr(after, name) == getattr(before, name)

    async def test_of_many_deliveries_one_refreshes(
        self, new_dispatcher: NewDispatcher, author: Author, database: Database
    ) -> None:
        network = ExpiringNetwork()
        account = await author.connect(Network.X)
        deliveries = [(await author.write(account)).deliveries[0] for _ in range(5)]
        workers = [new_dispatcher({Network.X: network}) for _ in deliveries]
        somebody_waits = asyncio.Event()

        async def slowly() -> Connection:
            await somebody_waits.wait()
            return renewed()

        async def is_renewed() -> bool:
            return (await account_of(database, deliveries[0])).credentials_version == 2

        async def wait_for_it(_: timedelta) -> None:
            somebody_waits.set()
            await eventually(is_renewed)

        network.refreshes.then(slowly)
        ended = await asyncio.gather(
            *(
                worker.publish(delivery, before_each=wait_for_it)
                for worker, delivery in zip(workers, deliveries, strict=True)
            )
        )
        assert {one.outcome.status for one in ended} == {DeliveryStatus.PUBLISHED}
        assert network.refreshes.is_over
        assert await is_renewed()

    async def test_waiting_for_another_workers_refresh_costs_no_try(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        delivery: Delivery,
        database: Database,
    ) -> None:
        assert await AccountStore(database).begin_refresh(delivery.account_id, 1)
        searchable.sends.then(*[refusal(CredentialsExpired)] * 6, receipt())
        polls = 0

        async def finish_at_last(_: timedelta) -> None:
            nonlocal polls
            polls += 1
            if polls == 6:
                async with database.transaction() as session:
                    await session.execute(
                        update(AccountRow).values(credentials_version=2, refresh_lease_until=None)
                    )

        published = await scripted.publish(delivery, before_each=finish_at_last)
        assert published.waited == [("TryLater", REFRESH_POLL.total_seconds())] * 6
        assert published.outcome.status is DeliveryStatus.PUBLISHED

    async def test_a_refresh_whose_worker_died_is_taken_over(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        delivery: Delivery,
        database: Database,
    ) -> None:
        async with database.transaction() as session:
            ended = func.now() - timedelta(seconds=1)
            await session.execute(update(AccountRow).values(refresh_lease_until=ended))
        searchable.sends.then(refusal(CredentialsExpired), receipt())
        searchable.refreshes.then(renewed())
        published = await scripted.publish(delivery)
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        assert searchable.refreshes.is_over

    @pytest.mark.parametrize("credentials", [{"access_token": ""}, {}])
    async def test_an_empty_token_never_replaces_a_good_one(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        delivery: Delivery,
        database: Database,
        credentials: dict[str, str],
    ) -> None:
        before = await account_of(database, delivery)
        empty = Connection(remote_id="1", handle="h", display_name="d", credentials=credentials)
        searchable.sends.then(refusal(CredentialsExpired), receipt())
        searchable.refreshes.then(empty)
        published = await scripted.publish(delivery)
        assert published.waited == [("TryLater", 30)]
        after = await account_of(database, delivery)
        assert (after.credentials, after.credentials_version) == (before.credentials, 1)
        assert after.refresh_lease_until is None

    async def test_a_restricted_account_is_told_apart(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        delivery: Delivery,
        database: Database,
    ) -> None:
        searchable.sends.then(refusal(AccountBlocked, "Look at its own notices."))
        failed = await scripted.publish(delivery)
        assert failed.outcome.status is DeliveryStatus.FAILED
        row = await account_of(database, delivery)
        assert (row.status, row.status_reason) == ("blocked", "Look at its own notices.")

    @pytest.mark.parametrize(
        ("answer", "waited", "status"),
        [
            (refusal(TryLater), [("TryLater", 30)], "connected"),
            (refusal(RateLimited), [("RateLimited", 900)], "connected"),
            (refusal(AccountBlocked), [], "blocked"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, NetworkError) else "",
    )
    async def test_a_refresh_that_is_refused_is_judged_like_any_call(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        delivery: Delivery,
        database: Database,
        answer: NetworkError,
        waited: list[tuple[str, float]],
        status: str,
    ) -> None:
        searchable.sends.then(refusal(CredentialsExpired), receipt())
        searchable.refreshes.then(answer)
        ended = await scripted.publish(delivery)
        assert ended.waited == waited
        is_published = ended.outcome.status is DeliveryStatus.PUBLISHED
        assert is_published == bool(waited)
        assert (await account_of(database, delivery)).status == status

    async def test_a_token_that_never_works_ends_with_the_plan(
        self, scripted: Dispatcher, searchable: SearchableNetwork, delivery: Delivery
    ) -> None:
        searchable.sends.then(*[refusal(CredentialsExpired)] * 4)
        searchable.refreshes.then(*[renewed() for _ in range(4)])
        failed = await scripted.publish(delivery)
        assert len(failed.waits) == 3
        assert failed.outcome.status is DeliveryStatus.FAILED


class TestThreads:
    """What is public stays public, and is not sent again."""

    async def test_a_thread_goes_on_after_the_last_part_with_a_receipt(
        self, dispatcher: Dispatcher, networks: Networks, author: Author
    ) -> None:
        account = await networks.connect(Network.X)
        content = Content(text="One", thread=(ThreadPart(text="Two"), ThreadPart(text="Three")))
        (delivery,) = (await author.write(account, content=content)).deliveries
        await networks.fault(account, "rate_limited", operation="publish", skip=1)
        published = await dispatcher.publish(delivery)
        assert len(published.waits) == 1
        public = await networks.public(account)
        assert [one["text"] for one in public] == ["One", "Two", "Three"]
        assert [one["parent_id"] for one in public] == [None, public[0]["id"], public[1]["id"]]

    async def test_a_failed_thread_goes_on_in_its_retry(
        self, dispatcher: Dispatcher, networks: Networks, author: Author
    ) -> None:
        account = await networks.connect(Network.MASTODON)
        content = Content(text="One", thread=(ThreadPart(text="Two"),))
        (delivery,) = (await author.write(account, content=content)).deliveries
        await networks.fault(
            account, "answer", operation="publish", skip=1, status=422, body={"error": "No"}
        )
        failed = await dispatcher.publish(delivery)
        assert failed.outcome.status is DeliveryStatus.FAILED
        assert (await author.stored(delivery.id)).permalink
        retry = await author.retry(delivery)
        published = await dispatcher.publish(retry)
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        assert [one["text"] for one in await networks.public(account)] == ["One", "Two"]

    async def test_a_worker_that_dies_between_two_parts_is_followed_by_the_next(
        self, scripted: Dispatcher, searchable: SearchableNetwork, author: Author
    ) -> None:
        account = await author.connect(Network.X)
        content = Content(text="One", thread=(ThreadPart(text="Two"),))
        (delivery,) = (await author.write(account, content=content)).deliveries
        state = await scripted.store.arm(delivery.id)
        assert state is not None
        attempt = await scripted.store.claim(state, 0, {}, scripted.clock())
        assert isinstance(attempt, OpenAttempt)
        await scripted.store.record_published(state, attempt, receipt(), last_part=False)
        searchable.sends.then(receipt(2))
        assert (await scripted.publish(delivery)).outcome.status is DeliveryStatus.PUBLISHED
        (sent,) = searchable.sent
        assert (sent.piece.text, sent.root, sent.parent) == ("Two", receipt(), receipt())


class TestFirstComments:
    """A comment that fails is told, and its post stays published."""

    async def test_a_refused_comment(
        self, dispatcher: Dispatcher, networks: Networks, author: Author
    ) -> None:
        account = await networks.connect(Network.FACEBOOK)
        (delivery,) = (await author.write(account, content=COMMENTED)).deliveries
        body = {"error": {"code": 100, "message": "No comments here"}}
        await networks.fault(account, "answer", operation="comment", status=400, body=body)
        published = await dispatcher.publish(delivery)
        assert published.outcome.status is DeliveryStatus.PUBLISHED
        (public,) = await networks.public(account)
        stored = await author.stored(delivery.id)
        assert (stored.remote_id, stored.permalink) == (public["id"], public["permalink"])
        assert (stored.reason or {})["type"] == "content_refused"
        events = [one.event for one in await author.timeline(delivery.post_id)]
        assert events[-2:] == ["not_sent", "comment_failed"]
        assert (await author.post(delivery.post_id)).status is PostStatus.PUBLISHED

    async def test_a_comment_of_unknown_fate(
        self, scripted: Dispatcher, searchable: SearchableNetwork, author: Author
    ) -> None:
        account = await author.connect(Network.X)
        (delivery,) = (await author.write(account, content=COMMENTED)).deliveries
        searchable.sends.then(receipt(), unknown())
        searchable.finds.then(*[refusal(TryLater)] * 3)
        ended = await scripted.publish(delivery)
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        assert ((await author.stored(delivery.id)).reason or {})["type"] == "outcome_unknown"


async def test_a_lost_preparation_is_made_again(
    scripted: Dispatcher, two_step: TwoStepNetwork, pictured: Delivery
) -> None:
    two_step.prepares.then({"container": "c1"}, {"container": "c2"})
    two_step.sends.then(refusal(PreparationLost), receipt())
    published = await scripted.publish(pictured)
    assert published.waited == [("PreparationPending", AT_ONCE.total_seconds())]
    assert [one.prepared for one in two_step.sent] == [{"container": "c1"}, {"container": "c2"}]


async def test_a_refusal_before_the_second_comes_from_the_first_part_left(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author, pictured: Delivery
) -> None:
    two_step.prepares.then(refusal(ContentRefused, "Too wide."))
    failed = await scripted.publish(pictured)
    assert failed.outcome.status is DeliveryStatus.FAILED
    assert ((await author.stored(pictured.id)).reason or {})["message"] == "Too wide."
    assert two_step.sent == []
