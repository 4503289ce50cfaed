"""Supervisors of small real processes."""

import asyncio
import io
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stack.children import Child
from stack.leftovers import ProcessRecord
from stack.supervisor import Supervisor
from stack.terminal import Terminal


@pytest.fixture
def home_path() -> Iterator[Path]:
    """A data folder of its own.

    Not in pytest's, which every other run by this user closes to PostgreSQL's user again.
    """
    with tempfile.TemporaryDirectory(prefix="punctual-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "home"


@pytest.fixture
def printed() -> io.StringIO:
    """What the supervisor's terminal shows."""
    return io.StringIO()


@pytest.fixture
def record(tmp_path: Path) -> ProcessRecord:
    """Which processes the supervisor runs, on disk."""
    return ProcessRecord(tmp_path / "processes.json")


@pytest.fixture
def python_child() -> Callable[[str, str], Child]:
    """Makes a child from its name and a line of Python."""

    def make(name: str, program: str) -> Child:
        return Child(name=name, command=(sys.executable, "-S", "-uc", program), env=os.environ)

    return make


@pytest.fixture
def sleeper(python_child: Callable[[str, str], Child]) -> Callable[[str], Child]:
    """Makes a child that says "up", and ends at once when it is asked to."""

    def make(name: str) -> Child:
        return python_child(name, "print('up'); import time; time.sleep(60)")

    return make


@pytest.fixture
def ready_when() -> Callable[[Child, Path], Child]:
    """That child, ready when the file exists."""

    def make(child: Child, file: Path) -> Child:
        async def exists() -> bool:
            return await asyncio.to_thread(file.exists)

        return replace(child, ready=exists)

    return make


@pytest.fixture
async def supervise(
    record: ProcessRecord, printed: io.StringIO
) -> AsyncIterator[Callable[..., Supervisor]]:
    """Makes a supervisor of the children given; what it runs is stopped after the test."""
    made: list[Supervisor] = []

    def make(*children: Child) -> Supervisor:
        made.append(Supervisor(children, record=record, terminal=Terminal(printed, width=6)))
        return made[-1]

    yield make
    for supervisor in made:
        await supervisor.kill_all()
