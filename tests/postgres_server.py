"""A throw-away PostgreSQL server, as `make up` runs it but without caring for power cuts."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT

import asyncpg

from stack.binaries import postgres_folder
from stack.children import Child, ChildProcess
from stack.postgres import PostgresData
from stack.system_users import postgres_user
from tests.free_port import free_port

START_LIMIT = 60
"""Seconds, on a busy machine."""

HURRIED = ("-F", "--synchronous_commit=off", "--full_page_writes=off", "--max_connections=300")


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A running server."""

    port: int
    password: str = field(repr=False)

    def dsn(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    async def execute(self, statement: str) -> None:
        """Run a statement that belongs to no database, such as CREATE DATABASE."""
        connection = await asyncpg.connect(self.dsn("postgres"))
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
