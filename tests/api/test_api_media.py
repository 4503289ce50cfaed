"""Listing, changing, deleting and fetching pictures."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert

from domain.content import Attachment, Content, PostContent, ThreadPart
from domain.deliveries import PostStatus
from domain.ids import new_id
from runtime.resources import Resources
from runtime.settings import Settings
from storage import contents
from storage.database import Database
from storage.tables import PostRevisionRow, PostRow
from tests.api.conftest import Picture, Upload
from tests.conftest import Tenant


def kept_files(settings: Settings) -> list[Path]:
    return [path for path in settings.storage_base_path.rglob("*") if path.is_file()]


async def uploaded(upload: Upload, tenant: Tenant, content: bytes) -> dict[str, Any]:
    answer = await upload(tenant, content)
    assert answer.status_code == 201, answer.text
    media: dict[str, Any] = answer.json()
    return media


async def test_media_are_listed_shown_and_described(
    client: httpx.AsyncClient, upload: Upload, workspace: Tenant, picture: Picture
) -> None:
    first = await uploaded(upload, workspace, picture())
    second = await uploaded(upload, workspace, picture())
    listed = await client.get("/v1/media", headers=workspace.headers)
    assert [item["id"] for item in listed.json()["items"]] == [second["id"], first["id"]]
    path = f"/v1/media/{first['id']}"
    changed = await client.patch(path, json={"alt_text": "Navy"}, headers=workspace.headers)
    assert changed.status_code == 200
    shown = await client.get(path, headers=workspace.headers)
    assert shown.json()["alt_text"] == "Navy"


async def test_another_workspaces_media_is_not_there(
    client: httpx.AsyncClient,
    upload: Upload,
    workspace: Tenant,
    other_workspace: Tenant,
    picture: Picture,
) -> None:
    media = await uploaded(upload, workspace, picture())
    for media_id in (media["id"], str(uuid4())):
        path = f"/v1/media/{media_id}"
        headers = other_workspace.headers
        assert (await client.get(path, headers=headers)).status_code == 404
        changed = await client.patch(path, json={"alt_text": "x"}, headers=headers)
        assert changed.status_code == 404
        assert (await client.delete(path, headers=headers)).status_code == 404
    listed = await client.get("/v1/media", headers=other_workspace.headers)
    assert listed.json()["items"] == []


async def test_a_deleted_picture_is_gone_with_its_file(
    client: httpx.AsyncClient,
    upload: Upload,
    workspace: Tenant,
    settings: Settings,
    picture: Picture,
) -> None:
    media = await uploaded(upload, workspace, picture())
    path = f"/v1/media/{media['id']}"
    assert (await client.delete(path, headers=workspace.headers)).status_code == 204
    assert kept_files(settings) == []
    assert (await client.get(path, headers=workspace.headers)).status_code == 404
    assert (await client.get(media["url"])).status_code == 404


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        (PostStatus.DRAFT, True),
        (PostStatus.SCHEDULED, True),
        (PostStatus.PUBLISHED, False),
        (PostStatus.CANCELLED, False),
    ],
)
@pytest.mark.parametrize("where", ["post", "thread", "variant"])
async def test_a_picture_that_a_waiting_post_uses_is_kept(
    client: httpx.AsyncClient,
    upload: Upload,
    workspace: Tenant,
    database: Database,
    picture: Picture,
    status: PostStatus,
    kept: bool,
    where: str,
) -> None:
    media = await uploaded(upload, workspace, picture())
    await write_post(database, workspace, UUID(media["id"]), status, where)
    answer = await client.delete(f"/v1/media/{media['id']}", headers=workspace.headers)
    assert answer.status_code == (409 if kept else 204), answer.text


async def write_post(
    database: Database, tenant: Tenant, media_id: UUID, status: PostStatus, where: str
) -> None:
    used = (Attachment(media_id=media_id),)
    base = Content(
        text="Rolls",
        media=used if where == "post" else (),
        thread=(ThreadPart(text="More", media=used),) if where == "thread" else (),
    )
    content = PostContent(base=base)
    stored = contents.to_json(content)
    if where == "variant":
        stored["variants"] = {"x": {"media": [{"media_id": str(media_id), "alt_text": ""}]}}
    post_id = new_id()
    async with database.transaction() as session:
        await session.execute(
            insert(PostRow).values(
                id=post_id,
                workspace_id=tenant.id,
                status=status,
                publish_at=datetime.now(UTC) + timedelta(days=1),
            )
        )
        await session.execute(
            insert(PostRevisionRow).values(post_id=post_id, revision=1, content=stored)
        )


async def test_a_link_shows_the_picture_without_a_key(
    client: httpx.AsyncClient, upload: Upload, workspace: Tenant, picture: Picture
) -> None:
    content = picture()
    media = await uploaded(upload, workspace, content)
    answer = await client.get(media["url"])
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"].startswith("public, max-age=3")
    head = await client.head(media["url"])
    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(content))
    assert head.content == b""


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("expires=x&signature=y", 422),
        ("expires=-1&signature=y", 422),
        ("expires=99999999999999999999&signature=y", 422),
        ("expires=9999999999&signature=00", 403),
        ("expires=9999999999&signature=%ff%00", 403),
    ],
)
async def test_a_made_up_link_shows_nothing(
    client: httpx.AsyncClient,
    upload: Upload,
    workspace: Tenant,
    picture: Picture,
    query: str,
    status: int,
) -> None:
    media = await uploaded(upload, workspace, picture())
    path = urlsplit(media["url"]).path
    answer = await client.get(f"{path}?{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_link_ends(
    client: httpx.AsyncClient,
    upload: Upload,
    workspace: Tenant,
    resources: Resources,
    picture: Picture,
) -> None:
    media = await uploaded(upload, workspace, picture())
    ended = resources.media_links.url_for(UUID(media["id"]), timedelta(seconds=-1))
    answer = await client.get(ended)
    assert answer.status_code == 403
    assert "past its time" in answer.json()["detail"]


async def test_a_file_that_got_lost_is_told(
    client: httpx.AsyncClient,
    upload: Upload,
    workspace: Tenant,
    settings: Settings,
    picture: Picture,
) -> None:
    media = await uploaded(upload, workspace, picture())
    for path in kept_files(settings):
        path.unlink()
    answer = await client.get(media["url"])
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/media-missing"
