"""What a transaction raises when PostgreSQL is away."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.database import Database, DatabaseUnavailable
from tests.free_port import free_port
from tests.postgres_server import DISCONNECT_OTHERS, PostgresServer


async def test_a_server_that_is_not_there() -> None:
    database = Database(f"postgresql://postgres@127.0.0.1:{free_port()}/gone")
    with pytest.raises(DatabaseUnavailable, match="ConnectionRefusedError"):
        await database.ping()
    await database.close()


async def test_a_server_that_lets_nobody_in(postgres_server: PostgresServer) -> None:
    address = postgres_server.dsn("no_such_database")
    database = Database(address)
    with pytest.raises(DatabaseUnavailable, match="DBAPIError"):
        await database.ping()
    await database.close()


async def test_a_connection_that_is_cut_within_a_transaction(
    database: Database, database_dsn: str, postgres_server: PostgresServer
) -> None:
    name = database_dsn.rsplit("/", maxsplit=1)[-1]

    async def work() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            await postgres_server.execute(DISCONNECT_OTHERS, database=name)
            await session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await work()
    await database.ping()


async def test_a_connection_that_was_cut_while_it_rested_is_replaced(
    database: Database,
    database_dsn: str,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await database.ping()
    await postgres_server.execute(DISCONNECT_OTHERS, database=database_dsn.rsplit("/", 1)[-1])
    monkeypatch.setattr("storage.database._RESTED_SECONDS", 0.0)
    await database.ping()


async def test_a_pool_without_a_free_connection(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(database_dsn, pool_size=1)
    monkeypatch.setattr(database._engine.pool, "_timeout", 0.1)
    holding, release = asyncio.Semaphore(0), asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            holding.release()
            await release.wait()

    holders = [asyncio.create_task(hold()) for _ in range(2)]
    for _ in holders:
        await holding.acquire()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    release.set()
    await asyncio.gather(*holders)
    await database.ping()
    await database.close()


async def test_a_refusal_is_not_taken_for_absence_and_quotes_no_value(database: Database) -> None:
    divide = text("SELECT CAST(:secret AS text) || 1/0")

    async def work() -> None:
        async with database.transaction() as session:
            await session.execute(divide, {"secret": "hunter2"})

    with pytest.raises(DBAPIError) as raised:
        await work()
    assert "hunter2" not in str(raised.value)
