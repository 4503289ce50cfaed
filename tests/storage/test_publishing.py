"""The moves of a delivery: what a claim needs, what may follow what, and what is written when."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from domain.content import Content, ThreadPart
from domain.deliveries import TRANSITIONS, DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from domain.receipts import Receipt
from runtime.resources import Resources
from storage.database import Database
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outcomes import Aftermath, Fail, IllegalTransition, Reason, Wait, WithoutComment
from storage.posts import Delivery, Post
from storage.publishing import PublishingStore
from storage.tables import AttemptRow, DeliveryRow
from tests.activities.written_posts import Author
from tests.conftest import Tenant

RECEIPT = Receipt(remote_id="1", permalink="https://network.example/1", details={"cid": "c"})
REFUSAL = Reason(type="try_later", message="Not now.", evidence={"status": 503})
NOW = datetime.now(UTC)
LATER = Wait(until=NOW + timedelta(minutes=1))


@pytest.fixture
def author(database: Database, workspace: Tenant, resources: Resources) -> Author:
    """Somebody of the workspace."""
    return Author(database, workspace.id, resources.vault)


@pytest.fixture
def store(database: Database) -> PublishingStore:
    """What workers write to."""
    return PublishingStore(database)


@pytest.fixture
async def post(author: Author) -> Post:
    """A post to one account, due now."""
    return await author.write(await author.connect(Network.X))


@pytest.fixture
def delivery(post: Post) -> Delivery:
    """Its delivery."""
    return post.deliveries[0]


@pytest.fixture
async def armed(store: PublishingStore, delivery: Delivery) -> DeliveryState:
    """It, armed."""
    state = await store.arm(delivery.id)
    assert state is not None
    return state


@pytest.fixture
async def attempt(store: PublishingStore, armed: DeliveryState) -> OpenAttempt:
    """It, claimed."""
    attempt = await store.claim(armed, 0, {"key": "k"}, NOW)
    assert isinstance(attempt, OpenAttempt)
    return attempt


async def test_a_claim_writes_the_attempt_ahead_of_the_send(
    author: Author, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    (row,) = await author.attempts(armed.delivery_id)
    assert (row.id, row.part, row.number, row.revision) == (attempt.attempt_id, 0, 1, 1)
    assert (row.evidence, row.outcome, row.started_at) == ({"key": "k"}, None, NOW)
    stored = await author.stored(armed.delivery_id)
    assert stored.status is DeliveryStatus.SENDING


async def test_what_a_claim_wrote_is_read_back_by_the_next_worker(
    store: PublishingStore, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    state = await store.load(armed.delivery_id)
    assert state.open_attempt == attempt
    assert state.tries == {}
    assert state.first_tries == {0: NOW}


async def test_a_cancelled_delivery_cannot_be_claimed(
    store: PublishingStore, author: Author, armed: DeliveryState
) -> None:
    await author.cancel(armed.post_id)
    assert await store.claim(armed, 0, {}, NOW) is None
    assert await author.attempts(armed.delivery_id) == []
    assert (await author.stored(armed.delivery_id)).status is DeliveryStatus.CANCELLED


async def test_an_edited_delivery_cannot_be_claimed_with_the_old_text(
    store: PublishingStore, author: Author, armed: DeliveryState
) -> None:
    await author.edit(armed.post_id, Content(text="No bread today"))
    assert await store.claim(armed, 0, {}, NOW) is None
    again = await store.arm(armed.delivery_id)
    assert again is not None
    assert again.content.text == "No bread today"
    assert await store.claim(armed, 0, {}, NOW) is None
    assert await store.claim(again, 0, {}, NOW) is not None


async def test_a_moved_delivery_cannot_be_claimed_for_its_old_time(
    store: PublishingStore, author: Author, armed: DeliveryState, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(DeliveryRow).values(publish_at=armed.publish_at + timedelta(hours=1))
        )
    assert await store.claim(armed, 0, {}, NOW) is None


@pytest.mark.parametrize("rivals", range(2, 5))
async def test_of_two_claims_at_once_one_wins(
    store: PublishingStore, author: Author, armed: DeliveryState, rivals: int
) -> None:
    claims = await asyncio.gather(*(store.claim(armed, 0, {}, NOW) for _ in range(rivals)))
    assert sum(claim is not None for claim in claims) == 1
    assert len(await author.attempts(armed.delivery_id)) == 1


@pytest.mark.parametrize("_round", range(3))
async def test_of_a_claim_and_a_cancel_at_once_one_wins(
    store: PublishingStore, author: Author, armed: DeliveryState, _round: int
) -> None:
    claim, _ = await asyncio.gather(
        store.claim(armed, 0, {}, NOW), author.cancel(armed.post_id), return_exceptions=True
    )
    status = (await author.stored(armed.delivery_id)).status
    expected = DeliveryStatus.CANCELLED if claim is None else DeliveryStatus.SENDING
    assert status is expected


@pytest.mark.parametrize("_round", range(3))
async def test_of_a_claim_and_an_edit_at_once_the_claimed_text_is_the_current_one(
    store: PublishingStore, author: Author, armed: DeliveryState, _round: int
) -> None:
    claim, _ = await asyncio.gather(
        store.claim(armed, 0, {}, NOW), author.edit(armed.post_id, Content(text="New"))
    )
    stored = await author.stored(armed.delivery_id)
    if claim is None:
        assert (stored.status, stored.revision) == (DeliveryStatus.SCHEDULED, 2)
    else:
        assert (stored.status, stored.revision) == (DeliveryStatus.SENDING, 1)


async def test_a_part_has_at_most_one_open_attempt(
    database: Database, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    second = {
        "id": new_id(),
        "delivery_id": armed.delivery_id,
        "root_id": armed.root_id,
        "account_id": armed.account.account_id,
        "part": 0,
        "number": 2,
        "revision": 1,
        "evidence": {},
        "started_at": NOW,
    }
    with pytest.raises(IntegrityError, match="uq_attempts_open"):
        async with database.transaction() as session:
            await session.execute(insert(AttemptRow).values(**second))
    async with database.transaction() as session:
        await session.execute(update(AttemptRow).values(outcome="published"))
    with pytest.raises(IntegrityError, match="uq_attempts_published"):
        async with database.transaction() as session:
            await session.execute(insert(AttemptRow).values(**second, outcome="published"))


async def test_a_receipt_is_kept_with_everything_that_follows_from_it(
    store: PublishingStore, author: Author, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    await store.record_published(armed, attempt, RECEIPT, last_part=True)
    stored = await author.stored(armed.delivery_id)
    assert (stored.status, stored.sent_at) == (DeliveryStatus.PUBLISHED, NOW)
    assert (stored.remote_id, stored.permalink) == (RECEIPT.remote_id, RECEIPT.permalink)
    (row,) = await author.attempts(armed.delivery_id)
    assert (row.outcome, row.remote_id, row.details) == ("published", "1", {"cid": "c"})
    assert row.ended_at is not None
    assert (await author.post(armed.post_id)).status is PostStatus.PUBLISHED
    events = [event.event for event in await author.timeline(armed.post_id)]
    assert events[-3:] == ["armed", "sending", "published"]


Close = Callable[[PublishingStore, DeliveryState, OpenAttempt], Awaitable[Any]]


async def _published(store: PublishingStore, state: DeliveryState, attempt: OpenAttempt) -> None:
    await store.record_published(state, attempt, RECEIPT, last_part=True)


async def _not_sent(store: PublishingStore, state: DeliveryState, attempt: OpenAttempt) -> None:
    await store.record_not_sent(state, attempt, REFUSAL, counted=True, then=Fail())


async def _unconfirmed(store: PublishingStore, state: DeliveryState, attempt: OpenAttempt) -> None:
    await store.leave_unconfirmed(state, attempt, REFUSAL)


async def _looked(store: PublishingStore, state: DeliveryState, attempt: OpenAttempt) -> None:
    await store.record_lookup(state, attempt, REFUSAL, found="absent")


async def _unknown(store: PublishingStore, state: DeliveryState, attempt: OpenAttempt) -> None:
    await store.record_unknown(state, attempt, REFUSAL)


CLOSINGS: list[Close] = [_published, _not_sent, _unconfirmed]


@pytest.mark.parametrize("second", [*CLOSINGS, _looked, _unknown])
@pytest.mark.parametrize("first", CLOSINGS)
async def test_what_became_of_an_attempt_is_written_once(
    store: PublishingStore,
    author: Author,
    armed: DeliveryState,
    attempt: OpenAttempt,
    first: Close,
    second: Close,
) -> None:
    await first(store, armed, attempt)
    before = await author.stored(armed.delivery_id)
    (closed,) = await author.attempts(armed.delivery_id)
    events = await author.timeline(armed.post_id)
    with pytest.raises(IllegalTransition):
        await second(store, armed, attempt)
    after = await author.stored(armed.delivery_id)
    (row,) = await author.attempts(armed.delivery_id)
    assert (after.status, after.remote_id) == (before.status, before.remote_id)
    assert (row.outcome, row.error, row.lookups) == (closed.outcome, closed.error, closed.lookups)
    assert await author.timeline(armed.post_id) == events


Move = Callable[[PublishingStore, DeliveryState], Awaitable[Any]]


def _put_off(then: Aftermath) -> Move:
    async def move(store: PublishingStore, state: DeliveryState) -> None:
        await store.put_off(state, REFUSAL, then=then)

    return move


async def _start_preparing(store: PublishingStore, state: DeliveryState) -> None:
    if (await store.start_preparing(state.delivery_id)).status is not DeliveryStatus.PREPARING:
        raise IllegalTransition


async def _arm(store: PublishingStore, state: DeliveryState) -> None:
    if (await store.arm(state.delivery_id)).status is not DeliveryStatus.ARMED:
        raise IllegalTransition


async def _claim(store: PublishingStore, state: DeliveryState) -> None:
    if await store.claim(state, 0, {}, NOW) is None:
        raise IllegalTransition


MOVES: dict[DeliveryStatus, Move] = {
    DeliveryStatus.PREPARING: _start_preparing,
    DeliveryStatus.ARMED: _arm,
    DeliveryStatus.SENDING: _claim,
    DeliveryStatus.DEFERRED: _put_off(LATER),
    DeliveryStatus.FAILED: _put_off(Fail()),
}


@pytest.mark.parametrize("target", MOVES)
async def test_only_the_legal_moves_can_be_stored(
    store: PublishingStore,
    author: Author,
    database: Database,
    delivery: Delivery,
    target: DeliveryStatus,
) -> None:
    legal = {source for source, targets in TRANSITIONS.items() if target in targets}
    # A claim for a first part never goes on from another one's send.
    legal -= {target} if target is DeliveryStatus.SENDING else set()
    moved = set()
    for source in DeliveryStatus:
        async with database.transaction() as session:
            await session.execute(update(DeliveryRow).values(status=source))
        with contextlib.suppress(IllegalTransition):
            await MOVES[target](store, await store.load(delivery.id))
            moved.add(source)
        stored = await author.stored(delivery.id)
        assert stored.status is (target if source in moved else source)
    assert moved == legal


@pytest.mark.parametrize(
    ("close", "target"),
    [
        (_published, DeliveryStatus.PUBLISHED),
        (_not_sent, DeliveryStatus.FAILED),
        (_unconfirmed, DeliveryStatus.UNCONFIRMED),
    ],
)
async def test_an_attempt_stays_open_where_its_end_would_be_an_illegal_move(
    store: PublishingStore,
    author: Author,
    database: Database,
    armed: DeliveryState,
    attempt: OpenAttempt,
    close: Close,
    target: DeliveryStatus,
) -> None:
    for source, targets in TRANSITIONS.items():
        if target in targets:
            continue
        async with database.transaction() as session:
            await session.execute(update(DeliveryRow).values(status=source))
        with pytest.raises(IllegalTransition):
            await close(store, armed, attempt)
        (row,) = await author.attempts(armed.delivery_id)
        assert row.outcome is None
        assert (await author.stored(armed.delivery_id)).status is source


async def test_a_refused_try_waits_and_can_be_armed_again(
    store: PublishingStore, author: Author, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    await store.record_not_sent(armed, attempt, REFUSAL, counted=True, then=LATER)
    stored = await author.stored(armed.delivery_id)
    assert (stored.status, stored.deferred_until) == (DeliveryStatus.DEFERRED, LATER.until)
    assert stored.reason == REFUSAL.as_json()
    assert (await author.post(armed.post_id)).status is PostStatus.PUBLISHING
    again = await store.arm(armed.delivery_id)
    assert again is not None
    assert (again.open_attempt, again.tries) == (None, {0: 1})
    stored = await author.stored(armed.delivery_id)
    assert (stored.deferred_until, stored.reason) == (None, None)
    assert await store.claim(again, 0, {}, NOW) is not None
    assert [row.number for row in await author.attempts(armed.delivery_id)] == [1, 2]


async def test_a_try_that_does_not_count_uses_up_nothing(
    store: PublishingStore, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    await store.record_not_sent(armed, attempt, REFUSAL, counted=False, then=LATER)
    assert (await store.load(armed.delivery_id)).tries == {}


@pytest.mark.parametrize("counted", [True, False])
async def test_what_could_not_be_sent_at_all_is_counted_when_it_counts(
    store: PublishingStore, author: Author, armed: DeliveryState, counted: bool
) -> None:
    await store.record_unready(armed, REFUSAL, counted=counted, then=LATER, at=NOW)
    state = await store.load(armed.delivery_id)
    assert state.status is DeliveryStatus.DEFERRED
    assert state.tries == ({0: 1} if counted else {})
    assert state.open_attempt is None
    assert [row.outcome for row in await author.attempts(armed.delivery_id)] == (
        ["not_sent"] if counted else []
    )


async def test_a_look_counts_and_keeps_what_the_send_was_answered(
    store: PublishingStore, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    sent = Reason(type="outcome_unknown", message="No answer.", evidence={"status": 500})
    await store.record_unknown(armed, attempt, sent)
    await store.record_lookup(armed, attempt, REFUSAL, found="absent")
    open_attempt = (await store.load(armed.delivery_id)).open_attempt
    assert open_attempt is not None
    assert (open_attempt.lookups, open_attempt.error) == (1, sent.as_json())


async def test_a_look_is_all_that_is_known_of_a_send_that_a_crash_cut_off(
    store: PublishingStore, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    await store.record_lookup(armed, attempt, REFUSAL, found="absent")
    open_attempt = (await store.load(armed.delivery_id)).open_attempt
    assert open_attempt is not None
    assert open_attempt.error == REFUSAL.as_json()


@pytest.mark.parametrize("_round", range(3))
async def test_the_post_is_published_when_its_last_two_deliveries_end_at_once(
    store: PublishingStore, author: Author, _round: int
) -> None:
    accounts = [await author.connect(Network.X), await author.connect(Network.FEED)]
    post = await author.write(*accounts)
    states, attempts = [], []
    for delivery in post.deliveries:
        state = await store.arm(delivery.id)
        assert state is not None
        attempt = await store.claim(state, 0, {}, NOW)
        assert isinstance(attempt, OpenAttempt)
        states.append(state)
        attempts.append(attempt)
    await asyncio.gather(
        *(
            store.record_published(state, attempt, RECEIPT, last_part=True)
            for state, attempt in zip(states, attempts, strict=True)
        )
    )
    assert (await author.post(post.id)).status is PostStatus.PUBLISHED


async def test_a_post_follows_its_deliveries_one_by_one(
    store: PublishingStore, author: Author
) -> None:
    accounts = [await author.connect(Network.X), await author.connect(Network.FEED)]
    post = await author.write(*accounts)
    first, second = post.deliveries
    seen = [post.status]
    state = await store.arm(first.id)
    assert state is not None
    seen.append((await author.post(post.id)).status)
    attempt = await store.claim(state, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    seen.append((await author.post(post.id)).status)
    await store.record_published(state, attempt, RECEIPT, last_part=True)
    seen.append((await author.post(post.id)).status)
    await store.put_off(await store.load(second.id), REFUSAL, then=Fail())
    seen.append((await author.post(post.id)).status)
    assert seen == ["scheduled", "scheduled", "publishing", "publishing", "partially_published"]


async def test_what_was_prepared_is_kept_by_part_and_revision(
    store: PublishingStore, author: Author, armed: DeliveryState
) -> None:
    await store.keep_prepared(armed, 0, {"container": "c1"})
    await store.keep_prepared(armed, 1, {"container": "c2"})
    state = await store.load(armed.delivery_id)
    assert state.prepared == {0: {"container": "c1"}, 1: {"container": "c2"}}
    await author.edit(armed.post_id, Content(text="New"))
    assert (await store.load(armed.delivery_id)).prepared == {}


async def test_what_was_prepared_from_an_older_text_replaces_nothing(
    store: PublishingStore, author: Author, armed: DeliveryState
) -> None:
    await author.edit(armed.post_id, Content(text="New"))
    newer = await store.load(armed.delivery_id)
    await store.keep_prepared(newer, 0, {"container": "new"})
    await store.keep_prepared(armed, 0, {"container": "old"})
    await store.forget_prepared(armed)
    assert (await store.load(armed.delivery_id)).prepared == {0: {"container": "new"}}


async def test_the_first_to_prepare_a_part_wins(
    store: PublishingStore, armed: DeliveryState
) -> None:
    kept = await asyncio.gather(
        *(store.keep_prepared(armed, 0, {"container": str(number)}) for number in range(4))
    )
    assert len({one["container"] for one in kept}) == 1
    assert (await store.load(armed.delivery_id)).prepared == {0: kept[0]}


async def test_what_was_prepared_can_be_forgotten(
    store: PublishingStore, armed: DeliveryState
) -> None:
    await store.keep_prepared(armed, 0, {"container": "c1"})
    await store.forget_prepared(armed)
    assert (await store.load(armed.delivery_id)).prepared == {}
    assert await store.keep_prepared(armed, 0, {"container": "c2"}) == {"container": "c2"}


THREAD = Content(text="One", thread=(ThreadPart(text="Two"), ThreadPart(text="Three")))


@pytest.fixture
async def half_sent(store: PublishingStore, author: Author) -> DeliveryState:
    """A thread of three with its first part public."""
    post = await author.write(await author.connect(Network.X), content=THREAD)
    state = await store.arm(post.deliveries[0].id)
    assert state is not None
    attempt = await store.claim(state, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    await store.record_published(state, attempt, RECEIPT, last_part=False)
    return state.with_receipt(0, RECEIPT)


async def test_a_thread_is_sending_until_its_last_part_is_public(
    store: PublishingStore, author: Author, half_sent: DeliveryState
) -> None:
    stored = await author.stored(half_sent.delivery_id)
    assert (stored.status, stored.remote_id) == (DeliveryStatus.SENDING, "1")
    attempt = await store.claim(half_sent, 1, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    second = Receipt(remote_id="2", permalink=None)
    await store.record_published(half_sent, attempt, second, last_part=True)
    assert (await author.stored(half_sent.delivery_id)).status is DeliveryStatus.PUBLISHED
    stored = await author.stored(half_sent.delivery_id)
    assert (stored.status, stored.remote_id) == (DeliveryStatus.PUBLISHED, "1")


async def test_a_thread_goes_on_in_the_delivery_that_a_retry_puts_in_its_place(
    store: PublishingStore, author: Author, half_sent: DeliveryState
) -> None:
    await store.put_off(half_sent, REFUSAL, then=Fail())
    failed = await author.delivery(half_sent.post_id, half_sent.delivery_id)
    retry = await author.retry(failed)
    state = await store.arm(retry.id)
    assert state is not None
    assert (state.root_id, state.receipts) == (half_sent.root_id, {0: RECEIPT})
    assert (state.next_part, state.tries) == (1, {})
    assert await store.claim(state, 1, {}, NOW) is not None


async def test_a_comment_that_is_given_up_leaves_its_post_published(
    store: PublishingStore, author: Author
) -> None:
    content = Content(text="Bread", first_comment="And rolls")
    post = await author.write(await author.connect(Network.FACEBOOK), content=content)
    state = await store.arm(post.deliveries[0].id)
    assert state is not None
    attempt = await store.claim(state, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    await store.record_published(state, attempt, RECEIPT, last_part=False)
    await store.put_off(state, REFUSAL, then=LATER)
    await store.put_off(state, REFUSAL, then=WithoutComment())
    stored = await author.stored(state.delivery_id)
    assert (stored.status, stored.deferred_until) == (DeliveryStatus.PUBLISHED, None)
    assert stored.reason == REFUSAL.as_json()
    assert (await author.timeline(post.id))[-1].event == "comment_failed"


async def test_a_comment_of_unknown_fate_leaves_its_post_published(
    store: PublishingStore, author: Author
) -> None:
    content = Content(text="Bread", first_comment="And rolls")
    post = await author.write(await author.connect(Network.FACEBOOK), content=content)
    state = await store.arm(post.deliveries[0].id)
    assert state is not None
    attempt = await store.claim(state, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    await store.record_published(state, attempt, RECEIPT, last_part=False)
    state = state.with_receipt(0, RECEIPT)
    comment = await store.claim(state, 1, {}, NOW)
    assert isinstance(comment, OpenAttempt)
    await store.leave_unconfirmed(state, comment, REFUSAL)
    stored = await author.stored(state.delivery_id)
    assert (stored.status, stored.reason) == (DeliveryStatus.PUBLISHED, REFUSAL.as_json())
    assert (await author.attempts(state.delivery_id))[1].outcome == "unconfirmed"


async def test_every_claim_is_in_the_timeline(
    author: Author, database: Database, armed: DeliveryState, attempt: OpenAttempt
) -> None:
    sending = (await author.timeline(armed.post_id))[-1]
    assert (sending.event, sending.details) == ("sending", {"part": 0, "attempt": 1})
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(AttemptRow)) == 1
