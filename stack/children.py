"""One part of the stack: what to run, as data, and the process that runs it."""

import asyncio
import contextlib
import os
import pwd
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGTERM, Signals
from typing import Self, TypedDict

from stack.errors import ChildFailed, describe_exit

ROOT = Path(__file__).resolve().parent.parent
LAST_LINES = 200
DRAIN_SECONDS = 1.0
"""How long after its end a child's output is still read: a grandchild may hold the pipe open."""


@dataclass(frozen=True, kw_only=True)
class Child:
    """What to run, and how to tell that it is ready. All times in seconds."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    """The whole environment, not an addition to ours."""
    cwd: Path = ROOT
    user: str | None = None
    """The system user that it runs as, when that is not ours."""
    ports: tuple[str, ...] = ()
    """The names of the ports that it listens on."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Runs before each start."""
    ready: Callable[[], Awaitable[bool]] | None = None
    """Whether it serves; None: as soon as it runs."""
    runs_once: bool = False
    """It is ready when it has ended with code 0."""
    collect: Callable[[Sequence[str]], None] | None = None
    """Takes the output of a child that runs once; it is not printed then."""
    ready_seconds: float = 60.0
    stop_signal: Signals = SIGTERM
    stop_seconds: float = 10.0
    shows_its_stopping: bool = True
    """Whether what it prints after it was asked to stop is worth showing."""


class ChildProcess:
    """A child's running process, in a session of its own so that Ctrl-C does not reach it."""

    def __init__(
        self,
        child: Child,
        process: asyncio.subprocess.Process,
        *,
        show: Callable[[str], None],
    ) -> None:
        self.child = child
        self.end_expected = child.runs_once
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._process = process
        self._show = show
        self._reading = asyncio.create_task(self._read_output(), name=f"output of {child.name}")
        self._ended = asyncio.create_task(self._wait(), name=f"end of {child.name}")

    @classmethod
    async def spawn(cls, child: Child, *, show: Callable[[str], None]) -> Self:
        """Start the child; `show` gets every line that it prints.

        Raises ChildFailed when it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *child.command,
                env=dict(child.env),
                cwd=child.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                **_identity(child.user),
            )
        except OSError as error:
            reason = f"could not be started: {error.strerror}: {child.command[0]}"
            raise ChildFailed(child.name, reason=reason) from error
        return cls(child, process, show=show)

    @property
    def pid(self) -> int:
        """The process's id, which is also its group's."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return not self._ended.done()

    @property
    def _shows(self) -> bool:
        if self.child.runs_once:
            return self.child.collect is None
        return self.child.shows_its_stopping or not self.end_expected

    async def wait(self) -> int:
        """The process's return code, once it has ended and its output is read."""
        return await asyncio.shield(self._ended)

    async def stop(self) -> None:
        """Ask it to stop; kill its whole group when it has not in time."""
        self.end_expected = True
        self.signal(self.child.stop_signal)
        self.signal_group(SIGCONT)
        try:
            async with asyncio.timeout(self.child.stop_seconds):
                await self.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill its whole group at once."""
        self.end_expected = True
        self.signal_group(SIGKILL)
        await self.wait()

    def signal(self, number: Signals) -> None:
        """Send a signal to the process alone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def signal_group(self, number: Signals) -> None:
        """Send a signal to the process and all in its group."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def _wait(self) -> int:
        code = await self._process.wait()
        await asyncio.wait({self._reading}, timeout=DRAIN_SECONDS)
        self._reading.cancel()
        return code

    async def _read_output(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if not text:
            return
        self.last_lines.append(text)
        if self._shows:
            self._show(text)


async def run_to_end(
    name: str, command: tuple[str, ...], *, user: str | None = None, stdin: str = ""
) -> str:
    """Run a short program on behalf of the child `name`; what it printed.

    Raises ChildFailed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd="/",  # `user` may not be allowed where we are
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            **_identity(user),
        )
    except OSError as error:
        reason = f"could not be set up: {command[0]}: {error.strerror}"
        raise ChildFailed(name, reason=reason) from error
    try:
        output, _ = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode(errors="replace")
    if process.returncode:
        reason = f"could not be set up: {command[0]} {describe_exit(process.returncode)}"
        raise ChildFailed(name, reason=reason, last_lines=text.splitlines())
    return text


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _identity(user: str | None) -> _Identity:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
