"""Connections for single statements: made ahead, used again, replaced when they are cut."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from storage.statements import Statements
from tests.free_port import free_port
from tests.postgres_server import DISCONNECT_OTHERS, PostgresServer

PID = "SELECT pg_backend_pid()"


@pytest.fixture
async def statements(database_dsn: str) -> AsyncIterator[Statements]:
    """Of two connections at most."""
    made = Statements(database_dsn, most=2)
    yield made
    await made.close()


async def _connections(database_dsn: str) -> set[int]:
    watcher = await asyncpg.connect(database_dsn)
    try:
        rows = await watcher.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return {row["pid"] for row in rows}
    finally:
        await watcher.close()


async def _pid(statements: Statements) -> int:
    async with statements.connection() as connection:
        return int(await connection.fetchval(PID))


async def test_what_ran_before_is_used_again(statements: Statements) -> None:
    assert await _pid(statements) == await _pid(statements)


async def test_a_statement_is_committed_when_it_is_answered(
    statements: Statements, database_dsn: str
) -> None:
    async with statements.connection() as connection:
        await connection.execute("INSERT INTO workspaces (id, name) VALUES (uuidv7(), 'Bakery')")
        other = await asyncpg.connect(database_dsn)
        assert await other.fetchval("SELECT count(*) FROM workspaces") == 1
        await other.close()


@pytest.mark.parametrize(("wanted", "made"), [(1, 1), (2, 2), (9, 2)])
async def test_connections_are_made_before_somebody_waits_for_them(
    statements: Statements, database_dsn: str, wanted: int, made: int
) -> None:
    before = await _connections(database_dsn)  # of an earlier test, which end by themselves
    await statements.warm_up(wanted)
    assert len(await _connections(database_dsn) - before) == made


async def test_nobody_is_asked_what_an_array_is_once_a_connection_is_there(
    statements: Statements,
) -> None:
    asked: list[str] = []
    async with statements.connection() as connection:
        with connection.query_logger(lambda query: asked.append(query.query)):
            await connection.fetch("SELECT $1::uuid[]", [])
    assert asked == ["SELECT $1::uuid[]"]


async def test_one_that_was_cut_while_it_rested_is_replaced(
    statements: Statements, postgres_server: PostgresServer, database_dsn: str
) -> None:
    async with statements.connection() as connection:
        cut = asyncio.Event()
        connection.add_termination_listener(lambda _: cut.set())
        before = await connection.fetchval(PID)
    await postgres_server.execute(DISCONNECT_OTHERS, database=database_dsn.rsplit("/", 1)[-1])
    await cut.wait()
    assert await _pid(statements) != before


async def test_one_whose_statement_was_given_up_answers_the_next(statements: Statements) -> None:
    async def wait() -> None:
        async with statements.connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    for _ in range(2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait(), timeout=0.1)
    assert await asyncio.gather(_pid(statements), _pid(statements))


async def test_who_finds_all_busy_is_told(
    statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.statements.WAIT_SECONDS", 0.05)
    async with statements.connection(), statements.connection():
        with pytest.raises(TimeoutError):
            await _pid(statements)
    assert await _pid(statements)


async def test_closing_does_not_wait_for_good(
    statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.statements.CLOSE_SECONDS", 0.05)

    async def wait() -> None:
        async with statements.connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    waiting = asyncio.create_task(wait())
    await _pid(statements)
    await statements.close()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await waiting


async def test_without_a_server() -> None:
    away = Statements(f"postgresql://postgres@127.0.0.1:{free_port()}/gone", most=2)
    with pytest.raises(OSError, match="Connect call failed"):
        await away.warm_up(1)
    await away.close()


async def test_a_statement_is_planned_once_and_not_for_each_of_its_values(
    statements: Statements,
) -> None:
    async with statements.connection() as connection:
        for name in range(3):
            await connection.fetch("SELECT id FROM workspaces WHERE name = $1", str(name))
        plans = await connection.fetchrow(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE '%workspaces%' AND statement NOT LIKE '%plans%'"
        )
    assert tuple(plans) == (3, 0)
