"""Many at once, never more than so many."""

import asyncio

import pytest

from bench.concurrency import each


async def test_results_keep_the_order_of_the_items() -> None:
    """However long each takes."""

    async def double(number: int) -> int:
        await asyncio.sleep(0 if number % 2 else 0.001)
        return 2 * number

    assert list(await each(3, range(6), double)) == [0, 2, 4, 6, 8, 10]


async def test_no_more_run_at_once_than_allowed() -> None:
    """All of them are carried out all the same."""
    running = most = 0

    async def work(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    assert len(await each(4, range(20), work)) == 20
    assert most == 4


async def test_the_first_error_comes_out_as_it_was() -> None:
    """And nothing more is begun."""

    async def fail(number: int) -> None:
        raise LookupError(number)

    with pytest.raises(LookupError):
        await each(2, range(5), fail)
