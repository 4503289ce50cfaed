"""How PostgreSQL is reached: by its address as PostgreSQL's own tools understand it."""

from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

CONNECT_SECONDS: Final = 5.0
"""How long PostgreSQL has to let a connection in."""


async def connect(database_url: str, **options: Any) -> asyncpg.Connection:
    """A connection of its own; the options are asyncpg's. Raises what it raises."""
    return await asyncpg.connect(
        database_url,
        timeout=CONNECT_SECONDS,
        server_settings={"application_name": "punctual"},
        **options,
    )


def make_engine(database_url: str, **options: Any) -> AsyncEngine:
    """SQLAlchemy's engine at that address; no connection is made before it is used.

    SQLAlchemy reads addresses in a way of its own, and knows no `sslmode`.
    """

    async def creator() -> asyncpg.Connection:
        return await connect(database_url)

    return create_async_engine("postgresql+asyncpg://", async_creator=creator, **options)
