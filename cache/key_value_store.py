"""What every store can do."""

from datetime import timedelta
from typing import Protocol

from cache.rates import Admission, Rate


class StoreUnavailable(Exception):
    """The store does not answer; whether a change took effect is not known."""


class KeyValueStore(Protocol):
    """Bytes by key, for a while. Each method is atomic; each may raise StoreUnavailable.

    Anything can be gone at any time, long before its time to live is over.
    """

    async def get(self, key: str) -> bytes | None:
        """The value; None when there is none, or none any more."""
        ...

    async def set(self, key: str, value: bytes, *, ttl: timedelta) -> None:
        """Keep the value for that long, in place of any other."""
        ...

    async def delete(self, *keys: str) -> None:
        """Forget them; harmless for those that are not there."""
        ...

    async def increment_within(self, key: str, window: timedelta) -> int:
        """Count one more: how many since the first one, which opened the window.

        `get` reads the count as decimal digits.
        """
        ...

    async def admit(self, key: str, rate: Rate) -> Admission:
        """Count one against the rate if there is room; one that is refused is not counted."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
