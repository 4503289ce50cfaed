"""The sandbox as a process of its own, and its control API."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.free_port import free_port

ROOT = Path(__file__).parents[1]
START_LIMIT = 60
"""Seconds, on a busy machine."""


class Sandbox:
    """A running sandbox."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        """`url` has no slash at its end."""
        self.url = url
        self._http = http

    async def account(self, network: str, handle: str | None = None, **more: Any) -> dict[str, Any]:
        """An account there: `account_id`, `handle`, `name`, `credentials`, `page`."""
        order = {"network": network, "handle": handle or f"bakery-{uuid4().hex[:12]}", **more}
        account: dict[str, Any] = (await self._ask("POST", "accounts", json=order)).json()
        return account

    async def fault(self, network: str, kind: str, **more: Any) -> None:
        """Let the next matching call meet a fault; `account` narrows it to one of them."""
        await self._ask("POST", "faults", json={"network": network, "kind": kind, **more})

    async def clear_faults(self) -> None:
        """Forget the faults that no call met."""
        await self._ask("DELETE", "faults")

    async def advance(self, seconds: float) -> None:
        """Move the networks' clock."""
        await self._ask("POST", "clock", json={"advance_seconds": seconds})

    async def reset_clock(self) -> None:
        """Let the networks' clock show the real time again."""
        await self._ask("DELETE", "clock")

    async def truth(self, **wanted: str) -> list[dict[str, Any]]:
        """What is public, oldest first; `network` and `account` narrow it."""
        entries: list[dict[str, Any]] = (await self._ask("GET", "truth", params=wanted)).json()
        return entries

    async def _ask(self, method: str, noun: str, **more: Any) -> httpx.Response:
        answer = await self._http.request(method, f"{self.url}/_sandbox/{noun}", **more)
        assert answer.is_success, answer.text
        return answer


@asynccontextmanager
async def sandbox_process(data: Path) -> AsyncIterator[str]:
    """Run one; yields its address, without a slash at its end."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(data)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        said = await asyncio.wait_for(process.stdout.readline(), START_LIMIT)
        assert said.startswith(b"Sandbox ready"), said + await process.stdout.read()
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
