"""What keeps the stack from running. Every message names what was wrong and what to do about it."""

from collections.abc import Sequence
from signal import Signals


class StackError(Exception):
    """The stack cannot run.

    ├── InvalidPorts      an environment variable is not a usable port
    ├── PortsInUse        something else listens already
    ├── AlreadyRunning    another stack works on the same data
    ├── HomeNotUsable     the data folder cannot be read or written
    ├── BinaryMissing     no wheel and no program on PATH
    ├── UnknownChild      no part has that name
    └── ChildFailed       a part died, or was not ready in time
    """


class InvalidPorts(StackError):
    """An environment variable is not a usable port."""


class PortsInUse(StackError):
    """Something else listens on a port that the stack needs."""


class AlreadyRunning(StackError):
    """Another stack works on the same data."""


class HomeNotUsable(StackError):
    """The data folder cannot be read or written, or lacks what belongs to it."""


class BinaryMissing(StackError):
    """A server has neither a wheel for this platform nor a program on PATH."""


class UnknownChild(StackError):
    """No part of the stack has that name."""


class ChildFailed(StackError):
    """A part died, or was not ready in time. `last_lines` is the end of what it printed."""

    def __init__(self, name: str, *, reason: str, last_lines: Sequence[str] = ()) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.last_lines = tuple(last_lines)


def describe_exit(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode >= 0:
        return f"exited with code {returncode}"
    try:
        return f"was killed by {Signals(-returncode).name}"
    except ValueError:
        return f"was killed by signal {-returncode}"
