"""Room for sends: counted from the attempts, exact whoever else counts, and held by a network."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.ids import new_id
from domain.networks import Network
from domain.quotas import COUNTED, QUOTAS, Quota
from runtime.resources import Resources
from storage.admission import Candidate, Refusal
from storage.database import Database
from storage.outcomes import AttemptOutcome, Reason
from storage.posts import Delivery, TargetAccount
from storage.quotas import allowance_spent, exhausted, hold_account
from storage.tables import AccountLimitRow, AccountRow, AttemptRow, DeliveryRow
from tests.activities.written_posts import Author
from tests.conftest import Tenant
from tests.patience import PATIENCE

NINE = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TOO_MANY = Reason(type="rate_limited", message="X allows no more posts for now.", evidence={})
TOO_LONG = Reason(type="content_refused", message="X takes no more words.", evidence={})


def quota(network: Network, limit: int, window: timedelta = DAY) -> Quota:
    return Quota(limit=limit, window=window, counts=COUNTED[network])


def only(network: Network, *quotas: Quota) -> dict[Network, tuple[Quota, ...]]:
    return {network: quotas}


class Past:
    """Writes down what accounts sent, and asks for what wants to be sent."""

    def __init__(self, author: Author, database: Database) -> None:
        self.author = author
        self.database = database

    async def account(self, network: Network) -> TargetAccount:
        return await self.author.connect(network)

    async def deliveries(self, account: TargetAccount, number: int) -> list[Delivery]:
        return [(await self.author.write(account)).deliveries[0] for _ in range(number)]

    async def sent(
        self,
        account: TargetAccount,
        *moments: datetime,
        part: int = 0,
        outcome: AttemptOutcome | None = AttemptOutcome.PUBLISHED,
        error: Reason | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Attempts that began then."""
        rows = []
        for moment in moments:
            delivery = (await self.author.write(account)).deliveries[0]
            rows.append(
                {
                    "id": new_id(),
                    "delivery_id": delivery.id,
                    "root_id": delivery.root_id,
                    "account_id": account.account_id,
                    "part": part,
                    "number": 1,
                    "revision": 1,
                    "evidence": dict(evidence or {}),
                    "started_at": moment,
                    "outcome": outcome,
                    "error": error.as_json() if error else None,
                }
            )
        async with self.database.transaction() as session:
            await session.execute(insert(AttemptRow), rows)

    async def refused(
        self, quotas: Mapping[Network, tuple[Quota, ...]], *candidates: Candidate
    ) -> Mapping[UUID, Refusal]:
        async with self.database.transaction() as session:
            return await exhausted(session, candidates, quotas)

    async def until(
        self, account: TargetAccount, quotas: Mapping[Network, tuple[Quota, ...]], at: datetime
    ) -> datetime | None:
        """When one more send may leave; None: at once."""
        wanted = candidate(account, at=at)
        refusals = await self.refused(quotas, wanted)
        return refusals[wanted.delivery_id].until if refusals else None


def candidate(
    account: TargetAccount, delivery: UUID | None = None, *, at: datetime = NINE, part: int = 0
) -> Candidate:
    return Candidate(
        delivery_id=delivery or new_id(),
        post_id=new_id(),
        workspace_id=new_id(),
        account_id=account.account_id,
        network=account.network,
        part=part,
        leaves_at=at,
    )


@pytest.fixture
def past(database: Database, workspace: Tenant, resources: Resources) -> Past:
    """Somebody of the workspace."""
    return Past(Author(database, workspace.id, resources.vault), database)


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_who_comes_first_is_admitted_and_the_rest_learn_their_places(past: Past) -> None:
    account = await past.account(Network.INSTAGRAM)
    await past.sent(account, NINE - 3 * HOUR, NINE - 2 * HOUR)
    wanted = [candidate(account) for _ in range(4)]
    refusals = await past.refused(only(Network.INSTAGRAM, quota(Network.INSTAGRAM, 3)), *wanted)
    assert {one: refusal.until for one, refusal in refusals.items()} == {
        wanted[1].delivery_id: NINE - 3 * HOUR + DAY,
        wanted[2].delivery_id: NINE - 2 * HOUR + DAY,
        wanted[3].delivery_id: NINE + DAY,  # when the place of the first one is free again
    }


async def test_a_refusal_names_the_limit_and_the_time(past: Past) -> None:
    account = await past.account(Network.INSTAGRAM)
    await past.sent(account, NINE - HOUR)
    wanted = candidate(account)
    refusals = await past.refused(only(Network.INSTAGRAM, quota(Network.INSTAGRAM, 1)), wanted)
    reason = refusals[wanted.delivery_id].reason
    until = NINE - HOUR + DAY
    assert reason.type == "quota_exhausted"
    assert reason.message == (
        "Instagram takes 1 post in 24 hours from corner_bakery, and has had them. This one is to"
        f" leave at {until:%Y-%m-%d %H:%M:%S} UTC."
    )
    assert reason.evidence == {
        "limit": 1,
        "counts": "posts",
        "window_seconds": 86_400,
        "used": 1,
        "until": until.isoformat(),
    }


async def test_a_place_is_free_the_very_moment_the_window_has_rolled_past(past: Past) -> None:
    account = await past.account(Network.X)
    await past.sent(account, NINE - HOUR)
    hourly = only(Network.X, quota(Network.X, 1, HOUR))
    assert await past.until(account, hourly, NINE) is None
    assert await past.until(account, hourly, NINE - timedelta(microseconds=1)) == NINE


async def test_of_two_quotas_both_are_kept(past: Past) -> None:
    account = await past.account(Network.X)
    both = only(Network.X, quota(Network.X, 1, HOUR), quota(Network.X, 3, DAY))
    await past.sent(account, NINE)
    assert await past.until(account, both, NINE) == NINE + HOUR
    await past.sent(account, NINE + HOUR, NINE + 2 * HOUR)
    assert await past.until(account, both, NINE + 3 * HOUR) == NINE + DAY


async def test_what_is_claimed_ahead_takes_its_place_already(past: Past) -> None:
    account = await past.account(Network.X)
    await past.sent(account, NINE + 2 * SECOND, outcome=None)
    hourly = only(Network.X, quota(Network.X, 1, HOUR))
    assert await past.until(account, hourly, NINE) == NINE + 2 * SECOND + HOUR


async def test_what_instagram_told_of_an_account_is_its_quota(
    past: Past, database: Database
) -> None:
    account = await past.account(Network.INSTAGRAM)
    async with database.transaction() as session:
        await session.execute(
            update(AccountRow)
            .where(AccountRow.id == account.account_id)
            .values(limits={"posts_a_day": 2})
        )
    await past.sent(account, NINE)
    assert await past.until(account, QUOTAS, NINE) is None
    await past.sent(account, NINE)
    assert await past.until(account, QUOTAS, NINE) == NINE + DAY


async def test_accounts_do_not_take_one_another_s_room(past: Past) -> None:
    one, other = await past.account(Network.X), await past.account(Network.X)
    await past.sent(one, NINE)
    first, second = candidate(one), candidate(other)
    refusals = await past.refused(only(Network.X, quota(Network.X, 1)), first, second)
    assert set(refusals) == {first.delivery_id}


@pytest.mark.parametrize(
    ("network", "outcome", "error", "counts"),
    [
        (Network.INSTAGRAM, None, None, True),
        (Network.INSTAGRAM, AttemptOutcome.UNCONFIRMED, None, True),
        (Network.INSTAGRAM, AttemptOutcome.NOT_SENT, TOO_LONG, False),
        (Network.MASTODON, AttemptOutcome.NOT_SENT, TOO_LONG, False),
        (Network.BLUESKY, None, None, True),
        (Network.X, AttemptOutcome.NOT_SENT, TOO_LONG, True),
        (Network.X, AttemptOutcome.NOT_SENT, TOO_MANY, False),
        (Network.X, None, TOO_MANY, True),
        (Network.FACEBOOK, AttemptOutcome.NOT_SENT, TOO_MANY, True),
    ],
)
async def test_what_each_network_counts(
    past: Past,
    network: Network,
    outcome: AttemptOutcome | None,
    error: Reason | None,
    counts: bool,
) -> None:
    account = await past.account(network)
    await past.sent(account, NINE, outcome=outcome, error=error)
    until = await past.until(account, only(network, quota(network, 1)), NINE)
    assert until == (NINE + DAY if counts else None)


async def test_replies_count_on_networks_with_threads_and_comments_are_free_on_instagram(
    past: Past,
) -> None:
    for network, free in ((Network.MASTODON, False), (Network.X, False), (Network.INSTAGRAM, True)):
        account = await past.account(network)
        quotas = only(network, quota(network, 1))
        await past.sent(account, NINE, part=1)
        until = await past.until(account, quotas, NINE)
        assert until == (None if free else NINE + DAY), network
        await past.sent(account, NINE)
        comment = candidate(account, part=1)
        assert (await past.refused(quotas, comment) == {}) is free, network


async def test_facebook_counts_uploads_and_the_question_for_the_address(
    past: Past, database: Database
) -> None:
    account = await past.account(Network.FACEBOOK)
    await past.sent(account, NINE, evidence={"attachments": 3})
    hourly = quota(Network.FACEBOOK, 7, HOUR)
    text, album = await past.deliveries(account, 2)
    async with database.transaction() as session:
        await session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == album.id)
            .values(prepared={"0": {"photos": ["1"]}}, prepared_revision=1)
        )
    quotas = only(Network.FACEBOOK, hourly)
    assert await past.refused(quotas, candidate(account, text.id)) == {}  # 3 + 2 and 2
    assert set(await past.refused(quotas, candidate(account, album.id))) == {album.id}
    comment = candidate(account, text.id, part=1)
    assert set(
        await past.refused(
            quotas, candidate(account, text.id), candidate(account, album.id, part=1)
        )
    ) == {album.id}
    assert await past.refused(quotas, comment, candidate(account, album.id, part=1)) == {}


async def test_a_place_that_was_told_to_somebody_is_not_told_again(
    past: Past, database: Database
) -> None:
    account = await past.account(Network.INSTAGRAM)
    await past.sent(account, NINE, NINE + HOUR)
    (waiting,) = await past.deliveries(account, 1)
    async with database.transaction() as session:
        await session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == waiting.id)
            .values(status=DeliveryStatus.DEFERRED, deferred_until=NINE + DAY)
        )
    quotas = only(Network.INSTAGRAM, quota(Network.INSTAGRAM, 2))
    assert await past.until(account, quotas, NINE + HOUR) == NINE + HOUR + DAY
    again = await past.refused(quotas, candidate(account, waiting.id, at=NINE + HOUR))
    assert again[waiting.id].until == NINE + DAY  # its own place is no obstacle to it


async def test_a_place_that_was_told_bars_nobody_who_has_room_now(
    past: Past, database: Database
) -> None:
    account = await past.account(Network.INSTAGRAM)
    (waiting,) = await past.deliveries(account, 1)
    async with database.transaction() as session:
        await session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == waiting.id)
            .values(status=DeliveryStatus.DEFERRED, deferred_until=NINE + HOUR)
        )
    quotas = only(Network.INSTAGRAM, quota(Network.INSTAGRAM, 1))
    assert await past.until(account, quotas, NINE) is None


async def written(
    session: AsyncSession, account: TargetAccount, wanted: Sequence[Delivery], limit: int
) -> int:
    """Ask, and write the attempts of those that are admitted, as a worker does; their number."""
    candidates = [candidate(account, one.id) for one in wanted]
    quotas = only(account.network, quota(account.network, limit))
    refusals = await exhausted(session, candidates, quotas)
    rows = [
        {
            "id": new_id(),
            "delivery_id": one.id,
            "root_id": one.root_id,
            "account_id": account.account_id,
            "part": 0,
            "number": 1,
            "revision": 1,
            "evidence": {},
            "started_at": NINE,
        }
        for one in wanted
        if one.id not in refusals
    ]
    if rows:
        await session.execute(insert(AttemptRow), rows)
    return len(rows)


async def is_waiting_for_a_lock(database: Database) -> bool:
    """Whether some transaction waits for another one."""
    query = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
    async with database.transaction() as session:
        return bool((await session.execute(query)).scalar_one())


@pytest.mark.parametrize("known", [True, False])
async def test_who_asks_at_the_same_time_waits_and_counts_what_the_first_has_written(
    past: Past, database: Database, known: bool
) -> None:
    account = await past.account(Network.INSTAGRAM)
    if known:  # its row is there already, and nobody has to wait for an insert
        await past.until(account, only(account.network), NINE)
    wanted = await past.deliveries(account, 10)

    async def second_worker() -> int:
        async with database.transaction() as session:
            return await written(session, account, wanted[5:], 7)

    async with database.transaction() as session:
        assert await written(session, account, wanted[:5], 7) == 5
        second = asyncio.create_task(second_worker())
        async with asyncio.timeout(PATIENCE):
            while not await is_waiting_for_a_lock(database):
                assert not second.done(), "it counted without waiting for what is being written"
                await asyncio.sleep(0.005)
    assert await second == 2


async def test_many_workers_never_send_more_than_allowed_together(
    past: Past, database: Database
) -> None:
    account = await past.account(Network.INSTAGRAM)
    wanted = await past.deliveries(account, 20)

    async def worker(share: Sequence[Delivery]) -> int:
        async with database.transaction() as session:
            return await written(session, account, share, 7)

    assert sum(await asyncio.gather(*(worker(wanted[n::4]) for n in range(4)))) == 7


async def test_workers_with_the_same_accounts_in_any_order_do_not_lock_one_another_up(
    past: Past, database: Database
) -> None:
    accounts = [await past.account(Network.X) for _ in range(6)]
    quotas = only(Network.X, quota(Network.X, 5))

    async def ask(order: Sequence[TargetAccount]) -> None:
        await past.refused(quotas, *(candidate(account) for account in order))

    async def hold(account: TargetAccount) -> None:
        async with database.transaction() as session:
            await hold_account(session, account.account_id, NINE, TOO_MANY)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(
            ask(accounts), ask(accounts[::-1]), ask(accounts[3:] + accounts[:3]), hold(accounts[5])
        )


async def test_a_network_s_word_holds_the_account_until_then(past: Past) -> None:
    account = await past.account(Network.X)
    until = NINE + timedelta(minutes=10)
    async with past.database.transaction() as session:
        await hold_account(session, account.account_id, until, TOO_MANY)
    wanted = candidate(account)
    for quotas in (only(Network.X), only(Network.X, quota(Network.X, 100))):
        refusal = (await past.refused(quotas, wanted))[wanted.delivery_id]
        assert refusal.until == until
        assert refusal.reason.type == "rate_limited"
        assert refusal.reason.message == (
            "X wants corner_bakery to wait: X allows no more posts for now. This one is to leave at"
            f" {until:%Y-%m-%d %H:%M:%S} UTC."
        )
        assert refusal.reason.evidence == {
            "until": until.isoformat(),
            "told": TOO_MANY.as_json(),
        }
        assert await past.until(account, quotas, until) is None


async def test_after_a_hold_the_quota_still_counts(past: Past) -> None:
    account = await past.account(Network.X)
    await past.sent(account, NINE)
    async with past.database.transaction() as session:
        await hold_account(session, account.account_id, NINE + SECOND, TOO_MANY)
    assert await past.until(account, only(Network.X, quota(Network.X, 1)), NINE) == NINE + DAY


async def test_an_answer_with_nothing_left_holds_the_account_too(past: Past) -> None:
    account = await past.account(Network.X)
    async with past.database.transaction() as session:
        reason = allowance_spent(Network.X, NINE + HOUR)
        await hold_account(session, account.account_id, NINE + HOUR, reason)
    wanted = candidate(account)
    refusal = (await past.refused(only(Network.X), wanted))[wanted.delivery_id]
    assert refusal.until == NINE + HOUR
    assert refusal.reason.message.startswith(
        "X wants corner_bakery to wait: X takes nothing more from it for now. "
    )


async def test_a_hold_is_only_ever_made_later(past: Past) -> None:
    account = await past.account(Network.X)
    for until, message in ((NINE + HOUR, "An hour."), (NINE + SECOND, "A second.")):
        async with past.database.transaction() as session:
            reason = Reason(type="rate_limited", message=message, evidence={})
            await hold_account(session, account.account_id, until, reason)
    async with past.database.transaction() as session:
        row = await session.get(AccountLimitRow, account.account_id)
    assert row is not None
    assert row.limited_until == NINE + HOUR
    assert row.reason == {"type": "rate_limited", "message": "An hour.", "evidence": {}}


async def test_an_account_without_quotas_costs_nothing(past: Past, database: Database) -> None:
    account = await past.account(Network.FEED)
    with statements_of(database) as sent:
        await past.refused(only(Network.X, quota(Network.X, 1)), candidate(account))
    assert sent == []


async def test_a_batch_costs_the_same_however_large_it_is(past: Past, database: Database) -> None:
    accounts = [await past.account(Network.FACEBOOK) for _ in range(40)]
    for limit, expected in ((10_000, 3), (2, 6)):
        quotas = only(Network.FACEBOOK, quota(Network.FACEBOOK, limit))
        costs = []
        for some in (accounts[:1], accounts[:20], accounts):
            wanted = [candidate(account) for account in some for _ in range(5)]
            with statements_of(database) as sent:
                refusals = await past.refused(quotas, *wanted)
            costs.append(len(sent))
            assert len(refusals) == (0 if limit == 10_000 else 4 * len(some))
        # The rows, their locks, the amounts; where it is tight what was sent, told and uploaded.
        assert costs == [expected] * 3
