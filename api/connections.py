"""uvicorn's HTTP connections, on which an answer leaves in one piece."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OnePieceProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, but for how answers are written.

    uvicorn writes the head of an answer when it begins and the body when it is there. That is two
    calls of the system and two packets, each of which wakes the client; they cost more than what
    lies between them.
    """

    _answers: "_HeadAndBody"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._answers = _HeadAndBody(transport, self.loop.call_soon)

    def shutdown(self) -> None:
        """Close after what was answered."""
        self._answers.flush()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse after what was answered."""
        self._answers.flush()
        super().send_400_response(msg)

    def on_headers_complete(self) -> None:
        """Have what answers this request write in one piece."""
        super().on_headers_complete()
        if self.cycle is not None:  # none yet where the first request becomes a WebSocket
            self.cycle.transport = self._answers


class _CallSoon(Protocol):
    def __call__(self, call: Callable[[], None], /) -> object: ...


class _HeadAndBody(asyncio.Transport):
    """What uvicorn's cycle of request and answer sees of its connection.

    A piece waits for the next one, and not beyond this turn of the event loop: a stream whose body
    is yet to come begins as soon as it would have.
    """

    def __init__(self, connection: asyncio.Transport, call_soon: _CallSoon) -> None:
        super().__init__()
        self._connection = connection
        self._call_soon = call_soon
        self._head: bytes | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._connection.writelines((head, data))
        else:
            self._head = bytes(data)
            self._call_soon(self.flush)

    def close(self) -> None:
        self.flush()
        self._connection.close()

    def is_closing(self) -> bool:
        return self._connection.is_closing()

    def flush(self) -> None:
        """Write what waits, unless the client is gone."""
        head, self._head = self._head, None
        if head is not None and not self._connection.is_closing():
            self._connection.write(head)
