"""A TCP port for a server of a test."""

import random
import socket
from typing import Final

FIRST: Final = 10_000
LAST: Final = 32_000
"""Below those that the system gives to connections: one of them could take it meanwhile."""

_chance = random.SystemRandom()  # several processes of tests look for ports at once


def free_port() -> int:
    """A port of this machine that nobody listens on right now."""
    while True:
        port = _chance.randrange(FIRST, LAST)
        with socket.socket() as unused:
            try:
                unused.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
