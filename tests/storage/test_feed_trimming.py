"""Home feeds do not grow for ever: what is far down goes while new entries come in."""

import json
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import insert, select

from domain.ids import new_id
from storage.database import Database
from storage.feed import spreading, trimming
from storage.feed.trimming import KEPT, ONE_IN, trim, whose_turn
from storage.tables import HomeEntryRow
from tests.sent_statements import nodes, sent_to
from tests.storage.test_feed_fan_out import People


@pytest.fixture
def people(database: Database) -> People:
    """Nobody yet."""
    return People(database)


async def fill(database: Database, user: UUID, count: int) -> list[UUID]:
    """So many entries in somebody's home feed, the earliest first."""
    entries = [new_id() for _ in range(count)]
    rows = [
        {"user_id": user, "entry_id": entry, "actor_id": user, "post_id": entry}
        for entry in entries
    ]
    async with database.transaction() as session:
        await session.execute(insert(HomeEntryRow), rows)
    return entries


async def entries_of(database: Database, user: UUID) -> Sequence[UUID]:
    """What is left, the earliest first."""
    query = select(HomeEntryRow.entry_id).where(HomeEntryRow.user_id == user)
    async with database.transaction() as session:
        return (await session.scalars(query.order_by(HomeEntryRow.entry_id))).all()


async def test_only_what_is_below_the_latest_goes(database: Database, people: People) -> None:
    full, brimful, other = await people.make("full", "brimful", "other")
    entries = {user: await fill(database, user, 5) for user in (full, other)}
    entries[brimful] = await fill(database, brimful, 3)
    async with database.transaction() as session:
        await trim(session, [full, brimful], kept=3)
    assert await entries_of(database, full) == entries[full][2:]
    assert await entries_of(database, brimful) == entries[brimful]
    assert await entries_of(database, other) == entries[other]


def test_each_entry_chooses_a_few_and_over_time_all_get_their_turn() -> None:
    users, entries = [new_id() for _ in range(200)], [new_id() for _ in range(ONE_IN * 20)]
    turns = [whose_turn(entry, users) for entry in entries]
    assert {user for turn in turns for user in turn} == set(users)
    assert max(len(turn) for turn in turns) < len(users) / 8


async def test_an_entry_that_comes_in_trims_whose_turn_it_is(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, fan, late = await people.make("author", "fan", "late")
    entries = {user: await fill(database, user, KEPT + 2) for user in (author, fan, late)}
    for user in (fan, late):
        await people.follow(user, author)
    monkeypatch.setattr(trimming, "ONE_IN", 1)  # everybody's turn
    post = await people.publish(author)
    async with database.transaction() as session:
        step = await spreading.spread(session, post, limit=1)  # which reaches the first of the two
    assert step is not None
    assert step.reached == (fan,)
    for user in (author, fan):
        assert await entries_of(database, user) == [*entries[user][3:], post]
    assert len(await entries_of(database, late)) == KEPT + 2


async def test_whoever_trims_the_same_feed_does_not_wait(
    database: Database, people: People
) -> None:
    [full] = await people.make("full")
    await fill(database, full, 5)
    async with database.transaction() as one:
        await trim(one, [full], kept=3)
        async with database.transaction() as other:
            await trim(other, [full], kept=3)
    assert len(await entries_of(database, full)) == 3


async def test_what_goes_is_looked_for_once_even_by_a_plan_for_an_empty_table(
    database: Database, database_dsn: str, people: People
) -> None:
    full = await people.make(*(f"full{number}" for number in range(20)))
    planner = await asyncpg.connect(database_dsn)
    rows = [
        {"user_id": user, "entry_id": entry, "actor_id": user, "post_id": entry}
        for user in full
        for entry in (new_id() for _ in range(10))
    ]
    async with database.transaction() as session:
        await session.execute(insert(HomeEntryRow), rows)
        await planner.execute("ANALYZE home_entries")  # which sees none of them yet
    with sent_to(database) as sent:
        async with database.transaction() as session:
            await trim(session, full, kept=5)
            await session.rollback()
    [(statement, parameters)] = sent
    async with planner.transaction():
        plan = await planner.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
    await planner.close()
    looked = [
        node for node in nodes(json.loads(plan)[0]["Plan"]) if node["Node Type"] == "LockRows"
    ]
    assert [node["Actual Loops"] for node in looked] == [1]
