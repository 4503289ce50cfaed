"""Where each part listens, on 127.0.0.1."""

import errno
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from random import SystemRandom
from typing import Self

from stack.errors import InvalidPorts, PortsInUse

HOST = "127.0.0.1"
FREE_RANGE = range(20_000, 32_000)
"""Below the ports that the system gives to outgoing connections, so that none takes ours first."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """One port a part; `PUNCTUAL_{NAME}_PORT` overrides each."""

    api: int = 8080
    temporal_ui: int = 8233
    temporal: int = 7233
    sandbox: int = 8090
    sandbox_smtp: int = 8025
    postgres: int = 5433
    worker_health: int = 8081

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The defaults, with what the environment overrides.

        Raises InvalidPorts.
        """
        chosen = {
            field.name: _port(variable(field.name), text)
            for field in fields(cls)
            if (text := environment.get(variable(field.name)))
        }
        ports = cls(**chosen)
        numbers = [getattr(ports, field.name) for field in fields(cls)]
        if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
            names = [variable(f.name) for f in fields(cls) if getattr(ports, f.name) == twice[0]]
            raise InvalidPorts(f"{' and '.join(names)} are both {twice[0]}: give each its own")
        return ports

    @classmethod
    def free(cls) -> Self:
        """Ports that nothing listens on right now, for a stack beside another one.

        Raises PortsInUse when there are not enough.
        """
        names = [field.name for field in fields(cls)]
        found = (port for port in SystemRandom().sample(FREE_RANGE, k=500) if not _why_taken(port))
        chosen = dict(zip(names, found, strict=False))
        if len(chosen) < len(names):
            raise PortsInUse(f"no free ports from {FREE_RANGE.start} to {FREE_RANGE.stop}")
        return cls(**chosen)

    def require_free(self, names: Iterable[str]) -> None:
        """Raises PortsInUse, naming every port of `names` that cannot be listened on."""
        taken = [
            f"{number} ({variable(name)}: {reason})"
            for name in names
            if (reason := _why_taken(number := getattr(self, name)))
        ]
        if taken:
            raise PortsInUse(
                f"cannot listen on port {', '.join(taken)}: "
                "stop what uses it, or set the variable to another port"
            )


def variable(name: str) -> str:
    """The environment variable that overrides the port of that name."""
    return f"PUNCTUAL_{name.upper()}_PORT"


def _port(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise InvalidPorts(f"{name}={text} is not a port: set it to a number from 1 to 65535")
    return int(text)


def _why_taken(port: int) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            known = error.errno == errno.EADDRINUSE
            return "in use" if known else os.strerror(error.errno or 0)
    return None
