"""The connection to PostgreSQL, and the one place that commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionInPool
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

_AWAY = (OperationalError, InterfaceError, NoConnectionInPool, OSError, TimeoutError)

_AWAY_STATES = ("08", "28", "3D", "53", "57P")
"""How SQLSTATEs begin that say: not connected, not let in, no room, shutting down."""


class DatabaseUnavailable(Exception):
    """PostgreSQL does not answer; whether the unit of work took effect is not known."""


class Database:
    """Hands out transactions."""

    def __init__(self, dsn: str, *, pool_size: int = 10) -> None:
        """`dsn` is postgresql+asyncpg://…; no connection is made before the first transaction."""
        self._engine = create_async_engine(
            dsn,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_recycle=1800,
            pool_timeout=10,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            hide_parameters=True,  # errors end up in logs, and parameters are texts and secrets
            connect_args={"timeout": 5, "server_settings": {"application_name": "punctual"}},
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: commits at its end, rolls back on any error.

        Raises DatabaseUnavailable when PostgreSQL cannot be reached. Close it before anything
        outside is called.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except _AWAY as error:
            raise DatabaseUnavailable(type(error).__name__) from error
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None) or ""
            if error.connection_invalidated or state.startswith(_AWAY_STATES):
                raise DatabaseUnavailable(type(error).__name__) from error
            raise

    async def ping(self) -> None:
        """Ask the database for an answer. Raises DatabaseUnavailable."""
        async with self.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._engine.dispose()
