"""Uploading pictures: what is taken, what is refused, and that nothing is half-saved."""

import hashlib
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from runtime.settings import Settings
from storage.database import Database
from storage.media_store import LocalMediaStore, MediaStoreFull
from storage.tables import MediaRow
from tests.api.conftest import Picture, Upload
from tests.conftest import Tenant

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
QUARTER_TURN = bytes.fromhex(
    "457869660000 4d4d002a00000008 0001 0112 0003 00000001 0006 0000 00000000"
)
"""EXIF with nothing but an orientation: 6, lying on its right side."""


def kept_files(settings: Settings) -> list[Path]:
    return [path for path in settings.storage_base_path.rglob("*") if path.is_file()]


async def kept_rows(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(MediaRow)) or 0


@pytest.mark.parametrize("file_format", FORMATS)
async def test_the_type_is_found_in_the_bytes(
    upload: Upload, workspace: Tenant, picture: Picture, file_format: str
) -> None:
    content = picture(30, 20, file_format)
    answer = await upload(workspace, content, name="C:\\fakepath\\holiday.exe", alt_text="Blue")
    assert answer.status_code == 201, answer.text
    media = answer.json()
    assert media["content_type"] == FORMATS[file_format]
    assert (media["width"], media["height"]) == (30, 20)
    assert media["size"] == len(content)
    assert media["sha256"] == hashlib.sha256(content).hexdigest()
    assert media["file_name"] == "holiday.exe"
    assert media["alt_text"] == "Blue"


async def test_the_size_is_that_of_the_upright_picture(
    upload: Upload, workspace: Tenant, picture: Picture
) -> None:
    answer = await upload(workspace, picture(30, 20, "JPEG", exif=QUARTER_TURN))
    media = answer.json()
    assert (media["width"], media["height"]) == (20, 30)


@pytest.mark.parametrize(
    ("content", "status", "rule"),
    [
        (b"", 422, "empty"),
        (b"just text", 415, "not_an_image"),
        (b"%PDF-1.7\n", 415, "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_an_image"),
        (b"\x89PNG\r\n\x1a\n", 415, "not_an_image"),
        (b"GIF89a", 415, "not_an_image"),
        (os.urandom(5000), 415, "not_an_image"),
    ],
)
async def test_what_is_no_picture_is_refused_and_not_kept(
    upload: Upload,
    workspace: Tenant,
    settings: Settings,
    database: Database,
    content: bytes,
    status: int,
    rule: str,
) -> None:
    answer = await upload(workspace, content, name="picture.jpg")
    assert answer.status_code == status, answer.text
    error = answer.json()["errors"][0]
    assert error["field"] == "file"
    assert error["rule"] == rule
    assert error["fix"]
    assert kept_files(settings) == []
    assert await kept_rows(database) == 0


@pytest.mark.parametrize("file_format", FORMATS)
async def test_a_cut_off_picture_is_refused(
    upload: Upload, workspace: Tenant, settings: Settings, picture: Picture, file_format: str
) -> None:
    content = picture(300, 200, file_format)
    answer = await upload(workspace, content[: len(content) * 2 // 3])
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["rule"] == "broken_image"
    assert kept_files(settings) == []


async def test_a_png_without_its_end_is_refused(
    upload: Upload, workspace: Tenant, picture: Picture
) -> None:
    answer = await upload(workspace, picture(300, 200)[:-12])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "broken_image"


async def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    upload: Upload, workspace: Tenant, picture: Picture, settings: Settings
) -> None:
    forged = bytearray(picture())
    forged[16:24] = struct.pack(">II", 20_000, 15_000)
    forged[29:33] = struct.pack(">I", zlib.crc32(forged[12:29]))
    answer = await upload(workspace, bytes(forged))
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert error["rule"] == "too_many_pixels"
    assert error["limit"] == settings.media_max_pixels
    assert error["actual"] == 300_000_000


async def test_a_file_of_too_many_bytes_is_refused(
    upload: Upload, workspace: Tenant, settings: Settings, picture: Picture
) -> None:
    at_limit = picture().ljust(settings.media_max_bytes, b"\x00")
    assert (await upload(workspace, at_limit)).status_code == 201
    for size in (settings.media_max_bytes + 1, 2 * settings.media_max_bytes):
        answer = await upload(workspace, picture().ljust(size, b"\x00"))
        assert answer.status_code == 413, answer.text
        assert answer.json()["type"] == "/problems/too-large"
    assert len(kept_files(settings)) == 1


@pytest.mark.parametrize(
    ("request_parts", "status"),
    [
        ({"json": {"file": "x"}}, 415),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400),
        ({"data": {"file": "text"}, "files": {"other": ("a.png", b"x")}}, 422),
        ({"files": [("file", ("a.png", b"x")), ("file", ("b.png", b"x"))]}, 400),
        ({"files": {"file": ("a.png", b"x")}, "data": {"alt_text": "x" * 70_000}}, 400),
    ],
)
async def test_a_wrong_form_is_told(
    client: httpx.AsyncClient, workspace: Tenant, request_parts: dict[str, Any], status: int
) -> None:
    headers = {**workspace.headers, **request_parts.pop("headers", {})}
    answer = await client.post("/v1/media", headers=headers, **request_parts)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"alt_text": "x" * 5001}, "alt_text"),
        ({"alt_text": "a\u0000"}, "alt_text"),
        ({"alt": "Blue"}, "alt"),
    ],
)
async def test_a_wrong_field_beside_the_file_is_told(
    client: httpx.AsyncClient,
    workspace: Tenant,
    settings: Settings,
    picture: Picture,
    fields: dict[str, str],
    field: str,
) -> None:
    answer = await client.post(
        "/v1/media",
        headers=workspace.headers,
        files={"file": ("a.png", picture())},
        data=fields,
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert kept_files(settings) == []


async def test_a_full_store_says_so_and_keeps_nothing(
    upload: Upload,
    workspace: Tenant,
    database: Database,
    picture: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(*_: object) -> None:
        raise MediaStoreFull("no room")

    monkeypatch.setattr(LocalMediaStore, "put", full)
    answer = await upload(workspace, picture())
    assert answer.status_code == 507
    assert answer.json()["type"] == "/problems/media-store-full"
    assert await kept_rows(database) == 0


async def test_a_row_that_cannot_be_written_takes_its_file_along(
    upload: Upload,
    workspace: Tenant,
    settings: Settings,
    picture: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("storage.media.create", fail)
    answer = await upload(workspace, picture())
    assert answer.status_code == 500
    assert kept_files(settings) == []
