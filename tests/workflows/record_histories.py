"""Record a history of every branch of the workflows: python -m tests.workflows.record_histories

What is stored stays: posts that started under older code must keep replaying. A branch whose
commands changed gets one more file (published.2.json); one whose commands did not gets none.
--replace NAME overwrites its newest file: only for a recording that no deployed worker ever ran.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

from tests.workflows.histories import FOLDER, command_sequence, next_path, stored, trimmed
from tests.workflows.scenarios import SCENARIOS, Lived
from tests.workflows.scheduled_posts import Posts
from tests.workflows.temporal_server import scripted_workers, time_skipping_server


async def record(scenario: Callable[[Posts], Awaitable[Lived]]) -> dict[str, Any]:
    """Live one life and return its history."""
    async with time_skipping_server() as environment, scripted_workers(environment) as posts:
        lived = await scenario(posts)
        return trimmed(await lived.history())


def keep(name: str, history: dict[str, Any], *, replace: bool = False) -> Path | None:
    """Store it where the branch's commands changed; the file written, if any."""
    recordings = stored(name)
    if replace and recordings:
        return _write(recordings[-1], history)
    if recordings:
        newest = json.loads(recordings[-1].read_text())
        if command_sequence(newest) == command_sequence(history):
            return None
    return _write(next_path(name), history)


def _write(path: Path, history: dict[str, Any]) -> Path:
    path.write_text(json.dumps(history, indent=1) + "\n")
    return path


async def _main(replaced: Collection[str]) -> None:
    # Scenarios fail on purpose; their tracebacks would bury what was written.
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    FOLDER.mkdir(exist_ok=True)
    for name, scenario in SCENARIOS.items():
        written = keep(name, await record(scenario), replace=name in replaced)
        sys.stdout.write(f"{name}: {f'wrote {written.name}' if written else 'unchanged'}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Record a history of every branch.")
    parser.add_argument("--replace", nargs="+", choices=SCENARIOS, default=[], metavar="NAME")
    asyncio.run(_main(parser.parse_args().replace))
    sys.stdout.flush()
    # Threads of the SDK's core outlive the servers, and now and then crash an ending interpreter.
    os._exit(0)
