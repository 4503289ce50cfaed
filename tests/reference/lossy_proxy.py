"""A proxy before the reference server that loses requests or answers when told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

HEADERS_PASSED = ("authorization", "content-type")


class LossyProxy:
    """Passes everything on, but for what it shall lose."""

    def __init__(self, upstream: str, http: httpx.AsyncClient) -> None:
        """`upstream` is the server's address, without a slash at its end."""
        self.url = ""
        self.lost = 0
        self._upstream = upstream
        self._http = http
        self._method = ""
        self._requests = 0
        self._answers = 0

    def lose(self, method: str, *, requests: int = 0, answers: int = 0) -> None:
        """Cut that many next calls of the method: before the server has them, or after it."""
        self._method, self._requests, self._answers = method, requests, answers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on a connection of its own."""
        try:
            answer = await self._pass_on(reader)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the caller went away
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader) -> bytes | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.strip().split("\r\n")
        verb, target, _ = request_line.split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        is_chosen = self._method != "" and f"/xrpc/{self._method}" in target
        if is_chosen and self._requests:
            self._requests -= 1
            self.lost += 1
            return None
        answer = await self._http.request(
            verb,
            self._upstream + target,
            headers={name: headers[name] for name in HEADERS_PASSED if name in headers},
            content=body,
        )
        if is_chosen and self._answers:
            self._answers -= 1
            self.lost += 1
            return None
        content_type = answer.headers.get("content-type", "application/json")
        told = (
            f"HTTP/1.1 {answer.status_code} Passed on\r\n"
            f"content-type: {content_type}\r\n"
            f"content-length: {len(answer.content)}\r\n"
            "connection: close\r\n\r\n"
        )
        return told.encode("latin-1") + answer.content


@asynccontextmanager
async def lossy_proxy(upstream: str) -> AsyncIterator[LossyProxy]:
    """A proxy that loses nothing yet."""
    async with httpx.AsyncClient(timeout=30) as http:
        proxy = LossyProxy(upstream, http)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        async with server:
            proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield proxy
