"""How often a subject may fail."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Final

from cache.memory_store import MEBIBYTE, InMemoryStore
from cache.rate_limiter import RateLimiter
from cache.rates import RateExceeded

_TURNS: Final = 64
_AT_ONCE: Final = 4
_PROOF_LASTS: Final = timedelta(minutes=10)
_OWN_MEMORY: Final = 4 * MEBIBYTE


class FailureLimiter:
    """Bars a subject that failed too often, before its next attempt costs anything.

    Only failures are counted: a success and a barred attempt ask the shared store nothing. Each
    process bars by itself what the shared count refused, so that with several processes each of
    them finds out by one attempt. Credentials that proved good a moment ago pass
    in any case: whoever fails at the same address does not lock others out.
    """

    def __init__(
        self, limiter: RateLimiter, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`limiter` counts failures; `clock` is in seconds."""
        self._limiter = limiter
        self._clock = clock
        self._barred = InMemoryStore(max_bytes=_OWN_MEMORY, clock=clock)
        self._proven = InMemoryStore(max_bytes=_OWN_MEMORY, clock=clock)
        self._turns = tuple(asyncio.Semaphore(_AT_ONCE) for _ in range(_TURNS))

    @asynccontextmanager
    async def attempt(
        self, subject: str, credential: str, *, failure: type[Exception]
    ) -> AsyncIterator[None]:
        """An attempt that fails when `failure` leaves the block.

        Raises RateExceeded, before the block or in place of the failure; StoreUnavailable.
        """
        proof = sha256(credential.encode()).hexdigest()
        if await self._proven.get(proof) is not None:
            async with self._counting(subject, proof, failure):
                yield
            return
        # Many guesses at once must not all be under way before the first of them has failed.
        async with self._turns[hash(subject) % _TURNS]:
            await self._refuse_barred(subject)
            async with self._counting(subject, proof, failure):
                yield
            await self._proven.set(proof, b"", ttl=_PROOF_LASTS)

    async def _refuse_barred(self, subject: str) -> None:
        until = await self._barred.get(subject)
        if until is not None:
            left = timedelta(seconds=max(0.0, float(until) - self._clock()))
            raise RateExceeded(self._limiter.rate, retry_after=left)

    @asynccontextmanager
    async def _counting(
        self, subject: str, proof: str, failure: type[Exception]
    ) -> AsyncIterator[None]:
        try:
            yield
        except failure as error:
            await self._proven.delete(proof)
            admission = await self._limiter.admit(subject)
            if wait := admission.retry_after:
                until = self._clock() + wait.total_seconds()
                await self._barred.set(subject, repr(until).encode(), ttl=wait)
            if not admission.admitted:
                raise RateExceeded(admission.rate, retry_after=wait) from error
            raise
