"""A TCP port for a server of a test."""

import socket


def free_port() -> int:
    """A port of this machine that nobody listens on right now."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port
