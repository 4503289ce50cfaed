"""A real Redis, and stores over it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from cache.fallback_store import FallbackStore
from cache.key_value_store import KeyValueStore
from cache.memory_store import InMemoryStore
from cache.redis_store import RedisStore
from tests.cache.fake_clock import FakeClock
from tests.cache.redis_server import PATIENCE, RedisServer, running_redis


@pytest.fixture(scope="session")
async def redis_server() -> AsyncIterator[RedisServer]:
    """A Redis that lives as long as the test run."""
    async with running_redis() as server:
        yield server


@pytest.fixture
async def own_redis() -> AsyncIterator[RedisServer]:
    """A Redis that this test may kill."""
    async with running_redis() as server:
        yield server


@pytest.fixture
async def redis_store(redis_server: RedisServer) -> AsyncIterator[RedisStore]:
    """An empty store in Redis."""
    store = RedisStore(redis_server.url, prefix=f"test-{uuid4().hex}:", timeout=PATIENCE)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "redis", "fallback"])
async def store(request: pytest.FixtureRequest, redis_store: RedisStore) -> KeyValueStore:
    """Each kind of store, empty."""
    stores: dict[str, KeyValueStore] = {
        "memory": InMemoryStore(),
        "redis": redis_store,
        "fallback": FallbackStore(redis_store, InMemoryStore()),
    }
    return stores[request.param]


@pytest.fixture
def clock() -> FakeClock:
    """A clock of this test."""
    return FakeClock()
