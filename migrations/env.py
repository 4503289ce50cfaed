"""How Alembic reaches the database: its address is DATABASE_URL, the tables are storage's."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool

from storage.connecting import make_engine
from storage.tables import Table

LOCK = 0x50554E43
"""Advisory lock: two migrate jobs at once wait for each other."""


def _database_url() -> str:
    database_url = os.environ.get("DATABASE_URL")
    if not database_url:
        raise SystemExit("DATABASE_URL is not set: postgresql://user:password@host:port/name")
    return database_url


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Table.metadata, compare_type=True)
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.run_migrations()


async def _migrate() -> None:
    engine = make_engine(_database_url(), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    context.configure(target_metadata=Table.metadata, literal_binds=True, dialect_name="postgresql")
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(_migrate())
