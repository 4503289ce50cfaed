"""Passwords as they are kept: argon2id, computed beside the event loop."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

GIVES_WAY: Final = 10
"""By how much the threads that hash are nicer than the one that answers everybody."""

Answer = TypeVar("Answer")


class Passwords:
    """Hashes and verifies, a bounded number at once.

    Each hash takes the memory that the settings name and a core for its time; what comes on top of
    `at_once` waits in line, so that a burst of sign-ins cannot take all memory, nor the loop.
    """

    def __init__(self, *, memory_kib: int, passes: int, at_once: int) -> None:
        """`memory_kib` and `passes` are argon2id's cost, with one lane."""
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(
            max_workers=at_once, thread_name_prefix="passwords", initializer=_give_way
        )
        self._nobodys_hash = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The password as it may be kept, parameters and salt included."""
        return await self._beside(self._hasher.hash, password)

    async def fits(self, kept_hash: str | None, password: str) -> bool:
        """Whether it is the password whose hash was kept.

        Without a hash it takes just as long, so that the time does not tell who is registered.
        """
        return await self._beside(self._fits, kept_hash, password)

    def is_outdated(self, kept_hash: str) -> bool:
        """Whether it was made at another cost than new ones are."""
        return self._hasher.check_needs_rehash(kept_hash)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fits(self, kept_hash: str | None, password: str) -> bool:
        if kept_hash is None:
            kept_hash = self._nobodys_hash
        try:
            return self._hasher.verify(kept_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _beside(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _give_way() -> None:
    """Let others' requests go first: many sign in at once, and every hash wants a whole core."""
    if sys.platform == "linux":  # elsewhere niceness is the whole process's
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + GIVES_WAY)
