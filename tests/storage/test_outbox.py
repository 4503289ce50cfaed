"""The outbox under many relays: earliest first, one post's items in order, each to one relay."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import func, select, update

from storage import outbox
from storage.database import Database
from storage.outbox import CHANNEL, NewItem, OutboxItem, OutboxKind
from storage.tables import OutboxRow
from tests.patience import PATIENCE

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
WORKSPACE = uuid4()


class Relay:
    """Decides items and takes them, each in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        """Its database."""
        self._database = database

    async def decide(
        self,
        post_id: UUID,
        due_at: datetime = NOON,
        workspace_id: UUID = WORKSPACE,
        **payload: object,
    ) -> None:
        """Put an item of that post into the outbox."""
        async with self._database.transaction() as session:
            await outbox.put(
                session,
                OutboxKind.START_POST,
                workspace_id=workspace_id,
                post_id=post_id,
                due_at=due_at,
                payload=payload,
            )

    async def lease(self, limit: int = 10) -> list[OutboxItem]:
        """Take what is to be done."""
        async with self._database.transaction() as session:
            return await outbox.lease(session, limit=limit, duration=LEASE)

    async def lease_in_turn(self, limit: int = 10) -> list[OutboxItem]:
        """Take each workspace's first."""
        async with self._database.transaction() as session:
            return await outbox.lease_in_turn(session, limit=limit, duration=LEASE)

    async def done(self, item: OutboxItem) -> None:
        """Remove it."""
        async with self._database.transaction() as session:
            await outbox.done(session, [item.id])

    async def backlog(self) -> int:
        """How much is waiting."""
        async with self._database.transaction() as session:
            return await outbox.backlog(session)


@pytest.fixture
def relay(database: Database) -> Relay:
    """A relay."""
    return Relay(database)


async def test_the_earliest_publish_time_comes_first(relay: Relay) -> None:
    late, early, middle = uuid4(), uuid4(), uuid4()
    await relay.decide(late, NOON + timedelta(hours=2))
    await relay.decide(early, NOON)
    await relay.decide(middle, NOON + timedelta(hours=1))
    assert [item.subject_id for item in await relay.lease(2)] == [early, middle]
    assert [item.subject_id for item in await relay.lease(2)] == [late]


async def test_items_of_one_post_come_one_at_a_time_and_in_the_order_decided(relay: Relay) -> None:
    post = uuid4()
    for number in range(3):
        await relay.decide(post, NOON - timedelta(hours=number), number=number)
    done = []
    while items := await relay.lease():
        (item,) = items
        assert await relay.lease() == []
        done.append(item.payload["number"])
        await relay.done(item)
    assert done == [0, 1, 2]
    assert await relay.backlog() == 0


async def test_many_decided_at_once_keep_their_order(relay: Relay, database: Database) -> None:
    post, other = uuid4(), uuid4()
    decided = [
        NewItem(
            kind=OutboxKind.CANCEL_DELIVERIES,
            workspace_id=WORKSPACE,
            post_id=post if number % 2 else other,
            due_at=NOON,
            payload={"number": number},
        )
        for number in range(6)
    ]
    async with database.transaction() as session:
        await outbox.put_many(session, decided)
        await outbox.put_many(session, [])
    done: dict[UUID, list[int]] = {post: [], other: []}
    while items := await relay.lease():
        for item in items:
            assert item.kind is OutboxKind.CANCEL_DELIVERIES
            done[item.subject_id].append(item.payload["number"])
            await relay.done(item)
    assert done == {post: [1, 3, 5], other: [0, 2, 4]}


async def test_two_relays_never_take_the_same_item(relay: Relay) -> None:
    posts = [uuid4() for _ in range(40)]
    for post in posts:
        await relay.decide(post)
    taken = [item.subject_id for items in await _race(relay, limit=5) for item in items]
    assert len(taken) == len(set(taken))
    while items := await relay.lease():
        taken += [item.subject_id for item in items]
    assert sorted(taken) == sorted(posts)


async def test_a_lease_takes_no_more_than_its_limit(relay: Relay) -> None:
    for _ in range(60):
        await relay.decide(uuid4())
    assert all(len(items) <= 3 for items in await _race(relay, limit=3))


async def _race(relay: Relay, *, limit: int) -> list[list[OutboxItem]]:
    return await asyncio.gather(*(relay.lease(limit) for _ in range(8)))


async def test_what_a_dead_relay_had_taken_comes_back(relay: Relay, database: Database) -> None:
    await relay.decide(uuid4())
    (item,) = await relay.lease()
    assert await relay.lease() == []
    async with database.transaction() as session:
        await session.execute(update(OutboxRow).values(available_at=func.now()))
    (again,) = await relay.lease()
    assert (again.id, item.tries, again.tries) == (item.id, 1, 2)


async def test_what_cannot_be_done_now_waits_with_its_reason(
    relay: Relay, database: Database
) -> None:
    post, other = uuid4(), uuid4()
    await relay.decide(post, number=1)
    await relay.decide(post, number=2)
    (item,) = await relay.lease()
    async with database.transaction() as session:
        await outbox.postpone(session, item.id, wait=timedelta(minutes=1), error="away")
    await relay.decide(other)
    assert [one.subject_id for one in await relay.lease()] == [other]
    async with database.transaction() as session:
        row = (await session.scalars(select(OutboxRow).where(OutboxRow.id == item.id))).one()
        now = (await session.execute(select(func.now()))).scalar_one()
    assert row.last_error == "away"
    assert timedelta(seconds=50) < row.available_at - now <= timedelta(minutes=1)


async def test_relays_hear_of_what_was_committed_and_of_nothing_else(
    relay: Relay, database: Database, database_dsn: str
) -> None:
    heard = asyncio.Event()
    listening = await asyncpg.connect(database_dsn)
    try:
        await listening.add_listener(CHANNEL, lambda *_: heard.set())
        with pytest.raises(ZeroDivisionError):
            await _decide_and_fail(database)
        await listening.execute("SELECT 1")  # whatever was told comes before the answer
        assert not heard.is_set()
        await relay.decide(uuid4())
        await asyncio.wait_for(heard.wait(), timeout=PATIENCE)
    finally:
        await listening.close()
    assert await relay.backlog() == 1


async def _decide_and_fail(database: Database) -> None:
    async with database.transaction() as session:
        await outbox.put(
            session,
            OutboxKind.START_POST,
            workspace_id=WORKSPACE,
            post_id=uuid4(),
            due_at=NOON,
        )
        raise ZeroDivisionError


async def test_a_crowd_of_one_workspace_does_not_keep_another_waiting(relay: Relay) -> None:
    crowd, alone = uuid4(), uuid4()
    for _ in range(20):
        await relay.decide(uuid4(), workspace_id=crowd)
    wanted = uuid4()
    await relay.decide(wanted, NOON + timedelta(hours=1), workspace_id=alone)
    await relay.lease(limit=5)
    items = await relay.lease_in_turn()
    assert sorted(item.workspace_id for item in items) == sorted([crowd, alone])
    assert wanted in {item.subject_id for item in items}
    # Nobody gets them twice.
    again = await relay.lease_in_turn()
    assert [item.workspace_id for item in again] == [crowd]


async def test_in_turn_a_posts_items_come_in_order_too(relay: Relay) -> None:
    post, workspace = uuid4(), uuid4()
    await relay.decide(post, workspace_id=workspace, number=1)
    await relay.decide(post, NOON - timedelta(hours=1), workspace_id=workspace, number=2)
    [first] = await relay.lease_in_turn()
    assert first.payload == {"number": 1}
    assert await relay.lease_in_turn() == []
    await relay.done(first)
    [second] = await relay.lease_in_turn()
    assert second.payload == {"number": 2}


async def test_of_many_workspaces_those_with_the_earliest_items_have_their_turn(
    relay: Relay,
) -> None:
    hours = [3, 1, 4, 2, 5]
    for hour in hours:
        await relay.decide(uuid4(), NOON + timedelta(hours=hour), workspace_id=uuid4())
    turns = [await relay.lease_in_turn(limit=2) for _ in range(4)]
    assert [[(item.due_at - NOON) // timedelta(hours=1) for item in turn] for turn in turns] == [
        [1, 2],
        [3, 4],
        [5],
        [],
    ]


async def test_in_an_empty_outbox_nobody_has_a_turn(relay: Relay) -> None:
    assert await relay.lease_in_turn() == []
