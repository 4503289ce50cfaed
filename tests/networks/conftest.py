"""What adapters are tested with: the real HTTP client, a scripted server, the sandbox networks."""

import asyncio
import io
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from networks.http_client import HttpClient
from networks.protocol import MediaFile
from tests.networks.sandbox_control import SandboxControl
from tests.networks.scripted_network import Reply, ScriptedNetwork, serving

ROOT = Path(__file__).parents[2]
SANDBOX_START_LIMIT = 30
"""Seconds."""

NewPicture = Callable[..., MediaFile]
"""`new_picture(alt_text="", color="red")`: both by name."""


@pytest.fixture(scope="session")
async def http_client() -> AsyncIterator[HttpClient]:
    """The client that production uses, with local servers allowed and short waits."""
    client = HttpClient(
        connect_timeout=timedelta(seconds=30),
        timeout=timedelta(seconds=30),
        allow_private_addresses=True,
    )
    yield client
    await client.close()


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[ScriptedNetwork]:
    """One server for the whole run; tests take `scripted_network`."""
    with serving() as network:
        yield network


@pytest.fixture
def scripted_network(scripted_server: ScriptedNetwork) -> ScriptedNetwork:
    """A server that gives the answers it is told, with nothing told yet."""
    scripted_server.forget()
    return scripted_server


@pytest.fixture
def closed_url() -> str:
    """The address of a server that is not there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.fixture(scope="session")
async def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a running sandbox, without a slash at its end. One for the whole run."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    data = str(tmp_path_factory.mktemp("sandbox"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port", port, "--data", data),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        await asyncio.wait_for(_wait_until_ready(process), SANDBOX_START_LIMIT)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _wait_until_ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    said = b""
    while line := await process.stdout.readline():
        if line.startswith(b"Sandbox ready"):
            return
        said += line
    pytest.fail(f"The sandbox did not start. It said:\n{said.decode()}")


@pytest.fixture
async def sandbox(http_client: HttpClient, sandbox_url: str) -> AsyncIterator[SandboxControl]:
    """Orders accounts and faults of the running sandbox; no fault outlives its test."""
    control = SandboxControl(http_client, sandbox_url)
    yield control
    await control.clear_faults()


@pytest.fixture
def new_picture(scripted_network: ScriptedNetwork) -> NewPicture:
    """Makes JPEG pictures that can be read, and fetched from `public_url`."""

    def make(*, alt_text: str = "", color: str = "red") -> MediaFile:
        media_id = uuid4()
        buffer = io.BytesIO()
        Image.new("RGB", (640, 640), color).save(buffer, "JPEG")
        content = buffer.getvalue()
        path = f"/pictures/{media_id}.jpg"
        headers = {"content-type": "image/jpeg"}
        for method in ("GET", "HEAD"):
            scripted_network.tell(method, path, Reply(body=content, headers=headers))

        async def read() -> bytes:
            return content

        return MediaFile(
            media_id=media_id,
            content_type="image/jpeg",
            size=len(content),
            width=640,
            height=640,
            alt_text=alt_text,
            public_url=f"{scripted_network.base_url}{path}",
            read=read,
        )

    return make
