"""Limits over time, and over processes."""

import asyncio
from datetime import timedelta

import pytest

from cache.memory_store import InMemoryStore
from cache.rate_limiter import RateLimiter
from cache.rates import Rate
from cache.redis_store import RedisStore
from tests.cache.fake_clock import FakeClock
from tests.cache.redis_server import PATIENCE, RedisServer

SIX_A_MINUTE = Rate.per_minute(6)


@pytest.fixture
def limiter(clock: FakeClock) -> RateLimiter:
    """Six a minute."""
    return RateLimiter(InMemoryStore(clock=clock), name="test", rate=SIX_A_MINUTE)


async def admitted(limiter: RateLimiter, times: int, subject: str = "a") -> int:
    answers = [await limiter.admit(subject) for _ in range(times)]
    return sum(answer.admitted for answer in answers)


async def test_a_rested_subject_may_use_the_whole_limit_at_once(limiter: RateLimiter) -> None:
    assert await admitted(limiter, 20) == 6


@pytest.mark.parametrize(
    ("passed", "room"), [(0, 0), (9.99, 0), (10, 1), (25, 2), (59.99, 5), (60, 6), (3600, 6)]
)
async def test_room_comes_back_at_a_steady_pace(
    limiter: RateLimiter, clock: FakeClock, passed: float, room: int
) -> None:
    await admitted(limiter, 6)
    clock.advance(passed)
    assert await admitted(limiter, 20) == room


async def test_who_keeps_to_the_pace_is_never_refused(
    limiter: RateLimiter, clock: FakeClock
) -> None:
    for _ in range(500):
        assert (await limiter.admit("a")).admitted
        clock.advance(10)


async def test_who_is_impatient_is_served_at_the_pace(
    limiter: RateLimiter, clock: FakeClock
) -> None:
    served = 0
    for _ in range(600):
        served += await admitted(limiter, 1)
        clock.advance(0.5)
    assert served == 6 + 29  # 300 seconds, the last of them not quite over


async def test_says_what_is_left_and_until_when(limiter: RateLimiter, clock: FakeClock) -> None:
    first = await limiter.admit("a")
    assert (first.remaining, first.retry_after) == (5, timedelta())
    assert first.reset_after == timedelta(seconds=10)
    await admitted(limiter, 5)
    clock.advance(4)
    refused = await limiter.admit("a")
    assert refused.remaining == 0
    assert refused.retry_after == timedelta(seconds=6)
    assert refused.reset_after == timedelta(seconds=56)
    clock.advance(6)
    assert (await limiter.admit("a")).admitted


async def test_subjects_and_names_do_not_mix(limiter: RateLimiter, clock: FakeClock) -> None:
    store = InMemoryStore(clock=clock)
    one = RateLimiter(store, name="one", rate=SIX_A_MINUTE)
    other = RateLimiter(store, name="other", rate=SIX_A_MINUTE)
    assert await admitted(one, 10) == 6
    assert await admitted(one, 10, subject="b") == 6
    assert await admitted(other, 10) == 6


async def test_two_processes_on_one_redis_admit_one_limit(redis_server: RedisServer) -> None:
    rate = Rate(limit=1000, window=timedelta(days=10))
    stores = [RedisStore(redis_server.url, prefix="two:", timeout=PATIENCE) for _ in range(2)]
    limiters = [RateLimiter(store, name="test", rate=rate) for store in stores]
    counts = await asyncio.gather(*(admitted(limiters[n % 2], 75) for n in range(20)))
    assert sum(counts) == 1000
    for store in stores:
        await store.close()


@pytest.mark.parametrize("limit", [0, -1, 60_000_001])
def test_a_rate_that_is_none_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        Rate.per_minute(limit)


@pytest.mark.parametrize("limit", [1, 7, 60, 6000, 999_983])
def test_rounding_costs_nobody_a_request(limit: int) -> None:
    rate = Rate.per_minute(limit)
    assert rate.capacity // rate.interval == limit
