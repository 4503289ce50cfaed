"""Resetting a connection under uvicorn, so that the client sees it break and gets no answer."""

import socket
import struct
from collections.abc import Callable

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_RESET = "sandbox.reset"


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a way for the application to reset the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_RESET: {"reset": self._reset}}

    def _reset(self) -> None:
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            # Lingering for zero seconds makes the kernel send RST where a plain close sends FIN.
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()


async def reset_connection(scope: Scope, receive: Receive) -> None:
    """Reset the connection of a request and wait until the server has noticed."""
    extension: dict[str, Callable[[], None]] = scope.get("extensions", {}).get(_RESET, {})
    if "reset" not in extension:
        raise RuntimeError("connections can only be reset when served by ResettableProtocol")
    extension["reset"]()
    while (await receive())["type"] != "http.disconnect":
        pass
