"""A throw-away PostgreSQL server, as `make up` runs it but without caring for power cuts."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT
from uuid import uuid4

import asyncpg
from sqlalchemy import delete

from stack.binaries import postgres_folder
from stack.children import Child, ChildProcess
from stack.postgres import PostgresData
from stack.system_users import postgres_user
from storage.tables import Table
from tests.free_port import free_port

START_LIMIT = 60
"""Seconds, on a busy machine."""

DISCONNECT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

DELETE_EVERYTHING = ";".join(
    [
        "SET session_replication_role = replica",  # without it nobody empties the audit log
        *(str(delete(table)) for table in reversed(Table.metadata.sorted_tables)),
    ]
)
"""Faster than TRUNCATE on tables of a few rows."""

HURRIED = ("-F", "--synchronous_commit=off", "--full_page_writes=off", "--max_connections=300")


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A running server."""

    port: int
    password: str = field(repr=False)

    def dsn(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    async def clone(self, template: str) -> str:
        """A copy of a database that nobody is connected to; its name."""
        name = f"test_{uuid4().hex}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    async def empty(self, database: str) -> None:
        """Disconnect everybody and remove every row."""
        await self.execute(DISCONNECT_OTHERS, database=database)
        await self.execute(DELETE_EVERYTHING, database=database)

    async def execute(self, statement: str, *, database: str = "postgres") -> None:
        """Run one statement or a few; by default where none of the tests' databases is open."""
        connection = await asyncpg.connect(self.dsn(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def running_postgres(base: Path) -> AsyncIterator[PostgresServer]:
    """A server with its data in `base`; needs no root and works as root."""
    server = PostgresServer(port=free_port(), password=secrets.token_hex(16))
    said: list[str] = []
    data = PostgresData(
        folder=base / "postgres",
        binaries=postgres_folder(),
        password=server.password,
        user=postgres_user(),
        say=said.append,
    )
    await data.prepare()
    child = Child(
        name="postgres",
        command=(*data.command(host="127.0.0.1", port=server.port), *HURRIED),
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        cwd=Path("/"),
        user=data.user,
        stop_signal=SIGINT,
    )
    process = await ChildProcess.spawn(child, show=said.append)
    try:
        async with asyncio.timeout(START_LIMIT):
            while not await data.ready():
                assert process.running, "\n".join(said)
                await asyncio.sleep(0.02)
        yield server
    finally:
        await process.stop()
