"""Processes of a benchmark beside the stack's own: sandboxes, Redis, BullMQ, more workers."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from stack.children import Child
from stack.leash import leash
from stack.leftovers import ProcessRecord
from stack.supervisor import Supervisor
from stack.terminal import Terminal


@asynccontextmanager
async def running(
    folder: Path, children: Sequence[Child], *, verbose: bool = False
) -> AsyncIterator[Supervisor]:
    """Start them in order, stop them at the end; they end with this process, however it ends.

    No other children run on that folder.
    Raises StackError, at the end too if one died by itself.
    """
    record, lock = _opened(folder)
    terminal = Terminal(sys.stdout if verbose else None, width=10)
    supervisor = Supervisor(children, record=ProcessRecord(record), terminal=terminal)
    try:
        async with leash(record, lock=lock):
            try:
                await supervisor.start_all()
                yield supervisor
            finally:
                await supervisor.stop_all()
    finally:
        os.close(lock)
    if supervisor.failure:
        raise supervisor.failure


def _opened(folder: Path) -> tuple[Path, int]:
    """The record of what runs, and the descriptor of the lock that its leash holds."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "processes.json", os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
