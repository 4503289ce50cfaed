"""Work of one moment shares a transaction: what waits while one commits goes into the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.outcomes import IllegalTransition

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[AsyncSession, Sequence[T]], Awaitable[Sequence[R | Exception]]]
"""Does the same to many items, and answers in their order; an Exception is that item's alone."""

Gathering = Callable[[Sequence[T]], float]
"""For how many seconds these, who came while others committed, may wait for more company."""

MOST = 250
"""Items of one transaction: beyond it a larger one gains nothing and holds locks for longer."""


ENOUGH = 25
"""Items that need no more company: what a transaction costs is theirs and not its own by then."""

STREAM_PAUSE = 0.2
"""Seconds that work which nobody waits for lets gather while there is a stream of it."""


def in_streams(items: Sequence[object]) -> float:
    """A gathering for what comes in streams that nobody watches."""
    return 0.0 if len(items) >= ENOUGH else STREAM_PAUSE


def _at_once(_items: Sequence[object]) -> float:
    return 0.0


class GroupCommit(Generic[T, R]):
    """Called once for each item, by many tasks at once. A lone item never waits for company."""

    def __init__(
        self,
        database: Database,
        work: Work[T, R],
        *,
        most: int = MOST,
        gathering: Gathering[T] = _at_once,
    ) -> None:
        """`work` runs in a transaction that it does not close.

        A transaction costs much the same for one item as for twenty. Where nobody watches the
        clock, a steady stream of items is cheaper when each transaction lets a few more come.
        """
        self._database = database
        self._work = work
        self._most = most
        self._gathering = gathering
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._commits: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Do it to this item; when this returns it is committed.

        Raises what the work says of the item, or DatabaseUnavailable.
        """
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._commits is None or self._commits.done():
            self._commits = asyncio.create_task(self._commit_all())
        return await done

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._commit(batch)
            waiting = [item for item, _ in self._waiting]
            if waiting and (pause := self._gathering(waiting)):
                await asyncio.sleep(pause)

    async def _commit(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            async with self._database.transaction() as session:
                results = await self._work(session, [item for item, _ in batch])
        except (StatementError, IllegalTransition) as error:
            if len(batch) == 1:
                _tell(batch[0][1], error)
                return
            # One of them spoiled it for all; alone, each learns whether it was the one.
            for one in batch:
                await self._commit([one])
        except Exception as error:  # noqa: BLE001  it belongs to those who wait
            for _, done in batch:
                _tell(done, error)
        else:
            for (_, done), result in zip(batch, results, strict=True):
                _tell(done, result)


def _tell(done: asyncio.Future[R], result: R | Exception) -> None:
    if done.done():  # whoever asked was cancelled meanwhile
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)
