"""An answer leaves in one piece; what is streamed leaves as it comes."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from api.connections import OnePieceProtocol
from tests.patience import PATIENCE

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LAST_GET = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


class Noted(asyncio.Transport):
    """A connection on which every piece that is written is noted."""

    def __init__(self, connection: asyncio.Transport, pieces: list[bytes]) -> None:
        super().__init__()
        self._connection = connection
        self._pieces = pieces

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._pieces.append(bytes(data))
        self._connection.write(data)

    def writelines(self, data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(data))

    def close(self) -> None:
        self._connection.close()

    def is_closing(self) -> bool:
        return self._connection.is_closing()

    def pause_reading(self) -> None:
        self._connection.pause_reading()

    def resume_reading(self) -> None:
        self._connection.resume_reading()

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._connection.get_extra_info(name, default)


@asynccontextmanager
async def connected(
    app: ASGIApp, pieces: list[bytes]
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the app under uvicorn."""

    class NotedProtocol(OnePieceProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(Noted(transport, pieces))

    config = uvicorn.Config(app, port=0, http=NotedProtocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:
            assert not task.done(), "the server did not start"
            await asyncio.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await task


def answering(body: bytes) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize("body", [b"", b"bread", b"b" * 300_000])
async def test_head_and_body_are_one_piece(body: bytes) -> None:
    pieces: list[bytes] = []
    async with connected(answering(body), pieces) as (reader, writer):
        for _ in range(2):  # the connection is kept
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(len(body)) == body
    assert [piece.partition(b"\r\n\r\n")[2] for piece in pieces] == [body, body]


async def test_requests_behind_one_another_are_answered_in_order() -> None:
    async with connected(answering(b"bread"), []) as (reader, writer):
        writer.write(GET * 3 + LAST_GET)
        everything = await reader.read()
    assert everything.count(b"HTTP/1.1 200 OK") == 4
    assert everything.count(b"\r\n\r\nbread") == 4


async def test_a_stream_begins_before_its_body_is_there() -> None:
    may_go = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await may_go.wait()
        await send({"type": "http.response.body", "body": b"bread"})

    async with connected(app, []) as (reader, writer):
        writer.write(LAST_GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head
        may_go.set()
        assert await reader.read() == b"5\r\nbread\r\n0\r\n\r\n"


async def test_an_answer_that_breaks_off_has_begun() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async with connected(app, []) as (reader, writer):
        writer.write(GET)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
