"""Connections for statements that are units of work by themselves, straight from the driver.

SQLAlchemy's pool takes longer to hand out a connection than PostgreSQL to answer, and the first
statement on a new connection takes longer than a hundred later ones. So these are made before
anybody waits for them, kept for good, and handed out as they are.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import asyncpg

from storage.connecting import connect

WAIT_SECONDS: Final = 10.0
"""How long a statement waits for a connection."""

CLOSE_SECONDS: Final = 5.0
"""How long statements may still run when the process ends."""


class Statements:
    """Hands out connections on which each statement is committed when it is answered."""

    def __init__(self, database_url: str, *, most: int) -> None:
        """No connection is made before one is asked for; `most` are made at once."""
        self._database_url = database_url
        self._most = most
        self._pool: asyncpg.Pool | None = None

    async def warm_up(self, connections: int) -> None:
        """Make so many of them, or as many as there may be. Raises what asyncpg raises."""
        async with AsyncExitStack() as held:
            for _ in range(min(connections, self._most)):
                await held.enter_async_context(self.connection())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """The one used last. Raises what asyncpg raises, TimeoutError when all are busy."""
        pool = await self._opened()
        async with pool.acquire(timeout=WAIT_SECONDS) as connection:
            yield connection

    async def close(self) -> None:
        """Close them when their statements are done, or soon anyway."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            # Of no connections, so it opens without waiting: nobody comes in between.
            self._pool = await asyncpg.create_pool(
                self._database_url,
                connect=connect,
                max_cached_statement_lifetime=_FOR_GOOD,
                min_size=0,
                max_size=self._most,
                max_inactive_connection_lifetime=_FOR_GOOD,
                max_queries=sys.maxsize,
                init=_make_ready,
                reset=_leave,
            )
        return self._pool


_FOR_GOOD: Final = 0
"""Seconds after which asyncpg would forget what it keeps; it takes nought for never."""


async def _make_ready(connection: asyncpg.Connection) -> None:
    """What would take each statement, or the first, as long as all the rest of it.

    The few statements find everything by an index, whatever their values, so they are planned once
    and not for each; and the driver has to ask what an array of ids is, which takes it 7 ms.
    """
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.fetch("SELECT $1::uuid[]", [])


async def _leave(_: asyncpg.Connection) -> None:
    """Nothing is set on these connections that would have to be reset, at a round trip each."""
