"""Wakes whoever listens on a channel, after commits and not within them.

PostgreSQL lets transactions that notify commit one at a time, the wait for the disk included. So
a transaction only leaves word, and its process notifies for many of them at once. A process that
dies in between wakes nobody: who listens also looks by itself now and then.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from storage.connecting import connect

log = structlog.get_logger(__name__)

EVERY: Final = 0.01
"""Seconds between two notifications of one process."""

AWAY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a connection that listens fails with while PostgreSQL is away."""

PAUSE: Final = 1.0
"""Seconds between two tries to listen."""

_CALLS: Final = "whom to wake"


def wake_after_commit(session: AsyncSession, channel: str, about: str = "") -> None:
    """Have those who listen on the channel woken once the running transaction is committed.

    `about` is what they hear: an id, if anything.
    """
    session.info.setdefault(_CALLS, set()).add((channel, about))


def to_be_woken(session: AsyncSession) -> frozenset[str]:
    """The channels whose listeners the running transaction wakes once it is committed."""
    return frozenset(channel for channel, _ in session.info.get(_CALLS, ()))


class Waker:
    """Notifies for one process."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Takes one of its connections for each notification."""
        self._engine = engine
        self._calls: set[tuple[str, str]] = set()
        self._running: asyncio.Task[None] | None = None

    def committed(self, session: AsyncSession) -> None:
        """Wake whom the committed transaction wanted woken, soon."""
        self._calls.update(session.info.pop(_CALLS, ()))
        if self._calls and (self._running is None or self._running.done()):
            self._running = asyncio.create_task(self._notify())

    async def close(self) -> None:
        """Notify no more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _notify(self) -> None:
        while self._calls:
            calls, self._calls = self._calls, set()
            try:
                await self._send(calls)
            except (SQLAlchemyError, *AWAY) as error:
                log.debug("nobody woken", error=type(error).__name__)
            await asyncio.sleep(EVERY)

    async def _send(self, calls: Collection[tuple[str, str]]) -> None:
        async with self._engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            if driver is not None:  # a transaction of its own, which writes nothing to the disk
                await driver.execute(
                    "SELECT pg_notify(channel, about)"
                    " FROM unnest($1::text[], $2::text[]) AS call (channel, about)",
                    [channel for channel, _ in calls],
                    [about for _, about in calls],
                )


async def listen(
    database_url: str, channel: str, *, woken: Callable[[], None], away: Callable[[], None]
) -> None:
    """Call `woken` whenever somebody wakes the channel, until cancelled. See `hear`."""
    await hear(database_url, channel, heard=lambda _: woken(), away=away)


async def hear(
    database_url: str, channel: str, *, heard: Callable[[str], None], away: Callable[[], None]
) -> None:
    """Call `heard` whenever somebody wakes the channel, with what it is about, until cancelled.

    Also each time the connection stands, about nothing: anything may have come before. `away` is
    called when PostgreSQL does not answer; it is tried again.
    """
    while True:
        try:
            connection = await connect(database_url)
            try:
                await _hear(connection, channel, heard)
            finally:
                await connection.close(timeout=1)
        except AWAY:
            away()
        await asyncio.sleep(PAUSE)


async def _hear(connection: asyncpg.Connection, channel: str, heard: Callable[[str], None]) -> None:
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _: closed.set())
    await connection.add_listener(channel, lambda *told: heard(str(told[-1])))
    heard("")
    await closed.wait()
