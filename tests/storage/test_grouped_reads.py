"""Many who ask at one moment are answered by one statement, each with their own."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import pytest
from sqlalchemy import Integer, Select, bindparam, cast, column, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY

from domain.ids import new_id
from storage.database import Database, DatabaseUnavailable
from storage.grouped_reads import MOST, GroupedReads
from storage.reading import FixedRead, Reader
from storage.tables import WorkspaceRow
from tests.free_port import free_port
from tests.postgres_server import DISCONNECT_OTHERS, PostgresServer


def _doubled() -> Select[Any]:
    numbers = func.unnest(bindparam("numbers", type_=ARRAY(Integer)))
    asked = numbers.table_valued(
        column("number", Integer), with_ordinality="place", name="asked"
    ).render_derived()
    number = asked.c.number
    return select(number * 2 / cast(number != 0, Integer)).order_by(asked.c.place)


DOUBLED: Final = FixedRead(_doubled())
"""Of nought it fails."""


class Doubling:
    """Has PostgreSQL double numbers, and keeps which were asked together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun = asyncio.Semaphore(0)
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def __call__(self, reader: Reader, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        self.begun.release()
        await self.may_go.wait()
        return [row[0] for row in await reader.rows(DOUBLED, numbers=list(numbers))]


@pytest.fixture
def doubling() -> Doubling:
    return Doubling()


@pytest.fixture
def doubled(database: Database, doubling: Doubling) -> GroupedReads[int, int]:
    return GroupedReads(database, doubling)


async def test_each_is_answered_with_its_own(
    doubled: GroupedReads[int, int], doubling: Doubling
) -> None:
    asked = [1, 7, 3, 7, 1]
    assert await asyncio.gather(*map(doubled, asked)) == [2, 14, 6, 14, 2]
    assert doubling.groups == [[1, 7, 3]], "one statement, each number once"


async def test_who_asks_while_others_are_answered_is_asked_for_by_a_later_statement(
    doubled: GroupedReads[int, int], doubling: Doubling
) -> None:
    doubling.may_go.clear()
    first = asyncio.create_task(doubled(1))
    await doubling.begun.acquire()
    later = [asyncio.create_task(doubled(1)), asyncio.create_task(doubled(9))]
    await asyncio.sleep(0)
    assert doubling.groups == [[1]]
    doubling.may_go.set()
    assert [await first, *await asyncio.gather(*later)] == [2, 2, 18]
    assert doubling.groups[1:] == [[1, 9]], "what one asked for before is read again"


async def test_a_crowd_takes_several_statements(
    doubled: GroupedReads[int, int], doubling: Doubling
) -> None:
    crowd = range(1, 2 * MOST + 2)
    assert await asyncio.gather(*map(doubled, crowd)) == [2 * number for number in crowd]
    assert sorted(map(len, doubling.groups)) == [1, MOST, MOST]


async def test_a_failure_reaches_everybody_who_shared_it_and_nobody_else(
    doubled: GroupedReads[int, int],
) -> None:
    answers = await asyncio.gather(*map(doubled, [4, 0, 5]), return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncpg.DivisionByZeroError] * 3
    assert await doubled(4) == 8


async def test_who_goes_away_takes_nobody_along(
    doubled: GroupedReads[int, int], doubling: Doubling
) -> None:
    doubling.may_go.clear()
    leaving, staying, same = (asyncio.create_task(doubled(number)) for number in (1, 2, 1))
    await doubling.begun.acquire()
    leaving.cancel()
    doubling.may_go.set()
    assert [await staying, await same] == [4, 2]
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_without_a_server_everybody_is_told(doubling: Doubling) -> None:
    database = Database(f"postgresql://postgres@127.0.0.1:{free_port()}/gone")
    doubled = GroupedReads(database, doubling)
    answers = await asyncio.gather(*map(doubled, [1, 2]), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2
    await database.close()


async def test_after_an_outage_it_answers_again(
    doubled: GroupedReads[int, int],
    doubling: Doubling,
    database_dsn: str,
    postgres_server: PostgresServer,
) -> None:
    doubling.may_go.clear()
    cut = asyncio.create_task(doubled(1))
    await doubling.begun.acquire()
    await postgres_server.execute(DISCONNECT_OTHERS, database=database_dsn.rsplit("/", 1)[-1])
    doubling.may_go.set()
    with pytest.raises(DatabaseUnavailable):
        await cut
    assert await doubled(1) == 2


async def test_what_was_committed_before_the_question_is_in_the_answer(
    database: Database,
) -> None:
    counting = FixedRead(select(func.count()).select_from(WorkspaceRow))

    async def count(reader: Reader, asked: Sequence[str]) -> list[int]:
        [(number,)] = await reader.rows(counting)
        return [number] * len(asked)

    counted = GroupedReads(database, count)
    crowd = [asyncio.create_task(counted("before")) for _ in range(3)]
    for number in range(1, 20):
        async with database.transaction() as session:
            await session.execute(insert(WorkspaceRow).values(id=new_id(), name="Bakery"))
        crowd.append(asyncio.create_task(counted("before")))
        assert await counted("now") >= number
    await asyncio.gather(*crowd)
