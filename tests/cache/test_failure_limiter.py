"""Who fails too often is not heard any more for a while."""

import asyncio
from datetime import timedelta

import pytest

from cache.failure_limiter import FailureLimiter
from cache.memory_store import InMemoryStore
from cache.rate_limiter import RateLimiter
from cache.rates import Rate, RateExceeded
from tests.cache.fake_clock import FakeClock


class Refused(Exception):
    """The credential is wrong."""


class Door:
    """Opens for one word; counts who comes so far as to try it."""

    def __init__(self, limiter: FailureLimiter) -> None:
        """The word is "open"."""
        self._limiter = limiter
        self.tried = 0
        self.word = "open"

    async def knock(self, word: str, *, who: str = "somebody") -> None:
        """Raises Refused, RateExceeded."""
        async with self._limiter.attempt(who, word, failure=Refused):
            self.tried += 1
            await asyncio.sleep(0)
            if word != self.word:
                raise Refused


@pytest.fixture
def shared(clock: FakeClock) -> InMemoryStore:
    """Where failures are counted."""
    return InMemoryStore(clock=clock)


@pytest.fixture
def door(shared: InMemoryStore, clock: FakeClock) -> Door:
    """Three failures a minute."""
    return new_door(shared, clock)


def new_door(shared: InMemoryStore, clock: FakeClock) -> Door:
    counted = RateLimiter(shared, name="test", rate=Rate.per_minute(3))
    return Door(FailureLimiter(counted, clock=clock))


async def fail(door: Door, times: int, *, who: str = "somebody") -> None:
    for _ in range(times):
        with pytest.raises(Refused):
            await door.knock("wrong", who=who)


async def test_bars_after_too_many_failures(door: Door, clock: FakeClock) -> None:
    await fail(door, 3)
    for _ in range(5):
        with pytest.raises(RateExceeded) as barred:
            await door.knock("wrong")
    assert door.tried == 3
    assert barred.value.rate.limit == 3
    assert timedelta(seconds=19.9) < barred.value.retry_after <= timedelta(seconds=20)
    clock.advance(20.1)
    await fail(door, 1)
    with pytest.raises(RateExceeded):
        await door.knock("wrong")
    assert door.tried == 4


async def test_others_are_not_barred(door: Door) -> None:
    await fail(door, 3)
    await fail(door, 1, who="somebody else")


async def test_a_bar_holds_for_words_that_may_be_right(door: Door) -> None:
    await fail(door, 3)
    with pytest.raises(RateExceeded):
        await door.knock("open")


async def test_success_costs_nothing(door: Door) -> None:
    for _ in range(100):
        await door.knock("open")
    await fail(door, 3)


async def test_what_proved_right_is_not_barred(door: Door, clock: FakeClock) -> None:
    await door.knock("open")
    await fail(door, 3)
    for _ in range(10):
        await door.knock("open")
    clock.advance(601)
    await fail(door, 3)
    with pytest.raises(RateExceeded):
        await door.knock("open")


async def test_what_is_right_no_more_counts_as_wrong(door: Door) -> None:
    await door.knock("open")
    door.word = "sesame"
    for _ in range(3):
        with pytest.raises(Refused):
            await door.knock("open")
    with pytest.raises(RateExceeded):
        await door.knock("open")


async def test_other_errors_count_neither_way(door: Door) -> None:
    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            async with door._limiter.attempt("somebody", "open", failure=Refused):
                raise ZeroDivisionError
    await fail(door, 3)
    with pytest.raises(RateExceeded):
        await door.knock("open")


async def test_many_guesses_at_once_do_not_slip_through(door: Door) -> None:
    outcomes = await asyncio.gather(
        *(door.knock(f"guess {n}") for n in range(500)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, RateExceeded) for outcome in outcomes) == 497
    assert door.tried < 3 + 4


async def test_another_process_learns_of_it_by_one_attempt(
    door: Door, shared: InMemoryStore, clock: FakeClock
) -> None:
    await fail(door, 3)
    other = new_door(shared, clock)
    for _ in range(5):
        with pytest.raises(RateExceeded):
            await other.knock("wrong")
    assert other.tried == 1
