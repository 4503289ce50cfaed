"""Work of one moment shares a transaction; nobody alone ever waits for company."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.group_commit import GroupCommit

FOR_EVER = 3600.0


class Doubling:
    """Doubles numbers, and remembers which of them came together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, _session: AsyncSession, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.may_end.wait()
        return [2 * item for item in items]


async def test_what_comes_while_one_commits_goes_into_the_next(database: Database) -> None:
    doubling = Doubling()
    doubled = GroupCommit(database, doubling)
    first = asyncio.create_task(doubled(1))
    await doubling.begun.wait()
    others = [asyncio.create_task(doubled(item)) for item in (2, 3)]
    await asyncio.sleep(0)
    doubling.may_end.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert doubling.batches == [[1], [2, 3]]


async def test_a_lone_item_never_gathers(database: Database) -> None:
    doubling = Doubling()
    doubling.may_end.set()
    doubled = GroupCommit(database, doubling, gathering=lambda _waiting: FOR_EVER)
    assert [await doubled(item) for item in (1, 2)] == [2, 4]
    assert doubling.batches == [[1], [2]]


async def test_a_stream_gathers_before_its_next_transaction(database: Database) -> None:
    doubling = Doubling()
    later: list[asyncio.Task[int]] = []

    def gathering(waiting: Sequence[int]) -> float:
        assert list(waiting) == [2]
        later.append(asyncio.create_task(doubled(3)))
        return 0.01

    doubled = GroupCommit(database, doubling, gathering=gathering)
    first = asyncio.create_task(doubled(1))
    await doubling.begun.wait()
    second = asyncio.create_task(doubled(2))
    await asyncio.sleep(0)
    doubling.may_end.set()
    assert (await first, await second) == (2, 4)
    assert await later[0] == 6
    assert doubling.batches == [[1], [2, 3]]
