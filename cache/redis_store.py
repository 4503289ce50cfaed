"""A key-value store in Redis, shared by every process that names the same server and prefix."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from cache.key_value_store import StoreUnavailable
from cache.rates import Admission, Rate

_SHORTEST: Final = timedelta(milliseconds=1)
"""Redis refuses a time to live of nothing."""

_ADMIT: Final = """
local interval = tonumber(ARGV[1])
local capacity = tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local paid_until = tonumber(redis.call('GET', KEYS[1])) or 0
local ahead = math.min(math.max(0, paid_until - now), capacity)
local after = ahead + interval
if after > capacity then
  return {0, ahead}
end
redis.call('SET', KEYS[1], string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
return {1, after}
"""
"""cache.rates.admit by the server's clock: the one that all processes have in common."""


class RedisStore:
    """Keeps to its time limit, whatever the server and the network do."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        timeout: timedelta = timedelta(seconds=1),
        max_connections: int = 20,
    ) -> None:
        """`prefix` begins every key; `timeout` holds for a whole call, connecting included.

        No connection is made before the first call. Raises ValueError for a URL that is none.
        """
        self._prefix = prefix
        self._timeout = timeout.total_seconds()
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            # Repeated, an increment could count twice. Connections that died in the pool are
            # noticed before they are used, unless these notifications are on.
            retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._redis = Redis.from_pool(pool)
        self._admit = self._redis.register_script(_ADMIT)

    async def get(self, key: str) -> bytes | None:
        """See KeyValueStore."""
        async with self._answering():
            value = await self._redis.get(self._prefix + key)
        return value if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, *, ttl: timedelta) -> None:
        """See KeyValueStore."""
        async with self._answering():
            await self._redis.set(self._prefix + key, value, px=max(ttl, _SHORTEST))

    async def delete(self, *keys: str) -> None:
        """See KeyValueStore."""
        if keys:
            async with self._answering():
                await self._redis.delete(*(self._prefix + key for key in keys))

    async def increment_within(self, key: str, window: timedelta) -> int:
        """See KeyValueStore."""
        name = self._prefix + key
        async with self._answering(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(name, 0, px=max(window, _SHORTEST), nx=True)
            pipeline.incr(name)
            count: int = (await pipeline.execute())[1]
        return count

    async def admit(self, key: str, rate: Rate) -> Admission:
        """See KeyValueStore."""
        async with self._answering():
            admitted, ahead = await self._admit(
                keys=[self._prefix + key], args=[rate.interval, rate.capacity]
            )
        return Admission(admitted=bool(admitted), rate=rate, ahead=ahead)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._redis.aclose()

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer within {self._timeout} s") from error
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
