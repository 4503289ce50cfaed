"""The link through Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from realtime.link import Link
from realtime.wire import WIRE

_PATIENCE: Final = 1.0
"""Seconds that a publish may take: what was told is told late, or found in the database."""

_PAUSE: Final = 1.0
"""Seconds between two tries while Redis is away."""


class RedisLink(Link):
    """One channel of Redis; speaks the messages of Socket.IO's own Redis managers."""

    name = "redis"

    def __init__(self, url: str, *, channel: str) -> None:
        """`url` is redis:// or rediss://. No connection is made before something is told."""
        super().__init__(channel)
        self._publisher = Redis.from_url(url)
        self._subscriber = Redis.from_url(url)
        self._retry_at = 0.0

    async def close(self) -> None:
        """See Link."""
        listening: asyncio.Task[None] | None = getattr(self, "thread", None)
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        await self._publisher.aclose()
        await self._subscriber.aclose()

    async def _publish(self, data: dict[str, Any]) -> None:
        if time.monotonic() < self._retry_at:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._publisher.publish(self.channel, WIRE.dumps(data))
        except (RedisError, OSError, TimeoutError) as error:
            self._retry_at = time.monotonic() + _PAUSE
            self._tell_away(error)
        else:
            self._tell_back()

    async def _listen(self) -> AsyncIterator[bytes]:
        while True:
            pubsub = self._subscriber.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(self.channel)
                async for message in pubsub.listen():
                    yield message["data"]
            except (RedisError, OSError) as error:
                self._tell_away(error)
            finally:
                with suppress(RedisError, OSError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(_PAUSE)
