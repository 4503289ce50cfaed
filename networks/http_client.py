"""The one pooled HTTP client that all adapters share."""

import asyncio
import ipaddress
import socket
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    DetailedPyreqwestError,
    PoolTimeoutError,
    PyreqwestError,
)
from pyreqwest.multipart import FormBuilder, PartBuilder
from pyreqwest.request import ConsumedRequest

USER_AGENT = "Punctual/0.1"

WARMING = timedelta(seconds=2)
"""The longest that opening connections ahead of a second may take."""


class NotConnected(Exception):
    """No connection was made, so the request certainly never left."""


class NoAnswer(Exception):
    """The request may have left, and no whole answer came: a timeout, a reset, a cut answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePart:
    """One file of a multipart body."""

    field: str
    file_name: str
    content_type: str
    content: bytes


class Response:
    """A whole answer, read to its end."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """`headers` are asked by lower-case name."""
        self.status = status
        self.headers = headers
        self.body = body

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def object(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        return self.json if isinstance(self.json, dict) else {}


class Request:
    """One request with everything in it: it leaves when it is awaited, which may be done once."""

    def __init__(self, ready: ConsumedRequest | PyreqwestError) -> None:
        """`ready` is an error where it could not even be built."""
        self._ready = ready

    def __await__(self) -> Generator[Any, None, Response]:
        """Send it and read the whole answer, whatever its status.

        Raises NotConnected when it certainly did not leave, NoAnswer when it may have.
        """
        return self._send().__await__()

    async def _send(self) -> Response:
        try:
            if isinstance(self._ready, PyreqwestError):
                raise self._ready
            answer = await self._ready.send()
            body = bytes(await answer.bytes())
        except PyreqwestError as error:
            failure = NotConnected if _never_left(error) else NoAnswer
            raise failure(_reason(error)) from None  # its text holds the address
        return Response(answer.status, answer.headers, body)


class HttpClient:
    """Asynchronous HTTP for the publish path: pooled, no redirects, every failure classed.

    pyreqwest was the fastest of three measured clients at thousands of requests in one second
    (0.3 to 0.4 s of CPU for 3,000; aiohttp 0.4 to 0.8 s; httpx 18 to 52 s).
    """

    def __init__(
        self,
        *,
        connect_timeout: timedelta = timedelta(seconds=5),
        timeout: timedelta = timedelta(seconds=30),
        allow_private_addresses: bool = False,
    ) -> None:
        """`timeout` bounds a whole request; private addresses are for tests and local stacks."""
        self._allow_private_addresses = allow_private_addresses
        self._client: Client = (
            ClientBuilder()
            .user_agent(USER_AGENT)
            .connect_timeout(connect_timeout)
            .timeout(timeout)
            .follow_redirects(False)
            .referer(False)
            .no_proxy()
            .build()
        )

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._client.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        bearer: str | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Sequence[FilePart] = (),
        content: bytes | None = None,
        timeout: timedelta | None = None,
    ) -> Request:
        """One request, ready to leave. What thousands do at one second is done before it."""
        try:
            builder = self._client.request(method, url)
            if query:
                builder = builder.query(dict(query))
            if headers:
                builder = builder.headers(dict(headers))
            if bearer is not None:
                builder = builder.bearer_auth(bearer)
            if timeout is not None:
                builder = builder.timeout(timeout)
            if json is not None:
                builder = builder.header("content-type", "application/json").body_bytes(
                    orjson.dumps(json)
                )
            elif files:
                builder = builder.multipart(_multipart(form or {}, files))
            elif form is not None:
                builder = builder.form(dict(form))
            elif content is not None:
                builder = builder.body_bytes(content)
            return Request(builder.build())
        except PyreqwestError as error:
            return Request(error)

    async def warm(self, url: str, connections: int) -> None:
        """Have so many connections open to the server of that address, as far as it lets us.

        By requests without content or credentials, as many at once; HTTP/2 shares one connection
        between them all by itself. Never raises: what is not open now is opened when it is needed.
        """
        parts = urlsplit(url)
        opening = (
            self._client.request("HEAD", f"{parts.scheme}://{parts.netloc}/")
            .timeout(WARMING)
            .build()
            .send()
            for _ in range(connections)
        )
        await asyncio.gather(*opening, return_exceptions=True)

    async def require_public(self, url: str) -> None:
        """Refuse a user-named server that is not on the public internet.

        Raises ValueError naming the reason. Settings may allow private addresses (tests, the
        embedded stack).
        """
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError(f"{url!r} is not an http(s) address")
        if self._allow_private_addresses:
            return
        if parts.scheme != "https":
            raise ValueError(f"{url!r} must start with https://")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                parts.hostname, parts.port or 443, type=socket.SOCK_STREAM
            )
        except OSError as error:
            raise ValueError(f"the name {parts.hostname} does not resolve") from error
        for *_, address in found:
            if not ipaddress.ip_address(address[0]).is_global:
                raise ValueError(f"{parts.hostname} is not a public address")


def _multipart(form: Mapping[str, str], files: Sequence[FilePart]) -> FormBuilder:
    builder = FormBuilder()
    for name, value in form.items():
        builder = builder.text(name, value)
    for file in files:
        part = PartBuilder.from_bytes(file.content).file_name(file.file_name)
        builder = builder.part(file.field, part.mime(file.content_type))
    return builder


def _never_left(error: PyreqwestError) -> bool:
    """Whether no byte of the request was written.

    Its class does not tell: pyreqwest 0.15 raises ConnectTimeoutError when the answer to
    a sent request is late, and ConnectError when the connection is reset after sending. Only its
    causes do, where hyper names the step that failed.
    """
    if isinstance(error, BuilderError | PoolTimeoutError):
        return True
    causes = (error.details["causes"] or []) if isinstance(error, DetailedPyreqwestError) else []
    return any(cause["message"] == "client error (Connect)" for cause in causes)


def _reason(error: PyreqwestError) -> str:
    """What went wrong, without the address: Graph puts tokens into query strings."""
    return type(error).__name__
