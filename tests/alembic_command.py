"""Alembic as an operator runs it."""

import asyncio
import os
import sys

from stack.children import ROOT


async def alembic(*arguments: str, dsn: str) -> tuple[int | None, str]:
    """Its exit code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alembic", *arguments),
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()
