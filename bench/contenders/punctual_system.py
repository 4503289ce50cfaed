"""Punctual as `make up` starts it, on a fresh data folder, with the sandbox of the benchmark."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from bench.children import running
from bench.contenders.punctual_client import PunctualClient
from bench.sandboxes import SandboxProcess
from networks.http_client import HttpClient
from stack.children import Child
from stack.ports import Ports
from stack.readiness import http_answers
from stack.running import Stack, running_stack

PARTS = ("postgres", "temporal", "migrations", "api", "worker")

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "LOG_LEVEL": "WARNING",
        "API_RATE_PER_MINUTE": "0",
        "API_FAILED_AUTH_PER_MINUTE": "0",
    }
)
"""Where they differ from what `make up` runs with: limits of one client are not the question."""


@dataclass(frozen=True, kw_only=True)
class PunctualOptions:
    """How it is run."""

    workers: int = 1
    """Worker processes, each serving everything."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """On top of SETTINGS."""
    lead: timedelta = timedelta(seconds=60)
    """From the first post's creation to the publish time."""
    one_by_one: bool = False
    """Whether each post is created with a request of its own."""
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What runs in the place of a part."""
    verbose: bool = False


class PunctualSystem:
    """A running system: its stack and a client of it."""

    def __init__(
        self, stack: Stack, more: Mapping[str, int], sandbox: SandboxProcess, client: PunctualClient
    ) -> None:
        """`more` are further processes' ids, by name."""
        self.stack = stack
        self.client = client
        self._more = {**more, "sandbox": sandbox.pid}

    @property
    def pids(self) -> Mapping[str, int]:
        """Of its processes that run now, by name."""
        parts = [name for name in PARTS if self.stack.is_running(name)]
        return {**{name: self.stack.pid(name) for name in parts}, **self._more}


@asynccontextmanager
async def running_punctual(
    folder: Path, sandbox: SandboxProcess, http: HttpClient, options: PunctualOptions
) -> AsyncIterator[PunctualSystem]:
    """Start it; it is gone afterwards. Raises StackError."""
    async with AsyncExitStack() as opened:
        stack = await opened.enter_async_context(
            running_stack(
                folder / "punctual",
                Ports.free(),
                only=PARTS,
                quiet=not options.verbose,
                overrides={**SETTINGS, **sandbox.settings, **options.settings},
                commands=options.commands,
            )
        )
        more = [_worker(number, stack) for number in range(2, options.workers + 1)]
        workers = await opened.enter_async_context(
            running(folder / "workers", more, verbose=options.verbose)
        )
        client = PunctualClient(stack.addresses.api, stack.addresses.database, sandbox, http)
        pids = {child.name: workers.pid(child.name) for child in more}
        yield PunctualSystem(stack, pids, sandbox, client)


def _worker(number: int, stack: Stack) -> Child:
    port = Ports.free().worker_health
    own = {"WORKER_HEALTH_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    return Child(
        name=f"worker-{number}",
        command=(sys.executable, "worker.py"),
        env={**os.environ, **stack.settings, **own},
        ready=http_answers(port, "/readyz"),
        stop_seconds=20.0,
    )
