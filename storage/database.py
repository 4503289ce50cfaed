"""The connection to PostgreSQL, and the one place that commits."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg
import orjson
from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionInPool
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from storage.connecting import make_engine
from storage.reading import Reader
from storage.statements import Statements
from storage.waking import Waker

_AWAY = (OperationalError, InterfaceError, NoConnectionInPool, OSError, TimeoutError)

_AWAY_STATES = ("08", "28", "3D", "53", "57P")
"""How SQLSTATEs begin that say: not connected, not let in, no room, shutting down."""

Committed = Callable[[AsyncSession], None]
"""Told of a transaction that was committed."""

_WARM: Final = 4
"""Connections for statements that a process has before somebody waits for one."""

_RESTED_SECONDS: Final = 1.0
_RESTS_SINCE: Final = "rests since"


class DatabaseUnavailable(Exception):
    """PostgreSQL does not answer; whether the unit of work took effect is not known."""


class Database:
    """Hands out transactions, and connections for single statements."""

    def __init__(self, database_url: str, *, pool_size: int = 10) -> None:
        """`database_url` is postgresql://…; no connection is made before the first transaction.

        Up to twice the `pool_size` are made when so many transactions run at once, and up to
        `pool_size` for single statements.
        """
        self._engine = make_engine(
            database_url,
            # Kept, and not closed after a busy moment: a new one costs more than many transactions.
            pool_size=2 * pool_size,
            max_overflow=0,
            pool_use_lifo=True,
            pool_recycle=1800,
            pool_timeout=10,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            hide_parameters=True,  # errors end up in logs, and parameters are texts and secrets
        )
        _ask_rested_connections(self._engine)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._statements = Statements(database_url, most=pool_size)
        self._waker = Waker(self._engine)
        self._committed: list[Committed] = [self._waker.committed]

    def after_commit(self, call: Committed) -> None:
        """Call it after each transaction of this process from now on; it must not wait or raise."""
        self._committed.append(call)

    async def warm_up(self) -> None:
        """Have a few connections before somebody waits for them. Raises DatabaseUnavailable."""
        with _telling_when_away():
            await self._statements.warm_up(_WARM)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: commits at its end, rolls back on any error.

        Raises DatabaseUnavailable when PostgreSQL cannot be reached. Close it before anything
        outside is called.
        """
        with _telling_when_away():
            async with self._sessions.begin() as session:
                yield session
        for call in self._committed:
            call(session)

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[asyncpg.Connection]:
        """The driver's connection, for a statement that is a unit of work by itself.

        It is committed when it is answered: one round trip and not three. Raises
        DatabaseUnavailable.
        """
        with _telling_when_away():
            async with self._statements.connection() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """A connection for statements that read, each by itself: it sees what is committed by then.

        Raises DatabaseUnavailable.
        """
        async with self.statement() as connection:
            yield Reader(connection)

    async def ping(self) -> None:
        """Ask the database for an answer. Raises DatabaseUnavailable."""
        async with self.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._waker.close()
        await self._statements.close()
        await self._engine.dispose()


@contextmanager
def _telling_when_away() -> Iterator[None]:
    """Raises DatabaseUnavailable in place of the many ways in which a server can be gone."""
    try:
        yield
    except _AWAY as error:
        raise DatabaseUnavailable(type(error).__name__) from error
    except asyncpg.InterfaceError as error:  # told of a connection that is closed
        raise DatabaseUnavailable(type(error).__name__) from error
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(_AWAY_STATES):
            raise DatabaseUnavailable(type(error).__name__) from error
        raise
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if error.connection_invalidated or state.startswith(_AWAY_STATES):
            raise DatabaseUnavailable(type(error).__name__) from error
        raise


def _ask_rested_connections(engine: AsyncEngine) -> None:
    """Replace connections that were cut while nobody used them.

    SQLAlchemy's own way asks before every transaction, which is a round trip more for each.
    """
    dialect = engine.sync_engine.dialect

    def rest(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_SINCE] = time.monotonic()

    def wake(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        rested = time.monotonic() - record.info.get(_RESTS_SINCE, time.monotonic())
        if rested < _RESTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    event.listen(engine.sync_engine, "checkin", rest)
    event.listen(engine.sync_engine, "checkout", wake)
