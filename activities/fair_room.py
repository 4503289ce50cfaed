"""Room for so many at once; who waits for it is let in by turns of the workspaces."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID


class NoRoom(Exception):
    """Nobody left in time."""


class FairRoom:
    """A workspace with thousands waiting leaves the next place to one that has fewer inside."""

    def __init__(self, size: int) -> None:
        """`size` is how many may be inside."""
        self._size = size
        self._inside: Counter[UUID] = Counter()
        self._moved_at = 0.0
        """When somebody last came in or left, by the event loop's clock."""
        self._waiting: dict[asyncio.Future[None], UUID] = {}
        """In the order of their coming."""

    @asynccontextmanager
    async def place(self, workspace_id: UUID, patience: timedelta) -> AsyncIterator[None]:
        """Have a place inside the block. Raises NoRoom when none is free within `patience`.

        Where nobody has moved for as long, at once: waiting would only keep others from their work.
        """
        await self._enter(workspace_id, patience)
        try:
            yield
        finally:
            self._leave(workspace_id)

    async def _enter(self, workspace_id: UUID, patience: timedelta) -> None:
        now = asyncio.get_running_loop().time()
        if self._inside.total() < self._size:
            self._inside[workspace_id] += 1
            self._moved_at = now
            return
        if now - self._moved_at > patience.total_seconds():
            raise NoRoom
        let_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[let_in] = workspace_id
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience.total_seconds()):
                    await asyncio.shield(let_in)
        except asyncio.CancelledError:
            if self._waiting.pop(let_in, None) is None:
                self._leave(workspace_id)  # the place came at the same moment
            raise
        if self._waiting.pop(let_in, None) is not None:
            raise NoRoom

    def _leave(self, workspace_id: UUID) -> None:
        self._moved_at = asyncio.get_running_loop().time()
        self._inside[workspace_id] -= 1
        if not self._inside[workspace_id]:
            del self._inside[workspace_id]
        if self._waiting:
            let_in = min(self._waiting, key=lambda one: self._inside[self._waiting[one]])
            self._inside[self._waiting.pop(let_in)] += 1
            let_in.set_result(None)
