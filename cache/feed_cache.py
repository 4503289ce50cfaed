"""Answers of the feed as bytes, under the version that they were made for."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from cache.key_value_store import KeyValueStore, StoreUnavailable
from cache.memory_store import MEBIBYTE, InMemoryStore
from cache.single_flight import SingleFlight

NEAR: Final = 32 * MEBIBYTE
"""What a process keeps beside a store that is elsewhere."""

_EXPIRY: Final = 8
"""Bytes before the answer: when it ends, in milliseconds since 1970."""

_MILLISECOND: Final = timedelta(milliseconds=1)

Make = Callable[[], Awaitable[bytes]]


class FeedCache:
    """Keeps answers for a while; under another version there is another answer.

    Nothing is ever invalidated: who asks names the version that is right now, and what was made for
    an older one is not found any more. An answer ends at one moment wherever it is copied to.
    """

    def __init__(
        self,
        store: KeyValueStore,
        *,
        user_ttl: timedelta,
        trending_ttl: timedelta,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is in seconds since 1970, and the same for all processes that share the store."""
        self.user_ttl = user_ttl
        self.trending_ttl = trending_ttl
        self._near, self._far = _near_and_far(store)
        self._clock = clock
        self._flights = SingleFlight[bytes]()

    async def of_user(self, user_id: UUID, version: str, what: str, make: Make) -> bytes:
        """What that user reads at that version."""
        return await self._get(f"feed:{what}:{user_id.hex}:{version}", self.user_ttl, make)

    async def of_everybody(self, version: str, what: str, make: Make) -> bytes:
        """What everybody reads alike at that version."""
        return await self._get(f"feed:{what}:{version}", self.trending_ttl, make)

    async def _get(self, key: str, ttl: timedelta, make: Make) -> bytes:
        kept = await self._near.get(key)
        if kept is None:
            kept = await self._flights.do(key, lambda: self._find_or_make(key, ttl, make))
        return kept[_EXPIRY:]

    async def _find_or_make(self, key: str, ttl: timedelta, make: Make) -> bytes:
        now = timedelta(seconds=self._clock())
        kept = await self._find(key)
        left = timedelta(0) if kept is None else _ends(kept) - now
        if kept is None or left <= timedelta(0):
            left = ttl
            kept = _encoded(now + ttl) + await make()
            await self._keep(key, kept, ttl)
        await self._near.set(key, kept, ttl=left)
        return kept

    async def _find(self, key: str) -> bytes | None:
        if self._far is None:
            return None
        try:
            return await self._far.get(key)
        except StoreUnavailable:
            return None

    async def _keep(self, key: str, kept: bytes, ttl: timedelta) -> None:
        if self._far is not None:
            with suppress(StoreUnavailable):  # what is not kept is made again
                await self._far.set(key, kept, ttl=ttl)


def _encoded(end: timedelta) -> bytes:
    """Since 1970."""
    return (end // _MILLISECOND).to_bytes(_EXPIRY, "big")


def _ends(kept: bytes) -> timedelta:
    """When an answer ends, since 1970."""
    return int.from_bytes(kept[:_EXPIRY], "big") * _MILLISECOND


def _near_and_far(store: KeyValueStore) -> tuple[InMemoryStore, KeyValueStore | None]:
    """This process's memory, and what it shares with others if it does."""
    if isinstance(store, InMemoryStore):
        return store, None
    return InMemoryStore(max_bytes=NEAR), store
