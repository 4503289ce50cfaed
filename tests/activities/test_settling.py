"""Fine points of settling: what a look says, and what it does not say."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.decisions import AT_ONCE, REFRESH_POLL
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.policies import AmbiguityPolicy
from domain.receipts import Receipt
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    NetworkError,
    PreparationLost,
    RateLimited,
    TryLater,
)
from networks.protocol import NotFound
from runtime.resources import Resources
from storage.account_access import AccountStore
from storage.database import Database
from storage.posts import Delivery
from storage.tables import AccountRow
from tests.activities.conftest import NewDispatcher
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import (
    NOT_SENT,
    IdempotentNetwork,
    SearchableNetwork,
    TwoStepNetwork,
    receipt,
    refusal,
    renewed,
    unknown,
)
from tests.activities.written_posts import Author

ABSENT, UNKNOWN = NotFound.ABSENT, NotFound.UNKNOWN
EVERY_LOOK = [("OutcomeUnknown", 5), ("OutcomeUnknown", 30), ("OutcomeUnknown", 120)]


@pytest.fixture
async def searched(author: Author) -> Delivery:
    """A delivery to the network that can only be searched."""
    return (await author.write(await author.connect(Network.X))).deliveries[0]


@pytest.fixture
async def keyed(author: Author) -> Delivery:
    """A delivery to the network that takes the same key again."""
    return (await author.write(await author.connect(Network.MASTODON))).deliveries[0]


@pytest.fixture
async def contained(author: Author, two_step: TwoStepNetwork) -> Delivery:
    """A delivery to the network with containers."""
    two_step.needs_media = True
    two_step.prepares.then({"container": "c1"})
    return (await author.write(await author.connect(Network.INSTAGRAM))).deliveries[0]


@pytest.fixture
async def resending(
    new_dispatcher: NewDispatcher, searchable: SearchableNetwork, author: Author
) -> Dispatcher:
    """Works for a workspace that has sent again what was absent at every look."""
    await author.decide(AmbiguityPolicy.RESEND)
    return new_dispatcher({Network.X: searchable})


async def reason_of(author: Author, delivery: Delivery) -> dict[str, object]:
    """Why it is as it is."""
    return (await author.stored(delivery.id)).reason or {}


LOOKING_FAILS = [one for one in NOT_SENT if one not in {RateLimited, CredentialsExpired}]


@pytest.mark.parametrize("error", LOOKING_FAILS)
async def test_a_look_that_fails_says_nothing_about_the_send(
    resending: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    searched: Delivery,
    error: type[NetworkError],
) -> None:
    searchable.sends.then(unknown())
    searchable.finds.then(*[refusal(error)] * 3)
    ended = await resending.publish(searched)
    assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
    assert len(searchable.sent) == 1
    assert (await reason_of(author, searched))["type"] == "outcome_unknown"


async def test_a_look_that_fails_is_followed_by_the_next(
    scripted: Dispatcher, searchable: SearchableNetwork, searched: Delivery
) -> None:
    searchable.sends.then(unknown())
    searchable.finds.then(refusal(TryLater), ABSENT, receipt())
    ended = await scripted.publish(searched)
    assert ended.waited == EVERY_LOOK
    assert ended.outcome.status is DeliveryStatus.PUBLISHED


async def test_a_rate_limited_look_costs_no_look(
    scripted: Dispatcher, searchable: SearchableNetwork, searched: Delivery
) -> None:
    searchable.sends.then(unknown())
    searchable.finds.then(*[refusal(RateLimited)] * 4, ABSENT, ABSENT, receipt())
    ended = await scripted.publish(searched)
    assert ended.waited == [EVERY_LOOK[0], *[("RateLimited", 900)] * 4, *EVERY_LOOK[1:]]
    assert ended.outcome.status is DeliveryStatus.PUBLISHED


async def test_a_look_with_an_expired_token_is_made_again_at_once(
    scripted: Dispatcher, searchable: SearchableNetwork, searched: Delivery
) -> None:
    searchable.sends.then(unknown())
    searchable.finds.then(refusal(CredentialsExpired), receipt())
    searchable.refreshes.then(renewed())
    ended = await scripted.publish(searched)
    assert ended.waited == [EVERY_LOOK[0], ("OutcomeUnknown", AT_ONCE.total_seconds())]
    assert ended.outcome.status is DeliveryStatus.PUBLISHED


async def test_a_look_waits_while_another_worker_refreshes(
    scripted: Dispatcher, searchable: SearchableNetwork, searched: Delivery, database: Database
) -> None:
    store = AccountStore(database)
    assert await store.begin_refresh(searched.account_id, 1)
    searchable.sends.then(unknown())
    searchable.finds.then(*[refusal(CredentialsExpired)] * 5, receipt())
    ended = await scripted.publish(searched)
    poll = ("OutcomeUnknown", REFRESH_POLL.total_seconds())
    assert ended.waited == [EVERY_LOOK[0], *[poll] * 5]
    assert ended.outcome.status is DeliveryStatus.PUBLISHED


async def test_a_token_that_never_works_ends_the_looking(
    scripted: Dispatcher, searchable: SearchableNetwork, searched: Delivery
) -> None:
    searchable.sends.then(unknown())
    searchable.finds.then(*[refusal(CredentialsExpired)] * 3)
    searchable.refreshes.then(*[renewed() for _ in range(3)])
    ended = await scripted.publish(searched)
    assert len(ended.waits) == 3
    assert ended.outcome.status is DeliveryStatus.UNCONFIRMED


@pytest.mark.parametrize(
    ("error", "status"), [(AccountDisconnected, "reconnect"), (AccountBlocked, "blocked")]
)
async def test_an_account_that_broke_meanwhile_is_told(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    searched: Delivery,
    database: Database,
    error: type[NetworkError],
    status: str,
) -> None:
    searchable.sends.then(unknown())
    searchable.finds.then(refusal(error))
    ended = await scripted.publish(searched)
    assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
    async with database.transaction() as session:
        account = await session.get(AccountRow, searched.account_id)
    assert account is not None
    assert account.status == status


class TestSendingAgain:
    """The same key again publishes nothing new."""

    @pytest.mark.parametrize("found", [ABSENT, UNKNOWN, refusal(AccountDisconnected)], ids=str)
    async def test_it_is_sent_again_with_the_same_evidence(
        self,
        scripted: Dispatcher,
        idempotent: IdempotentNetwork,
        author: Author,
        keyed: Delivery,
        found: NotFound | NetworkError,
    ) -> None:
        idempotent.sends.then(unknown(), receipt())
        idempotent.finds.then(found)
        ended = await scripted.publish(keyed)
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        first, second = idempotent.sent
        assert (first.evidence, first.attempt_id) == (second.evidence, second.attempt_id)
        assert first.started_at == second.started_at
        assert len(await author.attempts(keyed.id)) == 1

    async def test_what_is_found_is_not_sent_again(
        self, scripted: Dispatcher, idempotent: IdempotentNetwork, keyed: Delivery
    ) -> None:
        idempotent.sends.then(unknown())
        idempotent.finds.then(receipt())
        assert (await scripted.publish(keyed)).outcome.status is DeliveryStatus.PUBLISHED
        assert len(idempotent.sent) == 1

    async def test_past_the_keys_lifetime_it_is_only_looked_for(
        self, scripted: Dispatcher, idempotent: IdempotentNetwork, keyed: Delivery
    ) -> None:
        idempotent.sends.then(unknown())
        idempotent.finds.then(ABSENT, ABSENT, ABSENT)

        async def much_later(_: timedelta) -> None:
            scripted.clock.jump(timedelta(hours=2))

        ended = await scripted.publish(keyed, before_each=much_later)
        assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
        assert len(idempotent.sent) == 1

    async def test_a_refusal_of_the_second_send_is_no_word_about_the_first(
        self, scripted: Dispatcher, idempotent: IdempotentNetwork, keyed: Delivery
    ) -> None:
        idempotent.sends.then(unknown(), refusal(ContentRefused))
        idempotent.finds.then(ABSENT, receipt())
        ended = await scripted.publish(keyed)
        assert ended.waited == EVERY_LOOK[:2]
        assert ended.outcome.status is DeliveryStatus.PUBLISHED

    @pytest.mark.parametrize("error", [ContentRefused, AccountDisconnected, AccountBlocked])
    async def test_absent_at_every_look_and_refused_each_time_it_was_not_sent(
        self,
        scripted: Dispatcher,
        idempotent: IdempotentNetwork,
        author: Author,
        keyed: Delivery,
        error: type[NetworkError],
    ) -> None:
        sends = 4 if error is ContentRefused else 2
        idempotent.sends.then(unknown(), *[refusal(error, "Not this.")] * (sends - 1))
        idempotent.finds.then(*[ABSENT] * (sends - 1))
        ended = await scripted.publish(keyed)
        if error is ContentRefused:
            assert ended.outcome.status is DeliveryStatus.FAILED
            assert (await reason_of(author, keyed))["message"] == "Not this."
            (attempt,) = await author.attempts(keyed.id)
            assert attempt.outcome == "not_sent"
        else:
            # Once the account is out of use nobody can look any more.
            assert ended.outcome.status is DeliveryStatus.UNCONFIRMED

    async def test_unknown_at_the_last_look_a_refusal_proves_nothing(
        self,
        scripted: Dispatcher,
        idempotent: IdempotentNetwork,
        author: Author,
        keyed: Delivery,
    ) -> None:
        idempotent.sends.then(unknown(), *[refusal(ContentRefused)] * 3)
        idempotent.finds.then(ABSENT, ABSENT, UNKNOWN)
        ended = await scripted.publish(keyed)
        assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
        assert (await reason_of(author, keyed))["type"] == "outcome_unknown"

    @pytest.mark.parametrize("error", [TryLater, MediaNotReady, PreparationLost])
    async def test_not_sent_for_a_passing_reason_it_is_tried_anew(
        self,
        scripted: Dispatcher,
        idempotent: IdempotentNetwork,
        author: Author,
        keyed: Delivery,
        error: type[NetworkError],
    ) -> None:
        idempotent.sends.then(unknown(), *[refusal(error)] * 3, receipt())
        idempotent.finds.then(*[ABSENT] * 3)
        ended = await scripted.publish(keyed)
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        attempts = await author.attempts(keyed.id)
        assert [row.outcome for row in attempts] == ["not_sent", "published"]
        assert len({row.evidence["key"] for row in attempts}) == 2

    async def test_a_rate_limit_on_sending_again_is_waited_for(
        self, scripted: Dispatcher, idempotent: IdempotentNetwork, keyed: Delivery
    ) -> None:
        idempotent.sends.then(unknown(), refusal(RateLimited), receipt())
        idempotent.finds.then(ABSENT, ABSENT)
        ended = await scripted.publish(keyed)
        assert ended.waited == [EVERY_LOOK[0], ("RateLimited", 900)]
        assert ended.outcome.status is DeliveryStatus.PUBLISHED

    async def test_no_answer_again_and_again_is_left_to_a_person(
        self, scripted: Dispatcher, idempotent: IdempotentNetwork, keyed: Delivery
    ) -> None:
        idempotent.sends.then(*[unknown()] * 4)
        idempotent.finds.then(*[ABSENT] * 3)
        ended = await scripted.publish(keyed)
        assert ended.waited == EVERY_LOOK
        assert ended.outcome.status is DeliveryStatus.UNCONFIRMED


class TestContainers:
    """The same container again is safe; a new one is not, before the old one is proven idle."""

    async def test_the_same_container_is_published_again(
        self, scripted: Dispatcher, two_step: TwoStepNetwork, contained: Delivery
    ) -> None:
        two_step.sends.then(unknown(), receipt())
        two_step.finds.then(UNKNOWN, ABSENT)
        ended = await scripted.publish(contained)
        assert ended.waited == EVERY_LOOK[:2]
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        assert [one.evidence["container"] for one in two_step.sent] == ["c1", "c1"]
        assert two_step.prepares.is_over

    async def test_what_a_withdrawn_dispatch_prepared_late_takes_no_containers_place(
        self, scripted: Dispatcher, two_step: TwoStepNetwork, contained: Delivery
    ) -> None:
        stale = await scripted.store.load(contained.id)

        async def late(_: timedelta) -> None:
            await scripted.store.keep_prepared(stale, 0, {"container": "late"})

        two_step.sends.then(unknown(), receipt())
        two_step.finds.then(ABSENT)
        ended = await scripted.publish(contained, before_each=late)
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        assert [one.evidence["container"] for one in two_step.sent] == ["c1", "c1"]

    async def test_a_container_that_cannot_be_read_stays_in_doubt(
        self, scripted: Dispatcher, two_step: TwoStepNetwork, contained: Delivery
    ) -> None:
        two_step.sends.then(unknown())
        two_step.finds.then(*[UNKNOWN] * 3)
        ended = await scripted.publish(contained)
        assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
        assert two_step.prepares.is_over

    async def test_a_container_that_ran_out_is_followed_by_a_new_one(
        self, scripted: Dispatcher, two_step: TwoStepNetwork, contained: Delivery
    ) -> None:
        two_step.sends.then(unknown(), refusal(PreparationLost), receipt())
        two_step.finds.then(ABSENT)
        two_step.prepares.then({"container": "c2"})
        ended = await scripted.publish(contained)
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        assert [one.evidence["container"] for one in two_step.sent] == ["c1", "c1", "c2"]


class TestDuplicates:
    """A network that has it already may have it from us."""

    async def test_what_an_earlier_try_published_is_found_from_its_start_on(
        self,
        resending: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        searched: Delivery,
    ) -> None:
        searchable.sends.then(unknown(), refusal(DuplicateRefused))
        searchable.finds.then(ABSENT, ABSENT, ABSENT, receipt())
        ended = await resending.publish(searched)
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        first, second = await author.attempts(searched.id)
        assert first.started_at < second.started_at
        assert searchable.looked_for[-1].started_at == first.started_at
        assert (second.outcome, second.remote_id) == ("published", "1")

    async def test_without_an_earlier_doubt_it_is_somebody_elses(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        searched: Delivery,
    ) -> None:
        searchable.sends.then(refusal(DuplicateRefused, "X has the same text."))
        searchable.finds.then(ABSENT)
        ended = await scripted.publish(searched)
        assert ended.waits == []
        assert ended.outcome.status is DeliveryStatus.FAILED
        assert (await reason_of(author, searched))["type"] == "duplicate_refused"

    @pytest.mark.parametrize("found", [UNKNOWN, refusal(TryLater)], ids=str)
    async def test_where_the_look_could_not_tell_it_is_looked_for_again(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        searched: Delivery,
        found: NotFound | NetworkError,
    ) -> None:
        searchable.sends.then(refusal(DuplicateRefused))
        searchable.finds.then(found, receipt())
        ended = await scripted.publish(searched)
        assert ended.waited == EVERY_LOOK[:1]
        assert ended.outcome.status is DeliveryStatus.PUBLISHED

    async def test_a_later_look_may_still_prove_it_somebody_elses(
        self,
        scripted: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        searched: Delivery,
    ) -> None:
        searchable.sends.then(refusal(DuplicateRefused, "X has the same text."))
        searchable.finds.then(UNKNOWN, ABSENT)
        ended = await scripted.publish(searched)
        assert ended.outcome.status is DeliveryStatus.FAILED
        reason = await reason_of(author, searched)
        assert (reason["type"], reason["message"]) == ("duplicate_refused", "X has the same text.")

    async def test_after_a_doubtful_try_it_is_never_sent_a_third_time(
        self,
        resending: Dispatcher,
        searchable: SearchableNetwork,
        author: Author,
        searched: Delivery,
    ) -> None:
        searchable.sends.then(unknown(), refusal(DuplicateRefused))
        searchable.finds.then(*[ABSENT] * 7)
        ended = await resending.publish(searched)
        assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
        assert len(searchable.sent) == 2


async def test_an_attempt_without_an_outcome_is_settled_before_anything_is_sent(
    scripted: Dispatcher, searchable: SearchableNetwork, author: Author, searched: Delivery
) -> None:
    state = await scripted.store.arm(searched.id)
    assert state is not None
    attempt = await scripted.store.claim(state, 0, {"key": "k"}, datetime.now(UTC))
    assert attempt is not None
    searchable.finds.then(ABSENT, receipt())
    ended = await scripted.publish(searched)
    assert ended.waited == EVERY_LOOK[1:2]
    assert ended.outcome.status is DeliveryStatus.PUBLISHED
    assert searchable.sent == []
    assert [one.evidence for one in searchable.looked_for] == [{"key": "k"}] * 2
    (row,) = await author.attempts(searched.id)
    assert row.outcome == "published"


async def test_an_attempt_is_in_the_database_when_its_request_leaves(
    scripted: Dispatcher, searchable: SearchableNetwork, author: Author, searched: Delivery
) -> None:
    async def look_into_the_table() -> Receipt:
        (row,) = await author.attempts(searched.id)
        assert (row.id, row.outcome) == (searchable.sent[0].attempt_id, None)
        assert row.evidence == searchable.sent[0].evidence
        return receipt()

    searchable.sends.then(look_into_the_table)
    assert (await scripted.publish(searched)).outcome.status is DeliveryStatus.PUBLISHED


async def test_a_fault_of_our_own_in_a_send_is_an_unknown_outcome(
    scripted: Dispatcher, searchable: SearchableNetwork, author: Author, searched: Delivery
) -> None:
    async def trip() -> Receipt:
        raise ZeroDivisionError

    searchable.sends.then(trip)
    with pytest.raises(ZeroDivisionError):
        await scripted.publish_once(searched)
    searchable.finds.then(receipt())
    ended = await scripted.publish(searched)
    assert ended.outcome.status is DeliveryStatus.PUBLISHED
    assert len(searchable.sent) == 1


async def test_secrets_are_in_nothing_that_is_kept_as_evidence(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    searched: Delivery,
    resources: Resources,
) -> None:
    searchable.sends.then(unknown())
    searchable.finds.then(*[refusal(TryLater)] * 3)
    await scripted.publish(searched)
    (attempt,) = await author.attempts(searched.id)
    kept = f"{attempt.evidence} {attempt.error} {await reason_of(author, searched)}"
    assert "of no use" not in kept
    assert "Fresh bread" not in kept
