"""What is sent to the database, and how the planner would read its tables for it."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from storage.database import Database
from storage.reading import FixedRead, Reader

Statement = tuple[str, tuple[Any, ...]]


@contextmanager
def sent_to(database: Database) -> Iterator[list[Statement]]:
    """Every statement that is sent to the database meanwhile."""
    sent: list[Statement] = []

    def note(
        connection: Connection,
        cursor: DBAPICursor,
        statement: str,
        parameters: tuple[Any, ...],
        context: ExecutionContext,
        executemany: bool,
    ) -> None:
        sent.append((statement, parameters))

    async def rows(reader: Reader, query: FixedRead, **values: object) -> list[asyncpg.Record]:
        sent.append((query.statement, tuple(query.arguments(**values))))
        return await read(reader, query, **values)

    engine, read = database._engine.sync_engine, Reader.rows
    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(Reader, "rows", rows):
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def whole_reads(
    dsn: str, sent: Collection[Statement], tables: Collection[str]
) -> set[tuple[str, str]]:
    """Which of the tables the statements would read from end to end, and how."""
    found: set[tuple[str, str]] = set()
    connection = await asyncpg.connect(dsn)
    try:
        for statement, parameters in sent:
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
            found |= set(_scans(json.loads(plan)[0]["Plan"]))
    finally:
        await connection.close()
    return {(how, table) for how, table in found if how == "Seq Scan" and table in tables}


async def generic_plan(connection: asyncpg.Connection, sent: Statement) -> dict[str, Any]:
    """How the statement is carried out when it is planned for any values."""
    statement, parameters = sent
    nothing = ", ".join(["NULL"] * len(parameters))
    await connection.execute(
        f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {statement}"
    )
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked ({nothing})")
    await connection.execute("DEALLOCATE asked; RESET plan_cache_mode")
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan and all that is below it."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def _scans(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for node in nodes(plan):
        if "Relation Name" in node:
            yield node["Node Type"], node["Relation Name"]
