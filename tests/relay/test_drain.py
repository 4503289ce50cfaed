"""The loop that lets go of what was held: by itself, at its pace, whatever becomes of others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from domain.networks import Network
from domain.switches import Reach
from relay.drain import Drain
from storage.database import Database, DatabaseUnavailable
from storage.tables import OutboxRow
from tests.free_port import free_port
from tests.storage.held_posts import RULES, Publishing

PACES = dict.fromkeys(Network, 50.0)


@pytest.fixture
def publishing(database: Database) -> Publishing:
    """What workers and operators do."""
    return Publishing(database)


@asynccontextmanager
async def draining(database: Database, number: int = 1) -> AsyncIterator[None]:
    """So many drains at work, as in so many processes."""
    drains = [Drain(database=database, rules=RULES, paces=PACES) for _ in range(number)]
    running = [asyncio.create_task(drain.run()) for drain in drains]
    yield
    for drain in drains:
        drain.stop()
    await asyncio.gather(*running)


async def until(condition: Callable[[], Any]) -> None:
    """Wait for it."""
    async with asyncio.timeout(60):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


async def test_what_was_held_on_several_networks_leaves_by_itself_at_its_pace(
    publishing: Publishing, database: Database
) -> None:
    bakery = await publishing.workspace()
    on_x = await publishing.account(bakery)
    on_feed = await publishing.account(bakery, Network.FEED)
    made = await publishing.write(bakery, on_x, number=120)
    made += await publishing.write(bakery, on_feed, number=10)
    await publishing.hold(Reach.EVERYTHING)
    await publishing.ask(made)

    async def is_done() -> bool:
        return await publishing.count_held() == 0

    async with draining(database, 2):
        await publishing.lift(Reach.EVERYTHING)
        await until(is_done)
    async with database.transaction() as session:
        query = select(OutboxRow.created_at).order_by(OutboxRow.created_at)
        times: list[datetime] = list((await session.scalars(query)).all())
    assert len(times) == 130
    # 50 a second, and a second's worth for what a busy machine could not keep up with.
    for first, last in zip(times, times[115:], strict=False):
        assert (last - first).total_seconds() >= (115 - 10 - 51) / 50


async def test_a_database_that_is_away_does_not_end_it() -> None:
    away = Database(f"postgresql://postgres@127.0.0.1:{free_port()}/gone", pool_size=1)
    drain = Drain(database=away, rules=RULES, paces=PACES)
    assert await drain._release_somewhere() == 0
    with pytest.raises(DatabaseUnavailable):
        await drain.release_all()
    await away.close()
