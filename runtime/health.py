"""Two small answers over HTTP for a process that serves no API: alive, and ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.service import RPCError

from storage.database import Database, DatabaseUnavailable

_ANSWER = (
    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
    "content-length: {length}\r\nconnection: close\r\n\r\n{body}"
)


@asynccontextmanager
async def serve_health(port: int, database: Database, client: Client) -> AsyncIterator[None]:
    """Answer GET /healthz and /readyz on that port, on every interface, while inside."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(reader.readline(), timeout=5)
            ready = b"/readyz" in request
            missing = await _missing(database, client) if ready else []
            status = "503 Service Unavailable" if missing else "200 OK"
            body = f'{{"status": "{"waiting for " + ", ".join(missing) if missing else "ok"}"}}'
            writer.write(_ANSWER.format(status=status, length=len(body), body=body).encode())
            await writer.drain()
        except (TimeoutError, ConnectionError):
            return
        finally:
            writer.close()

    # Probes come from other containers, so every interface; nothing secret is answered.
    server = await asyncio.start_server(answer, host=None, port=port)
    async with server:
        yield


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
