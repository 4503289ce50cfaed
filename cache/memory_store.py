"""A key-value store in this process, for this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cache.rates import MICROSECOND, Admission, Rate, admit

MEBIBYTE: Final = 1024 * 1024
ENTRY_OVERHEAD: Final = 300
"""Bytes, about: what Python needs for a key, an entry and their places, besides their contents."""


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    expires_at: int
    """Microseconds of the store's clock."""


class InMemoryStore:
    """Forgets what was not used for longest when it is full."""

    def __init__(
        self, *, max_bytes: int = 64 * MEBIBYTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`max_bytes` bounds keys and values together; `clock` is in seconds."""
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0

    async def get(self, key: str) -> bytes | None:
        """See KeyValueStore."""
        entry = self._live(key, self._now())
        return None if entry is None else entry.value

    async def set(self, key: str, value: bytes, *, ttl: timedelta) -> None:
        """See KeyValueStore. A value that is larger than the store is not kept."""
        self._put(key, _Entry(value, self._now() + ttl // MICROSECOND))

    async def delete(self, *keys: str) -> None:
        """See KeyValueStore."""
        for key in keys:
            self._drop(key)

    async def increment_within(self, key: str, window: timedelta) -> int:
        """See KeyValueStore."""
        now = self._now()
        entry = self._live(key, now)
        count = 1 if entry is None else int(entry.value) + 1
        expires_at = now + window // MICROSECOND if entry is None else entry.expires_at
        self._put(key, _Entry(str(count).encode(), expires_at))
        return count

    async def admit(self, key: str, rate: Rate) -> Admission:
        """See KeyValueStore."""
        now = self._now()
        entry = self._live(key, now)
        admission = admit(rate, ahead=0 if entry is None else entry.expires_at - now)
        if admission.admitted:
            # Nobody is ahead any more at the moment when the entry may be forgotten.
            self._put(key, _Entry(b"", now + admission.ahead))
        return admission

    async def close(self) -> None:
        """Nothing to let go of."""

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)

    def _live(self, key: str, now: int) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_at <= now:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def _put(self, key: str, entry: _Entry) -> None:
        self._drop(key)
        self._entries[key] = entry
        self._bytes += _size(key, entry)
        while self._bytes > self._max_bytes:
            oldest, forgotten = self._entries.popitem(last=False)
            self._bytes -= _size(oldest, forgotten)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _size(key, entry)


def _size(key: str, entry: _Entry) -> int:
    return len(key) + len(entry.value) + ENTRY_OVERHEAD
