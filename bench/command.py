"""What every benchmark's command line has in common."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from bench import machine, results
from bench.contenders.bullmq import BullMQFailed
from bench.contenders.node_project import NodeNotUsable
from bench.contenders.punctual_client import PunctualFailed
from bench.contenders.punctual_system import PunctualOptions, PunctualSystem, running_punctual
from bench.results import Outcome, bench_folder
from bench.sandboxes import SandboxProcess, SandboxRefused, running_sandbox
from networks.http_client import HttpClient
from stack.errors import ChildFailed, StackError

ANSWER_SECONDS = timedelta(seconds=120)
"""A bulk request of a benchmark may take long; it still ends."""


def command_line(name: str, described: str | None) -> argparse.ArgumentParser:
    """A parser that knows how Punctual is run."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=described)
    parser.add_argument("--workers", type=int, default=1, help="Punctual's worker processes")
    parser.add_argument("--latency-ms", type=float, default=200.0, help="of the networks")
    parser.add_argument("--keep", action="store_true", help="write its JSON and its plot")
    parser.add_argument("--verbose", action="store_true", help="show what the processes print")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of Punctual"
    )
    return parser


def punctual_options(asked: argparse.Namespace, **more: Any) -> PunctualOptions:
    """How Punctual is run, as that command line says."""
    settings: Mapping[str, str] = dict(pair.split("=", 1) for pair in asked.set)
    return PunctualOptions(workers=asked.workers, settings=settings, verbose=asked.verbose, **more)


def carry_out(asked: argparse.Namespace, work: Coroutine[Any, Any, Outcome]) -> int:
    """Run it and say what came of it; the exit code, 0 only when that is good."""
    known = machine.facts()
    try:
        outcome = asyncio.run(work)
    except (StackError, PunctualFailed, BullMQFailed, NodeNotUsable, SandboxRefused) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        for line in error.last_lines if isinstance(error, ChildFailed) else ():
            print(f"    {line}", file=sys.stderr)
        return 1
    if asked.keep:
        results.keep(outcome.name, {"line": outcome.line, "machine": known, **outcome.told})
        outcome.draw()
    print(outcome.line, flush=True)
    return 0 if outcome.is_good else 1


@asynccontextmanager
async def http_client() -> AsyncIterator[HttpClient]:
    """One for everything that a benchmark asks."""
    http = HttpClient(timeout=ANSWER_SECONDS, allow_private_addresses=True)
    try:
        yield http
    finally:
        await http.close()


@asynccontextmanager
async def fresh_system(
    options: PunctualOptions, *, latency_ms: float
) -> AsyncIterator[tuple[PunctualSystem, SandboxProcess]]:
    """Punctual and networks that nobody used before."""
    async with AsyncExitStack() as opened:
        folder = opened.enter_context(bench_folder())
        http = await opened.enter_async_context(http_client())
        sandbox = await opened.enter_async_context(
            running_sandbox(folder, http, latency_ms=latency_ms)
        )
        yield (
            await opened.enter_async_context(running_punctual(folder, sandbox, http, options)),
            sandbox,
        )
