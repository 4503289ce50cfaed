"""Small answers over HTTP for a process that serves no API: alive, ready, and its counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.service import RPCError

from runtime.metrics import MEDIA_TYPE, Metrics
from storage.database import Database, DatabaseUnavailable

_HEAD = (
    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n"
    "content-length: {length}\r\nconnection: close\r\n\r\n"
)


@asynccontextmanager
async def serve_health(
    port: int, database: Database, client: Client, *, metrics: Metrics | None = None
) -> AsyncIterator[None]:
    """Answer GET /healthz and /readyz on that port, on every interface, while inside.

    With metrics also GET /metrics.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(reader.readline(), timeout=5)
            if metrics is not None and b" /metrics " in request:
                writer.write(_answer("200 OK", metrics.exposition(), MEDIA_TYPE))
            else:
                missing = await _missing(database, client) if b"/readyz" in request else []
                status = "503 Service Unavailable" if missing else "200 OK"
                told = "waiting for " + ", ".join(missing) if missing else "ok"
                body = f'{{"status": "{told}"}}'.encode()
                writer.write(_answer(status, body, "application/json"))
            await writer.drain()
        except (TimeoutError, ConnectionError):
            return
        finally:
            writer.close()

    # Probes come from other containers, so every interface; nothing secret is answered.
    server = await asyncio.start_server(answer, host=None, port=port)
    async with server:
        yield


def _answer(status: str, body: bytes, kind: str) -> bytes:
    return _HEAD.format(status=status, kind=kind, length=len(body)).encode() + body


async def _missing(database: Database, client: Client) -> list[str]:
    missing = []
    try:
        await database.ping()
    except DatabaseUnavailable:
        missing.append("PostgreSQL")
    try:
        await client.service_client.check_health()
    except RPCError:
        missing.append("Temporal")
    return missing
