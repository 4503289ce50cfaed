"""Redis goes away and comes back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from cache.fallback_store import FallbackStore
from cache.key_value_store import StoreUnavailable
from cache.memory_store import InMemoryStore
from cache.rates import Rate
from cache.redis_store import RedisStore
from tests.cache.fake_clock import FakeClock
from tests.cache.redis_server import PATIENCE, RedisServer

MINUTE = timedelta(minutes=1)
AWAY = "Redis is away: this process serves itself from memory"
BACK = "Redis is back"


@pytest.fixture
async def falling_back(own_redis: RedisServer, clock: FakeClock) -> AsyncIterator[FallbackStore]:
    """Redis with memory behind it; Redis is tried again after five seconds of the clock."""
    redis = RedisStore(own_redis.url, prefix="", timeout=PATIENCE)
    store = FallbackStore(redis, InMemoryStore(), clock=clock)
    yield store
    await store.close()


async def test_serves_from_memory_while_redis_is_away_and_from_redis_again(
    falling_back: FallbackStore, own_redis: RedisServer, clock: FakeClock
) -> None:
    rate = Rate(limit=3, window=timedelta(hours=1))
    with capture_logs() as logs:
        await falling_back.set("a", b"shared", ttl=MINUTE)
        assert logs == []

        await own_redis.kill()
        missed = await asyncio.gather(*(falling_back.get("a") for _ in range(50)))
        assert missed == [None] * 50
        await falling_back.set("a", b"own", ttl=MINUTE)
        assert await falling_back.get("a") == b"own"
        assert await falling_back.increment_within("b", MINUTE) == 1
        admitted = [(await falling_back.admit("c", rate)).admitted for _ in range(4)]
        assert admitted == [True, True, True, False]
        clock.advance(5)
        assert await falling_back.get("a") == b"own"
        assert [line["event"] for line in logs] == [AWAY]
        assert logs[0]["log_level"] == "warning"
        assert logs[0]["reason"].startswith("ConnectionError: ")

        await own_redis.start()
        assert await falling_back.get("a") == b"own", "it is not tried before its time"
        clock.advance(5)
        assert await falling_back.get("a") is None
        await falling_back.set("a", b"shared again", ttl=MINUTE)
        assert await falling_back.get("a") == b"shared again"
        assert [line["event"] for line in logs] == [AWAY, BACK]


async def test_memory_of_one_outage_does_not_come_back_in_the_next(
    falling_back: FallbackStore, own_redis: RedisServer, clock: FakeClock
) -> None:
    with capture_logs() as logs:
        await own_redis.kill()
        await falling_back.set("a", b"old", ttl=MINUTE)
        await own_redis.start()
        clock.advance(5)
        await falling_back.delete("a")
        await own_redis.kill()
        assert await falling_back.get("a") is None
    assert [line["event"] for line in logs] == [AWAY, BACK, AWAY]


class AwayStore(RedisStore):
    """Counts how often it is asked, and answers late or never."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:9", prefix="")
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.silence = asyncio.Event()

    async def get(self, key: str) -> bytes | None:
        self.asked += 1
        self.was_asked.set()
        await self.silence.wait()
        raise StoreUnavailable("test")


async def test_only_one_call_waits_to_learn_whether_redis_is_back(clock: FakeClock) -> None:
    away = AwayStore()
    store = FallbackStore(away, InMemoryStore(), clock=clock)
    away.silence.set()
    with capture_logs() as logs:
        await store.get("a")
        assert away.asked == 1
        away.was_asked.clear()
        away.silence.clear()
        clock.advance(5)
        trying = asyncio.create_task(store.get("a"))
        async with asyncio.timeout(20):
            await away.was_asked.wait()
            await asyncio.gather(*(store.get("a") for _ in range(100)))
        assert away.asked == 2
        assert not trying.done()
        away.silence.set()
        assert await trying is None
        assert await store.get("a") is None
        assert away.asked == 2
    assert [line["event"] for line in logs] == [AWAY]
    await store.close()
