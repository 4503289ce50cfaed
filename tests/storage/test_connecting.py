"""One address reaches PostgreSQL everywhere: by transactions, statements, listeners, migrations."""

import asyncio

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.waking import hear
from tests.alembic_command import alembic


@pytest.fixture(params=["", "?sslmode=prefer", "?sslmode=disable", "postgres"])
def address(request: pytest.FixtureRequest, database_dsn: str) -> str:
    """As hosts of databases give it to their customers."""
    if request.param == "postgres":
        return database_dsn.replace("postgresql://", "postgres://")
    return database_dsn + str(request.param)


async def test_an_address_as_postgresql_s_own_tools_take_it(address: str) -> None:
    database = Database(address)
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    async with database.statement() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await database.close()


async def test_who_listens_takes_it_too(address: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listening = asyncio.create_task(
        hear(address, "news", heard=heard.put_nowait, away=lambda: heard.put_nowait("away"))
    )
    assert await heard.get() == ""
    listening.cancel()


async def test_and_so_do_migrations(address: str) -> None:
    code, output = await alembic("current", dsn=address)
    assert code == 0, output
    assert "(head)" in output
