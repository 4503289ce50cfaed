"""What the store in Redis does besides the contract."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from cache.key_value_store import StoreUnavailable
from cache.redis_store import RedisStore
from tests.cache.redis_server import PATIENCE, RedisServer

MINUTE = timedelta(minutes=1)


async def answered(store: RedisStore) -> bytes | None:
    """What is kept at "a", as soon as the busy machine gives the answer in time."""
    async with asyncio.timeout(20):
        while True:
            with suppress(StoreUnavailable):
                return await store.get("a")


async def test_every_key_begins_with_the_prefix(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url, prefix="ours:", timeout=PATIENCE)
    await store.set("a", b"1", ttl=MINUTE)
    await store.increment_within("b", MINUTE)
    async with Redis.from_url(own_redis.url) as redis:
        assert sorted(await redis.keys()) == [b"ours:a", b"ours:b"]
    await store.close()


async def test_a_restart_in_between_is_not_noticed(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url, prefix="", timeout=PATIENCE)
    await asyncio.gather(*(store.set(str(n), b"1", ttl=MINUTE) for n in range(10)))
    await own_redis.kill()
    await own_redis.start()
    assert await asyncio.gather(*(store.get(str(n)) for n in range(10))) == [None] * 10
    await store.close()


async def test_more_callers_than_connections_wait_for_each_other(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, prefix="few:", max_connections=2, timeout=PATIENCE)
    counts = await asyncio.gather(*(store.increment_within("a", MINUTE) for _ in range(100)))
    assert max(counts) == 100
    await store.close()


async def test_says_when_nobody_answers(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url, prefix="", timeout=PATIENCE)
    await own_redis.kill()
    with pytest.raises(StoreUnavailable, match="ConnectionError"):
        await store.get("a")
    await store.close()


async def test_waits_no_longer_than_its_time_limit(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url, prefix="", timeout=timedelta(milliseconds=100))
    await answered(store)
    own_redis.freeze()
    async with asyncio.timeout(20):  # the connections of the pool, new ones, and waiting for one
        answers = await asyncio.gather(
            *(store.get("a") for _ in range(200)), return_exceptions=True
        )
    assert {str(answer) for answer in answers} == {"no answer within 0.1 s"}
    own_redis.thaw()
    await store.close()


async def test_goes_on_after_a_time_limit(own_redis: RedisServer) -> None:
    hasty = RedisStore(
        own_redis.url, prefix="", timeout=timedelta(milliseconds=100), max_connections=1
    )
    patient = RedisStore(own_redis.url, prefix="", timeout=PATIENCE)
    await patient.set("a", b"1", ttl=MINUTE)
    own_redis.freeze()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await hasty.get("b")
    own_redis.thaw()
    assert await patient.get("a") == b"1"  # it answers again, and to the right question
    assert await answered(hasty) == b"1"
    await hasty.close()
    await patient.close()


async def test_a_wrong_password_is_an_outage_that_names_itself(own_redis: RedisServer) -> None:
    wrong = own_redis.url.replace("redis://", "redis://stranger:hunter2@")
    store = RedisStore(wrong, prefix="", timeout=PATIENCE)
    with pytest.raises(StoreUnavailable, match="AuthenticationError") as raised:
        await store.get("a")
    assert "hunter2" not in str(raised.value)
    await store.close()
