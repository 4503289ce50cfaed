"""Many requests at once, and never more than so many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def each(limit: int, items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> Sequence[R]:
    """The results of `work` in the order of `items`, at most `limit` at a time.

    The first error ends all of it.
    """
    waiting = list(enumerate(items))
    results: dict[int, R] = {}
    waiting.reverse()

    async def carry_out() -> None:
        while waiting:
            number, item = waiting.pop()
            results[number] = await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(limit, len(waiting))):
                group.create_task(carry_out())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [results[number] for number in sorted(results)]
