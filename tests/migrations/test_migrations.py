"""The migrations make the tables that the code expects, from nothing, and again."""

import asyncio
import os
import sys
from uuid import uuid4

from stack.children import ROOT
from tests.alembic_command import alembic
from tests.postgres_server import PostgresServer


async def test_an_empty_database_gets_exactly_the_tables_of_the_code(
    postgres_server: PostgresServer,
) -> None:
    name = f"migrated_{uuid4().hex}"
    await postgres_server.execute(f"CREATE DATABASE {name}")
    dsn = postgres_server.dsn(name)
    assert await alembic("upgrade", "head", dsn=dsn) == (0, "")
    code, output = await alembic("check", dsn=dsn)
    assert code == 0, f"{output}\nMake a migration: alembic revision --autogenerate -m WHAT"
    assert await alembic("upgrade", "head", dsn=dsn) == (0, "")


async def test_without_an_address_the_reason_is_told() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alembic", "upgrade", "head"),
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().strip() == (
        "DATABASE_URL is not set: postgresql://user:password@host:port/name"
    )
