"""What tests of the API ask for besides: pictures, real servers, the sandbox behind the API."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image

from api.app import create_app
from runtime.resources import open_resources
from runtime.settings import Settings
from tests.conftest import API_BASE_URL, Tenant

Picture = Callable[..., bytes]
"""`picture(width=40, height=20, file_format="PNG", **options)`"""

Upload = Callable[..., Awaitable[httpx.Response]]
"""`upload(tenant, content, name="picture.png", alt_text=None)`"""


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Draws pictures."""

    def draw(
        width: int = 40, height: int = 20, file_format: str = "PNG", **options: object
    ) -> bytes:
        target = io.BytesIO()
        Image.new("RGB", (width, height), "navy").save(target, file_format, **options)
        return target.getvalue()

    return draw


@pytest.fixture
def upload(client: httpx.AsyncClient) -> Upload:
    """Uploads a file as browsers do."""

    async def send(
        tenant: Tenant, content: bytes, name: str = "picture.png", alt_text: str | None = None
    ) -> httpx.Response:
        return await client.post(
            "/v1/media",
            headers=tenant.headers,
            files={"file": (name, content)},
            data={} if alt_text is None else {"alt_text": alt_text},
        )

    return send


@pytest.fixture
async def sandboxed_client(sandbox_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that speaks to the sandbox networks."""
    async with open_resources(sandbox_settings) as resources:
        app = create_app(sandbox_settings)
        app.state.resources = resources
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
            yield client


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API under a real server, with its own resources."""
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The app under uvicorn on a free port; yields its address."""
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:
                assert not task.done(), "the server did not start"
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
