"""Where the bytes of uploaded media are kept: a directory, or an S3 bucket.

MediaStoreError
├── MediaMissing           nothing is kept under that key
├── MediaStoreFull         no room: somebody has to make some
└── MediaStoreUnavailable  a passing fault, or a wrong setup: repeat after a while
"""

import asyncio
import errno
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CHUNK: Final = 256 * 1024
"""Bytes read at once: large enough to be quick, small enough for thousands of readers."""

_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_S3_NO_ROOM: Final = frozenset({"QuotaExceeded", "StorageFull", "XMinioStorageFull"})
_S3_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})


class MediaStoreError(Exception):
    """The media store did not do what was asked."""


class MediaMissing(MediaStoreError):
    """Nothing is kept under that key."""


class MediaStoreFull(MediaStoreError):
    """There is no room left; nothing was saved."""


class MediaStoreUnavailable(MediaStoreError):
    """The store cannot be reached or written to; nothing was saved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadLink:
    """The permission to PUT one file, of one size and type, for a while."""

    url: str = field(repr=False)
    headers: dict[str, str]
    """What has to come with it, exactly; Content-Length too, which clients set by themselves."""


class MediaStore(Protocol):
    """Keeps files by key. Every method raises MediaStoreError, classed by what to do."""

    async def put(self, key: str, source: BinaryIO, content_type: str) -> None:
        """Save all that is left to read of `source`: whole, or not at all."""
        ...

    async def read(self, key: str) -> bytes:
        """The whole file. Raises MediaMissing."""
        ...

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """The file in chunks. Raises MediaMissing before the first of them."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the file; one that is not there is fine."""
        ...

    def upload_link(
        self, key: str, *, content_type: str, size: int, lifetime: timedelta
    ) -> UploadLink | None:
        """Where others may put that file without passing us; None where only we can write.

        `size` is in bytes. What arrives is not to be trusted, and may be replaced until the
        `lifetime` is over. No request is made.
        """
        ...


class LocalMediaStore:
    """Media in a directory of this machine."""

    def __init__(self, base_path: Path) -> None:
        """`base_path` is made when the first file is saved."""
        self._base_path = base_path

    async def put(self, key: str, source: BinaryIO, content_type: str) -> None:
        """Save into a temporary file beside the final one, then rename: no part is ever seen."""
        del content_type  # a directory keeps none
        await asyncio.to_thread(self._put, self._path(key), source)

    async def read(self, key: str) -> bytes:
        """The whole file. Raises MediaMissing."""
        with _file_errors():
            return await asyncio.to_thread(self._path(key).read_bytes)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """The file in chunks. Raises MediaMissing before the first of them."""
        with _file_errors():
            file = await asyncio.to_thread(self._path(key).open, "rb")
        return _chunks(file)

    async def delete(self, key: str) -> None:
        """Forget the file; one that is not there is fine."""
        with _file_errors():
            await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    def upload_link(
        self, key: str, *, content_type: str, size: int, lifetime: timedelta
    ) -> UploadLink | None:
        """A directory takes files from us only."""
        del key, content_type, size, lifetime
        return None

    def _put(self, path: Path, source: BinaryIO) -> None:
        with _file_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=".incoming-", dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
                _sync_directory(path.parent)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def _path(self, key: str) -> Path:
        return self._base_path / _checked(key)


class S3MediaStore:
    """Media in a bucket of S3 or of a server that speaks its protocol."""

    def __init__(
        self,
        *,
        bucket: str,
        access_key_id: str,
        secret_access_key: str,
        region: str = "auto",
        endpoint: str | None = None,
        public_endpoint: str | None = None,
        force_path_style: bool = False,
    ) -> None:
        """`endpoint` is the server's address; AWS's own when None. No request is made yet.

        `public_endpoint` is where clients reach it, when that is another address: links are signed
        for the address that they lead to.
        """
        self._bucket = bucket

        def client_of(address: str | None) -> "S3Client":
            client: S3Client = boto3.client(
                "s3",
                region_name=region,
                endpoint_url=address,
                aws_access_key_id=access_key_id,
                aws_secret_access_key=secret_access_key,
                config=Config(
                    signature_version="s3v4",
                    connect_timeout=5,
                    read_timeout=30,
                    retries={"mode": "standard", "total_max_attempts": 3},
                    s3={"addressing_style": "path" if force_path_style else "auto"},
                    # boto3's own default sends checksum trailers that many S3 servers refuse.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
            return client

        self._client = client_of(endpoint)
        self._signer = client_of(public_endpoint) if public_endpoint else self._client

    async def put(self, key: str, source: BinaryIO, content_type: str) -> None:
        """Save in one request, which S3 makes visible whole or not at all."""
        with _s3_errors():
            await asyncio.to_thread(
                self._client.put_object,
                Bucket=self._bucket,
                Key=_checked(key),
                Body=source,
                ContentType=content_type,
            )

    async def read(self, key: str) -> bytes:
        """The whole file. Raises MediaMissing."""
        return b"".join([chunk async for chunk in await self.open(key)])

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """The file in chunks. Raises MediaMissing before the first of them."""
        with _s3_errors():
            answer = await asyncio.to_thread(
                self._client.get_object, Bucket=self._bucket, Key=_checked(key)
            )
        return _chunks(answer["Body"])

    async def delete(self, key: str) -> None:
        """Forget the file; one that is not there is fine."""
        with _s3_errors():
            await asyncio.to_thread(
                self._client.delete_object, Bucket=self._bucket, Key=_checked(key)
            )

    def upload_link(
        self, key: str, *, content_type: str, size: int, lifetime: timedelta
    ) -> UploadLink | None:
        """A presigned PUT, which S3 and R2 both know; size and type are part of what is signed."""
        url = self._signer.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self._bucket,
                "Key": _checked(key),
                "ContentType": content_type,
                "ContentLength": size,
            },
            ExpiresIn=int(lifetime.total_seconds()),
            HttpMethod="PUT",
        )
        return UploadLink(
            url=url, headers={"Content-Type": content_type, "Content-Length": str(size)}
        )


class _Readable(Protocol):
    def read(self, amount: int, /) -> bytes: ...

    def close(self) -> None: ...


async def _chunks(file: _Readable) -> AsyncIterator[bytes]:
    try:
        with _file_errors(), _s3_errors():
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
    finally:
        file.close()


def _checked(key: str) -> str:
    """The key, unless it could lead out of the store (a programming error)."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a key of the media store")
    return key


def _sync_directory(directory: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise MediaMissing("the media store has no such file") from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise MediaStoreFull("the media store has no room left") from error
        raise MediaStoreUnavailable(f"the media store failed: {error.strerror}") from error


@contextmanager
def _s3_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code in _S3_MISSING:
            raise MediaMissing("the media store has no such file") from error
        if code in _S3_NO_ROOM:
            raise MediaStoreFull("the media store has no room left") from error
        raise MediaStoreUnavailable(f"the S3 server answered {code}") from error
    except BotoCoreError as error:
        raise MediaStoreUnavailable(f"the S3 server failed: {type(error).__name__}") from error
