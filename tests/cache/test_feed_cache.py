"""Answers kept as bytes: under their version, until their end, made by one for all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from cache.feed_cache import FeedCache
from cache.key_value_store import KeyValueStore
from cache.redis_store import RedisStore
from tests.cache.fake_clock import FakeClock

ADA = UUID("0198c5e0-f3a8-7c2b-8d6a-1f0e00000001")
BOB = UUID("0198c5e0-f3a8-7c2b-8d6a-1f0e00000002")
USER_TTL, TRENDING_TTL = timedelta(seconds=15), timedelta(seconds=30)


class Maker:
    """Makes answers, and counts them."""

    def __init__(self) -> None:
        """None was made."""
        self.made = 0

    async def __call__(self) -> bytes:
        """The next one."""
        self.made += 1
        return b"answer %d" % self.made


def cache_of(store: KeyValueStore, clock: FakeClock) -> FeedCache:
    """One process's cache; its own memory goes by the same clock."""
    cache = FeedCache(store, user_ttl=USER_TTL, trending_ttl=TRENDING_TTL, clock=clock)
    cache._near._clock = clock
    return cache


@pytest.fixture
def cache(store: KeyValueStore, clock: FakeClock) -> FeedCache:
    """A cache over each kind of store."""
    return cache_of(store, clock)


async def test_an_answer_holds_for_its_reader_version_and_page(cache: FeedCache) -> None:
    make = Maker()
    first = await cache.of_user(ADA, "1", "home", make)
    assert first == await cache.of_user(ADA, "1", "home", make) == b"answer 1"
    others = [
        await cache.of_user(ADA, "2", "home", make),
        await cache.of_user(BOB, "1", "home", make),
        await cache.of_user(ADA, "1", "second page", make),
    ]
    assert others == [b"answer 2", b"answer 3", b"answer 4"]


async def test_an_answer_ends(cache: FeedCache, clock: FakeClock) -> None:
    make = Maker()
    await cache.of_user(ADA, "1", "home", make)
    await cache.of_everybody("1", "trends", make)
    clock.advance(USER_TTL.total_seconds())
    assert await cache.of_user(ADA, "1", "home", make) == b"answer 3"
    assert await cache.of_everybody("1", "trends", make) == b"answer 2"
    clock.advance((TRENDING_TTL - USER_TTL).total_seconds())
    assert await cache.of_everybody("1", "trends", make) == b"answer 4"


async def test_processes_share_answers_and_their_end(
    redis_store: RedisStore, clock: FakeClock
) -> None:
    make = Maker()
    one, other = cache_of(redis_store, clock), cache_of(redis_store, clock)
    await one.of_user(ADA, "1", "home", make)
    clock.advance(USER_TTL.total_seconds() - 1)
    assert await other.of_user(ADA, "1", "home", make) == b"answer 1"
    clock.advance(1)
    assert await other.of_user(ADA, "1", "home", make) == b"answer 2"


async def test_many_who_ask_at_once_have_it_made_once(cache: FeedCache) -> None:
    made = 0
    going = asyncio.Event()

    async def slowly() -> bytes:
        nonlocal made
        made += 1
        await going.wait()
        return b"answer"

    asking = [asyncio.create_task(cache.of_everybody("1", "trends", slowly)) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # whoever asked first may go away
    going.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert (answers[1:], made) == ([b"answer"] * 49, 1)


async def test_what_fails_is_told_to_all_who_wait_and_made_anew_for_the_next(
    cache: FeedCache,
) -> None:
    async def fail() -> bytes:
        raise ConnectionError

    failing: Callable[[], Awaitable[bytes]] = fail
    answers = await asyncio.gather(
        *(cache.of_everybody("1", "trends", failing) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in answers] == [ConnectionError] * 3
    assert await cache.of_everybody("1", "trends", Maker()) == b"answer 1"
