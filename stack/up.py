"""The whole system on this machine until Ctrl-C or SIGTERM: what `make up` runs."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from stack.children import ROOT
from stack.errors import ChildFailed, StackError
from stack.ports import HOST, Ports
from stack.postgres import DATABASE, SUPERUSER
from stack.running import Stack, running_stack
from stack.services import WORKSPACE, settings_in
from stack.terminal import Terminal

STOPPING = "\nStopping. Once more kills everything at once."
SHOWN_LINES = 12
"""How many of a dead part's last lines are repeated."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="PART", help="start these parts alone")
    only = parser.parse_args(arguments).only
    try:
        asyncio.run(_up(os.environ, only))
    except ChildFailed as error:
        print(f"punctual: {error}; the rest was stopped. Its last lines:", file=sys.stderr)
        for line in error.last_lines[-SHOWN_LINES:]:
            print(f"    {line}", file=sys.stderr)
        return 1
    except (StackError, OSError) as error:
        print(f"punctual: {error}", file=sys.stderr)
        return 1
    return 0


async def _up(environment: Mapping[str, str], only: Collection[str] | None) -> None:
    terminal = Terminal(sys.stdout)
    serving = asyncio.create_task(_serve(environment, only, terminal))

    def stop() -> None:
        asked_before = serving.cancelling()
        terminal.say("\nKilling what still runs." if asked_before else STOPPING)
        serving.cancel()

    for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(asked, stop)
    await asyncio.wait({serving})
    if not serving.cancelled():
        serving.result()


async def _serve(
    environment: Mapping[str, str], only: Collection[str] | None, terminal: Terminal
) -> None:
    began = time.monotonic()
    home = Path(environment.get("PUNCTUAL_HOME") or ROOT / ".punctual")
    ports = Ports.from_environment(environment)
    terminal.say(f"Starting Punctual; its data is in {home}")
    overrides = settings_in(environment)
    async with running_stack(home, ports, only=only, quiet=False, overrides=overrides) as stack:
        terminal.say(f"Punctual is up after {time.monotonic() - began:.1f} s. Ctrl-C stops it.\n")
        terminal.say(_addresses(stack, ports))
        await stack.wait_for_failure()


def _addresses(stack: Stack, ports: Ports) -> str:
    database = f"{HOST}:{ports.postgres}, database {DATABASE}, user {SUPERUSER}"
    lines = [
        ("api", "API", stack.addresses.api),
        ("api", "API docs", stack.addresses.api_docs),
        ("temporal", "Temporal UI", stack.addresses.temporal_ui),
        ("sandbox", "Sandbox pages", stack.addresses.sandbox),
        ("sandbox", "Mails", stack.addresses.sandbox_mails),
        ("postgres", "PostgreSQL", f"{database}, password in {stack.home.secrets_file}"),
    ]
    shown = [(label, value) for part, label, value in lines if stack.is_running(part)]
    if stack.api_key:
        shown.append(("API key", f"{stack.api_key} (workspace {WORKSPACE})"))
    return "".join(f"  {label:<14}{value}\n" for label, value in shown)
