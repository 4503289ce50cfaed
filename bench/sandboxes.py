"""The networks that every contender publishes to: a fresh sandbox, and its ground truth."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.children import running
from bench.load import mark_in
from networks.http_client import HttpClient
from stack.children import Child
from stack.ports import HOST, Ports
from stack.readiness import http_answers


class SandboxRefused(Exception):
    """The sandbox's control API said no; the text says what."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One request that made something public. `at` is when it arrived, UTC."""

    network: str
    mark: str
    at: datetime


class SandboxProcess:
    """One running sandbox, all networks in it, without rate limits."""

    def __init__(self, url: str, pid: int, http: HttpClient) -> None:
        """`url` has no slash at its end."""
        self.url = url
        self.pid = pid
        self._http = http

    @property
    def settings(self) -> Mapping[str, str]:
        """What makes our own processes publish to it."""
        return {
            "FACEBOOK_BASE_URL": f"{self.url}/facebook/v25.0",
            "X_BASE_URL": f"{self.url}/x/2",
            "X_PERMALINK_TEMPLATE": f"{self.url}/x/{{handle}}/status/{{id}}",
        }

    async def account(self, network: str, handle: str) -> dict[str, Any]:
        """An account there: `account_id`, `handle`, `credentials` …"""
        order = {"network": network, "handle": handle, "unlimited": True}
        made: dict[str, Any] = await self._ask("POST", "accounts", order)
        return made

    async def arrivals(self) -> list[Arrival]:
        """Everything that became public, in that order."""
        return [
            Arrival(
                network=entry["network"],
                mark=mark_in(entry["text"]),
                at=datetime.fromisoformat(entry["received_at"]),
            )
            for entry in await self._ask("GET", "truth")
        ]

    async def sends(self) -> int:
        """Requests that were meant to publish, whatever they were answered."""
        counted = await self._ask("GET", "requests")
        return sum(line["count"] for line in counted if line["operation"] == "publish")

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._http.request(method, f"{self.url}/_sandbox/{path}", json=body)
        if answer.status >= 400:
            raise SandboxRefused(f"{path}: {answer.status} {answer.body[:300].decode()}")
        return answer.json


@asynccontextmanager
async def running_sandbox(
    folder: Path, http: HttpClient, *, latency_ms: float
) -> AsyncIterator[SandboxProcess]:
    """One that nobody has used; it answers `latency_ms` after each post it took. In memory."""
    port = Ports.free().sandbox
    command = (sys.executable, "-m", "sandbox", "--port", str(port), "--no-rate-limits")
    child = Child(
        name="sandbox",
        command=(*command, "--latency-ms", str(latency_ms)),
        env=dict(os.environ),
        ready=http_answers(port, "/pages/"),
    )
    async with running(folder / "sandbox", [child]) as children:
        yield SandboxProcess(f"http://{HOST}:{port}", children.pid("sandbox"), http)
