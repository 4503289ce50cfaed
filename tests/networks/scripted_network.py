"""An HTTP server that gives the answers it was told and keeps what it was asked."""

import asyncio
import json
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.requests import Request
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer to one request."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    """Sent as it is, instead of `json`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    """Seconds before anything is answered."""
    cut: bool = False
    """Close the connection in the middle of the answer."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body as a URL-encoded form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class ScriptedNetwork:
    """Answers each method and path with what was told for it; the last answer repeats.

    Whatever was not told is answered with 501, so that a test sees a request it did not expect.
    """

    def __init__(self, base_url: str) -> None:
        """Start with nothing told; `base_url` has no slash at its end."""
        self.base_url = base_url
        self.asked: list[Asked] = []
        self._replies: dict[tuple[str, str], list[Reply]] = defaultdict(list)

    def forget(self) -> None:
        """Start anew: nothing told, nothing asked."""
        self.asked.clear()
        self._replies.clear()

    def tell(self, method: str, path: str, *replies: Reply) -> None:
        """Add answers for that method and path, given one after the other."""
        self._replies[method, path].extend(replies)

    def asked_for(self, method: str, path: str) -> list[Asked]:
        """The requests of that method to that path, oldest first."""
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (the ASGI application)."""
        request = Request(scope, receive)
        asked = Asked(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers=dict(request.headers),
            body=await request.body(),
        )
        self.asked.append(asked)
        reply = self._next_reply(asked.method, asked.path)
        await asyncio.sleep(reply.delay)
        content = json.dumps(reply.json).encode() if reply.body is None else reply.body
        headers = {"content-type": "application/json", **reply.headers}
        # A promise of more than comes makes the server close the connection.
        headers["content-length"] = str(len(content) + (1 if reply.cut else 0))
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": content, "more_body": reply.cut})

    def _next_reply(self, method: str, path: str) -> Reply:
        replies = self._replies[method, path]
        if not replies:
            return Reply(status=501, json={"not_told": f"{method} {path}"})
        return replies.pop(0) if len(replies) > 1 else replies[0]


@contextmanager
def serving() -> Iterator[ScriptedNetwork]:
    """A scripted network on a free port of 127.0.0.1, in a thread of its own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        network = ScriptedNetwork(f"http://127.0.0.1:{listening.getsockname()[1]}")
        config = uvicorn.Config(
            network, log_config=None, log_level="critical", lifespan="off", ws="none"
        )
        server = uvicorn.Server(config)
        listening.listen()  # connections made before the server runs wait in its backlog
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield network
        finally:
            server.should_exit = True
            thread.join()
