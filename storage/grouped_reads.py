"""Reads of one moment share a statement; who asks while others are answered goes with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from storage.database import Database
from storage.reading import Reader

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")

Read = Callable[[Reader, Sequence[Key]], Awaitable[Sequence[Found]]]
"""Asks of different keys by one statement, and answers in their order."""

MOST: Final = 250
"""Keys of one statement."""


class GroupedReads(Generic[Key, Found]):
    """Called once for each question, by many tasks at once; a lone one never waits for company.

    A statement is sent after everybody whom it answers has asked. So whoever asks after a commit
    is told of it, as if they had read alone. One statement is on its way at any time: two would
    share the questions, and each costs the database much the same for ten of them as for twenty.
    """

    def __init__(self, database: Database, read: Read[Key, Found]) -> None:
        """`read` gets the keys of one moment, each once."""
        self._database = database
        self._read = read
        self._waiting: dict[Key, list[asyncio.Future[Found]]] = {}
        self._answering: asyncio.Task[None] | None = None

    async def __call__(self, key: Key) -> Found:
        """What is read for the key. Raises DatabaseUnavailable."""
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._answering is None:
            # It begins when everything that is ready now has run, and so has asked.
            self._answering = asyncio.create_task(self._answer_all())
        return await answer

    async def _answer_all(self) -> None:
        while self._waiting:
            asked: _Asked[Key, Found] = {}
            try:
                async with self._database.reading() as reader:
                    while self._waiting:
                        asked = self._take()
                        _tell(asked, await self._read(reader, list(asked)))
            except Exception as error:  # noqa: BLE001  it belongs to those who wait
                _refuse(asked or self._take(), error)
        self._answering = None  # before anybody else can ask

    def _take(self) -> "_Asked[Key, Found]":
        waiting = list(self._waiting.items())
        self._waiting = dict(waiting[MOST:])
        return dict(waiting[:MOST])


_Asked = dict[Key, list[asyncio.Future[Found]]]


def _tell(asked: _Asked[Key, Found], found: Sequence[Found]) -> None:
    for answers, one in zip(asked.values(), found, strict=True):
        for answer in answers:
            if not answer.done():  # whoever asked may have gone away
                answer.set_result(one)


def _refuse(asked: _Asked[Key, Found], error: Exception) -> None:
    """Tell those who have no answer yet."""
    for answers in asked.values():
        for answer in answers:
            if not answer.done():
                answer.set_exception(error)
