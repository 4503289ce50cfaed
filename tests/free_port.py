"""TCP ports for the servers of tests."""

import os
import socket
from collections.abc import Iterator
from dataclasses import fields
from random import SystemRandom
from typing import Final

from stack.ports import FREE_RANGE, Ports

CANDIDATES: Final = range(10_000, FREE_RANGE.start)
"""Below those that `Ports.free` gives, and that the system gives to connections."""


def free_port() -> int:
    """A port of this machine that nobody listens on right now.

    It was given to nobody else, here or in another process of the same run: a server may take its
    time until it listens.
    """
    return next(_ports)


def free_ports() -> Ports:
    """Such a port for each part of a stack."""
    return Ports(**{part.name: free_port() for part in fields(Ports)})


def _own_ports() -> Iterator[int]:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = CANDIDATES[process::processes]
    for port in SystemRandom().sample(own, k=len(own)):  # another run may look for ports as well
        with socket.socket() as unused:
            try:
                unused.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


_ports = _own_ports()
