"""A running sandbox, its clients, and a web server that media are fetched from."""

import io
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import uvicorn
from PIL import Image

from sandbox.__main__ import server_config
from sandbox.settings import Settings
from tests.patience import PATIENCE


@dataclass
class Driver:
    """Speaks to one running sandbox, by its control API and as a client of its networks."""

    base: str
    http: httpx.AsyncClient

    async def connect(self, network: str, handle: str = "acme.test", **more: Any) -> dict[str, Any]:
        order = {"network": network, "handle": handle, **more}
        answer = await self.http.post("/_sandbox/accounts", json=order)
        assert answer.status_code == 200, answer.text
        connected: dict[str, Any] = answer.json()
        return connected

    async def fault(self, network: str, kind: str, **more: Any) -> None:
        order = {"network": network, "kind": kind, **more}
        answer = await self.http.post("/_sandbox/faults", json=order)
        assert answer.status_code == 201, answer.text

    async def advance(self, seconds: float) -> None:
        answer = await self.http.post("/_sandbox/clock", json={"advance_seconds": seconds})
        assert answer.status_code == 200, answer.text

    async def truth(self, **wanted: Any) -> list[dict[str, Any]]:
        answer = await self.http.get("/_sandbox/truth", params=wanted)
        entries: list[dict[str, Any]] = answer.json()
        return entries

    async def texts(self, **wanted: Any) -> list[str]:
        return [entry["text"] for entry in await self.truth(**wanted)]


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """A sandbox under a real uvicorn in a thread; yields its base URL."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(server_config(settings, "127.0.0.1", port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def run_sandbox() -> Callable[[Settings], AbstractContextManager[str]]:
    """Runs further sandboxes, with settings of their own."""
    return running


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with running(Settings(fetch_timeout_seconds=0.5)) as base:
        yield base


@pytest.fixture
async def driver(sandbox_url: str) -> AsyncIterator[Driver]:
    """The shared sandbox, emptied for this test."""
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=PATIENCE) as http:
        await http.delete("/_sandbox/state")
        yield Driver(sandbox_url, http)


@dataclass
class MediaSite:
    """A web site that media are fetched from; `slow` paths answer too late."""

    base: str
    files: dict[str, bytes] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def put(self, name: str, content: bytes) -> str:
        self.files[f"/{name}"] = content
        return f"{self.base}/{name}"


@pytest.fixture(scope="session")
def media_site() -> Iterator[MediaSite]:
    site = MediaSite("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.fetched.append(self.path)
            if self.path.startswith("/slow"):
                time.sleep(1)
            content = site.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


Draw = Callable[..., bytes]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws an image of a size, in a colour, in a format."""

    def image(
        width: int = 60, height: int = 60, file_format: str = "JPEG", colour: str = "navy"
    ) -> bytes:
        target = io.BytesIO()
        Image.new("RGB", (width, height), colour).save(target, file_format)
        return target.getvalue()

    return image


@pytest.fixture(scope="session")
def mp4() -> bytes:
    return b"\x00\x00\x00\x18ftypmp42" + bytes(64)
