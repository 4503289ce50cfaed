"""Starts children in order, notices the one that dies, and stops them in reverse."""

import asyncio
import time
from collections.abc import Sequence
from signal import SIGCONT, SIGSTOP
from typing import NoReturn

from stack.children import Child, ChildProcess
from stack.errors import ChildFailed, UnknownChild, describe_exit
from stack.leftovers import ProcessRecord
from stack.terminal import Terminal

POLL_SECONDS = 0.05


class Supervisor:
    """Runs `children`; the order they are given in is the order they start in."""

    def __init__(
        self, children: Sequence[Child], *, record: ProcessRecord, terminal: Terminal
    ) -> None:
        self._children = {child.name: child for child in children}
        self._record = record
        self._terminal = terminal
        self._processes: dict[str, ChildProcess] = {}
        self._watches: set[asyncio.Task[None]] = set()
        self._failure: asyncio.Future[ChildFailed] = asyncio.get_running_loop().create_future()

    @property
    def failure(self) -> ChildFailed | None:
        """The first death that nobody asked for."""
        return self._failure.result() if self._failure.done() else None

    async def start_all(self) -> None:
        """Start every child, each once the one before it is ready.

        Raises ChildFailed.
        """
        for name in self._children:
            await self.start(name)

    async def start(self, name: str) -> None:
        """Start one child and wait until it is ready; a running one is left alone.

        Raises UnknownChild, ChildFailed.
        """
        child = self._child(name)
        if name in self._processes:
            return
        if self.failure and self.failure.name == name:
            self._failure = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        if child.prepare is not None:
            await child.prepare()
        process = await ChildProcess.spawn(
            child, show=lambda line: self._terminal.child_line(name, line)
        )
        self._processes[name] = process
        self._record.add(name=name, pid=process.pid, stop_signal=child.stop_signal)
        watch = asyncio.create_task(self._watch(process), name=f"watch of {name}")
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        await (self._finish(process) if child.runs_once else self._until_ready(process))
        what = "done" if child.runs_once else "ready"
        self._terminal.child_ready(name, what, time.monotonic() - began)

    async def stop(self, name: str) -> None:
        """Stop one child the way it likes to be stopped.

        Raises UnknownChild.
        """
        if process := self._process(name):
            await process.stop()
            await self._gone(process)

    async def kill(self, name: str) -> None:
        """End one child as a crash would: SIGKILL, with no chance to say goodbye.

        Raises UnknownChild.
        """
        if process := self._process(name):
            await process.kill()
            await self._gone(process)

    def pause(self, name: str) -> None:
        """Freeze one child and its group where they are; PostgreSQL's sessions have other groups.

        Raises UnknownChild.
        """
        if process := self._process(name):
            process.signal_group(SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a paused child go on.

        Raises UnknownChild.
        """
        if process := self._process(name):
            process.signal_group(SIGCONT)

    def is_running(self, name: str) -> bool:
        """Whether that child's process runs, paused or not."""
        process = self._processes.get(name)
        return process is not None and process.running

    def pid(self, name: str) -> int:
        """The process id of a running child.

        Raises UnknownChild, also when it does not run.
        """
        if process := self._process(name):
            return process.pid
        raise UnknownChild(f"{name} is not running")

    def last_lines(self, name: str) -> list[str]:
        """The end of what one running child has printed.

        Raises UnknownChild.
        """
        process = self._process(name)
        return list(process.last_lines) if process else []

    async def stop_all(self) -> None:
        """Stop every child, the last started first."""
        for process in self._processes.values():
            process.end_expected = True
        for name in reversed(list(self._processes)):
            await self.stop(name)

    async def kill_all(self) -> None:
        """Kill every child at once."""
        await asyncio.gather(*(self.kill(name) for name in list(self._processes)))

    async def wait_for_failure(self) -> NoReturn:
        """Raises ChildFailed when a child dies that nobody asked to."""
        raise await asyncio.shield(self._failure)

    async def _finish(self, process: ChildProcess) -> None:
        while process.running:
            self._raise_failure()
            await asyncio.sleep(POLL_SECONDS)
        if code := await process.wait():
            raise self._failed(process, describe_exit(code))
        if process.child.collect is not None:
            process.child.collect(process.last_lines)
        await self._gone(process)

    async def _until_ready(self, process: ChildProcess) -> None:
        child = process.child
        deadline = time.monotonic() + child.ready_seconds
        while child.ready is not None and not await child.ready():
            self._raise_failure()
            if time.monotonic() > deadline:
                raise self._failed(process, f"was not ready after {child.ready_seconds:g} s")
            await asyncio.sleep(POLL_SECONDS)
        self._raise_failure()

    async def _watch(self, process: ChildProcess) -> None:
        code = await process.wait()
        if not process.end_expected and not self._failure.done():
            self._failure.set_result(self._failed(process, describe_exit(code)))
        await self._gone(process)

    async def _gone(self, process: ChildProcess) -> None:
        await process.wait()
        name = process.child.name
        if self._processes.get(name) is process:
            del self._processes[name]
            self._record.remove(process.pid)

    def _raise_failure(self) -> None:
        if failure := self.failure:
            raise failure

    def _failed(self, process: ChildProcess, reason: str) -> ChildFailed:
        return ChildFailed(process.child.name, reason=reason, last_lines=process.last_lines)

    def _child(self, name: str) -> Child:
        if name not in self._children:
            raise UnknownChild(f"no part is called {name}: there are {', '.join(self._children)}")
        return self._children[name]

    def _process(self, name: str) -> ChildProcess | None:
        self._child(name)
        return self._processes.get(name)
