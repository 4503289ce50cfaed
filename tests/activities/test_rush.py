"""What leaves together: no more at once than there may be connections, and others wait for it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.rush import ANSWERED_PER_SECOND, MOST_UNDER_WAY, PACED, SHORTEST, Rush
from domain.networks import Network

SECOND = datetime(2026, 7, 1, 9, tzinfo=UTC)
DEPARTURE = MOST_UNDER_WAY // 2


def rush(crowd: int, *, now: datetime = SECOND) -> Rush:
    """One whose clock stands."""
    return Rush(SECOND, crowd, lambda: now)


async def is_let_go(work: "asyncio.Task[None]") -> bool:
    """Whether it is, once everything that could let it go has run."""
    for _ in range(5):
        await asyncio.sleep(0)
    return work.done()


async def test_more_than_there_is_room_for_leave_when_others_are_answered() -> None:
    leaving = rush(3 * DEPARTURE)
    await leaving.let_go(Network.X, DEPARTURE, SECOND)
    await leaving.let_go(Network.X, DEPARTURE, SECOND)
    third = asyncio.create_task(leaving.let_go(Network.X, DEPARTURE, SECOND))
    for _ in range(DEPARTURE - 1):
        leaving.answered(Network.X)
    assert not await is_let_go(third)
    leaving.answered(Network.X)
    assert await is_let_go(third)


async def test_what_leaves_at_a_slow_pace_needs_no_room() -> None:
    leaving = rush(3 * DEPARTURE)
    await leaving.let_go(Network.X, 2 * DEPARTURE, SECOND)
    await leaving.let_go(Network.X, DEPARTURE, SECOND + 2 * PACED)


async def test_a_network_that_hangs_keeps_no_other_from_leaving() -> None:
    leaving = rush(3 * DEPARTURE)
    await leaving.let_go(Network.X, 2 * DEPARTURE, SECOND)
    await leaving.let_go(Network.FACEBOOK, DEPARTURE, SECOND)


async def test_it_is_over_when_all_are_answered() -> None:
    leaving = rush(2)
    await leaving.let_go(Network.X, 1, SECOND)
    await leaving.let_go(Network.FACEBOOK, 1, SECOND)
    leaving.answered(Network.X)
    assert not leaving.is_over
    waiting = asyncio.create_task(leaving.end())
    assert not await is_let_go(waiting)
    leaving.answered(Network.FACEBOOK)
    assert leaving.is_over
    await waiting


@pytest.mark.parametrize(
    ("crowd", "patience"),
    [(10, SHORTEST), (30_000, timedelta(seconds=30_000 / ANSWERED_PER_SECOND))],
)
async def test_nobody_waits_for_it_longer_than_its_size_takes(
    crowd: int, patience: timedelta
) -> None:
    slow = rush(crowd, now=SECOND + patience)
    await slow.let_go(Network.X, crowd, SECOND)
    await slow.end()
    early = rush(crowd, now=SECOND + patience - timedelta(seconds=1))
    await early.let_go(Network.X, crowd, SECOND)
    waiting = asyncio.create_task(early.end())
    assert not await is_let_go(waiting)
    waiting.cancel()
