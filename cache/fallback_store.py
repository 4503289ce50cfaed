"""Redis with this process's memory behind it."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from cache.key_value_store import KeyValueStore, StoreUnavailable
from cache.memory_store import InMemoryStore
from cache.rates import Admission, Rate

Answer = TypeVar("Answer")

log = structlog.get_logger("cache")


class FallbackStore:
    """Never raises StoreUnavailable: without the shared store, each process serves itself.

    While the shared store is away, one call every few seconds tries it, and only that one waits
    for it. What was set, deleted and counted meanwhile stays in the memory of the process that did
    it and is dropped with the recovery: a value that was shared before the outage may then be
    served until its time to live is over.
    """

    def __init__(
        self,
        shared: KeyValueStore,
        memory: InMemoryStore,
        *,
        retry_after: timedelta = timedelta(seconds=5),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is in seconds."""
        self._shared = shared
        self._memory = memory
        self._retry_after = retry_after.total_seconds()
        self._clock = clock
        self._retry_at: float | None = None
        """None while the shared store answers."""

    async def get(self, key: str) -> bytes | None:
        """See KeyValueStore."""
        return await self._first_that_answers(lambda store: store.get(key))

    async def set(self, key: str, value: bytes, *, ttl: timedelta) -> None:
        """See KeyValueStore."""
        await self._first_that_answers(lambda store: store.set(key, value, ttl=ttl))

    async def delete(self, *keys: str) -> None:
        """See KeyValueStore."""
        await self._first_that_answers(lambda store: store.delete(*keys))

    async def increment_within(self, key: str, window: timedelta) -> int:
        """See KeyValueStore."""
        return await self._first_that_answers(lambda store: store.increment_within(key, window))

    async def admit(self, key: str, rate: Rate) -> Admission:
        """See KeyValueStore."""
        return await self._first_that_answers(lambda store: store.admit(key, rate))

    async def close(self) -> None:
        """Close both."""
        await self._shared.close()
        await self._memory.close()

    async def _first_that_answers(
        self, call: Callable[[KeyValueStore], Awaitable[Answer]]
    ) -> Answer:
        if self._retry_at is None:
            try:
                return await call(self._shared)
            except StoreUnavailable as error:
                self._fall_back(error)
        elif self._clock() >= self._retry_at:
            self._retry_at = self._clock() + self._retry_after  # nobody else need wait for it
            try:
                answer = await call(self._shared)
            except StoreUnavailable:
                pass
            else:
                self._recover()
                return answer
        return await call(self._memory)

    def _fall_back(self, error: StoreUnavailable) -> None:
        if self._retry_at is None:  # else another call that was under way has noticed it before
            log.warning("Redis is away: this process serves itself from memory", reason=str(error))
        self._retry_at = self._clock() + self._retry_after

    def _recover(self) -> None:
        self._retry_at = None
        self._memory.clear()
        log.info("Redis is back")
