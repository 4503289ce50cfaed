"""One at a time makes what many ask for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class SingleFlight(Generic[Made]):
    """Whoever asks for a thing while it is being made waits for that one, in this process."""

    def __init__(self) -> None:
        """Nothing is being made."""
        self._under_way: dict[str, asyncio.Task[Made]] = {}

    async def do(self, key: str, make: Callable[[], Awaitable[Made]]) -> Made:
        """The thing that is made by whoever asked first. Raises what making it raises.

        It is finished for the others, and for the next to ask, when the first has gone away.
        """
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(_made(make))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def _forget(self, key: str, done: asyncio.Task[Made]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # told to those who still wait; nobody may be left


async def _made(make: Callable[[], Awaitable[Made]]) -> Made:
    return await make()
