"""What only a real server shows: large uploads, declared and undeclared."""

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest

from runtime.settings import Settings
from tests.api.conftest import Picture
from tests.conftest import Tenant
from tests.patience import PATIENCE

MEGABYTE = 1024 * 1024
BOUNDARY = b"picture-boundary"
HEAD = (
    b"--" + BOUNDARY + b"\r\n"
    b'Content-Disposition: form-data; name="file"; filename="large.png"\r\n\r\n'
)


async def large_form(megabytes: int) -> AsyncIterator[bytes]:
    yield HEAD
    for _ in range(megabytes):
        yield bytes(MEGABYTE)
    yield b"\r\n--" + BOUNDARY + b"--\r\n"


def form_headers(tenant: Tenant) -> dict[str, str]:
    content_type = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    return {**tenant.headers, "Content-Type": content_type}


async def test_a_declared_200_megabytes_are_refused_before_they_are_sent(
    served: httpx.AsyncClient, workspace: Tenant
) -> None:
    address = served.base_url
    reader, writer = await asyncio.open_connection(address.host, address.port)
    lines = [
        "POST /v1/media HTTP/1.1",
        f"Host: {address.host}",
        f"Content-Length: {200 * MEGABYTE}",
        *(f"{name}: {value}" for name, value in form_headers(workspace).items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    writer.close()
    await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in head


async def test_200_megabytes_sent_all_the_same_are_neither_kept_nor_buffered(
    served: httpx.AsyncClient, workspace: Tenant, settings: Settings
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await served.post(
        "/v1/media",
        content=large_form(200),
        headers={**form_headers(workspace), "Content-Length": str(len(HEAD) + 200 * MEGABYTE + 24)},
        timeout=60,
    )
    assert answer.status_code == 413
    assert orjson.loads(answer.content)["type"] == "/problems/too-large"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50 * 1024, f"the process grew by {grown} KiB"
    assert not settings.storage_base_path.exists()


async def test_an_undeclared_size_is_refused_once_it_is_too_large(
    served: httpx.AsyncClient, workspace: Tenant, settings: Settings
) -> None:
    answer = await served.post(
        "/v1/media", content=large_form(20), headers=form_headers(workspace), timeout=60
    )
    assert answer.status_code == 413
    assert not settings.storage_base_path.exists()


async def test_a_client_that_goes_away_leaves_nothing(
    served: httpx.AsyncClient, workspace: Tenant, settings: Settings
) -> None:
    async def interrupted() -> AsyncIterator[bytes]:
        yield HEAD
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await served.post("/v1/media", content=interrupted(), headers=form_headers(workspace))
    assert (await served.get("/healthz")).status_code == 200
    assert not settings.storage_base_path.exists()


async def test_an_upload_and_its_link_work_over_http(
    served: httpx.AsyncClient, workspace: Tenant, picture: Picture, tmp_path: Path
) -> None:
    content = picture(300, 200, "JPEG")
    answer = await served.post(
        "/v1/media", files={"file": ("a.jpg", content)}, headers=workspace.headers
    )
    assert answer.status_code == 201, answer.text
    shown = await served.get(httpx.URL(answer.json()["url"]).raw_path.decode())
    assert shown.content == content
    assert list((tmp_path / "media").rglob(".incoming-*")) == []
