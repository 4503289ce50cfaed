"""Uploads that go straight to the media store: announced, sent, and then looked at.

What arrives lies under a key of its own, from which nothing is ever shown. It is read back, judged
by its bytes, and kept under another key, as the link to send it may be used again until its time
is over.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from api.media.service import MediaService
from api.media.upload import Upload
from api.media.upload_problems import (
    another_size,
    not_as_announced,
    not_through_this_link,
    nothing_arrived,
    too_many_open,
)
from api.problems import NotFound, Problem, TooLarge
from storage import media as media_rows
from storage import media_uploads
from storage.database import Database
from storage.media import Media, NewMedia
from storage.media_links import InvalidMediaLink, MediaLinks
from storage.media_store import MediaMissing, MediaStore, MediaStoreError, UploadLink
from storage.media_uploads import Announced, MediaUpload, Owner

log = structlog.get_logger(__name__)

LIFETIME: Final = timedelta(hours=1)
"""How long a picture may be sent, and completed."""

OPEN_AT_MOST: Final = 100
"""Uploads of one workspace or user that may be under way at once."""

IN_MEMORY: Final = 1024 * 1024
"""Bytes; the rest of what is looked at lies in a temporary file."""


class _CompletedBefore(Exception):
    """Another request was faster."""

    def __init__(self, media_id: UUID) -> None:
        """What it has become."""
        super().__init__(str(media_id))
        self.media_id = media_id


class DirectUploadService:
    """What workspaces and users do to send pictures past the API."""

    def __init__(
        self,
        *,
        database: Database,
        store: MediaStore,
        links: MediaLinks,
        media: MediaService,
        max_bytes: int,
    ) -> None:
        """`media` keeps what turns out to be a picture; `max_bytes` is the largest file."""
        self._database = database
        self._store = store
        self._links = links
        self._media = media
        self._max_bytes = max_bytes

    async def begin(self, owner: Owner, announced: Announced) -> tuple[MediaUpload, UploadLink]:
        """Expect a picture, and say where to send it. Raises TooLarge, Conflict."""
        if announced.size > self._max_bytes:
            raise TooLarge(self._max_bytes, field="size")
        expires_at = (datetime.now(UTC) + LIFETIME).replace(microsecond=0)
        async with self._database.transaction() as session:
            if await media_uploads.count_open(session, owner) >= OPEN_AT_MOST:
                raise too_many_open(OPEN_AT_MOST)
            upload = await media_uploads.create(session, owner, announced, expires_at=expires_at)
        link = self._store.upload_link(
            upload.storage_key,
            content_type=announced.content_type,
            size=announced.size,
            lifetime=LIFETIME,
        )
        return upload, link or self._through_here(upload)

    async def receive(
        self,
        upload_id: UUID,
        body: AsyncIterator[bytes],
        *,
        expires: int,
        signature: str,
        content_type: str,
    ) -> None:
        """Take a picture where the media store takes none itself.

        Raises Problem, MediaStoreError; nothing is kept of what does not fit its announcement.
        """
        try:
            self._links.verify_upload(upload_id, expires=expires, signature=signature)
        except InvalidMediaLink as error:
            raise not_through_this_link(str(error)) from error
        async with self._database.transaction() as session:
            upload = await media_uploads.find_any(session, upload_id)
        if upload is None or upload.media_id is not None:
            raise not_through_this_link("The upload was completed, or is past its time.")
        if content_type != upload.announced.content_type:
            raise not_as_announced(
                "content_type", "The type is not the announced one.", "Announce it anew."
            )
        async with _temporary() as file:
            size, _ = await _fill(file, body, limit=upload.announced.size)
            if size != upload.announced.size:
                raise another_size(upload.announced.size)
            await self._store.put(upload.storage_key, file, content_type)

    async def complete(self, owner: Owner, upload_id: UUID) -> Media:
        """Look at what arrived, and keep it or delete it; once more is fine.

        Raises NotFound, Conflict while nothing arrived, Problem for what cannot be kept,
        MediaStoreError.
        """
        async with self._database.transaction() as session:
            upload = await media_uploads.find(session, owner, upload_id)
            if upload is not None and upload.media_id is not None:
                return await _kept(session, upload.media_id)
        if upload is None or upload.expires_at <= datetime.now(UTC):
            raise NotFound("upload", upload_id, place="of yours that is not past its time")
        try:
            media = await self._keep(upload)
        except _CompletedBefore as before:
            async with self._database.transaction() as session:
                return await _kept(session, before.media_id)
        except MediaMissing as error:
            raise nothing_arrived() from error
        except Problem:
            await self._forget(upload)
            raise
        await self._discard(upload)
        return media

    async def _keep(self, upload: MediaUpload) -> Media:
        told = upload.announced
        async with _temporary() as file:
            arrived = await self._store.open(upload.storage_key)
            size, digest = await _fill(file, arrived, limit=told.size)
            if size != told.size:
                raise another_size(told.size)
            if told.sha256 is not None and not hmac.compare_digest(told.sha256, digest):
                raise not_as_announced(
                    "sha256", "The bytes that arrived are others.", "Upload it again."
                )
            return await self._media.keep(
                Upload(file=file, file_name=told.file_name, size=size, alt_text=told.alt_text),
                upload.owner.id,
                _Completing(upload),
            )

    async def _forget(self, upload: MediaUpload) -> None:
        """What cannot be kept is not expected either; a new upload has a new link."""
        async with self._database.transaction() as session:
            await media_uploads.forget(session, upload.id)
        await self._discard(upload)

    async def _discard(self, upload: MediaUpload) -> None:
        try:
            await self._store.delete(upload.storage_key)
        except MediaStoreError as error:  # the job that forgets the upload tries it again
            log.warning("upload left behind", upload=str(upload.id), error=type(error).__name__)

    def _through_here(self, upload: MediaUpload) -> UploadLink:
        return UploadLink(
            url=self._links.upload_url(upload.id, upload.expires_at),
            headers={
                "Content-Type": upload.announced.content_type,
                "Content-Length": str(upload.announced.size),
            },
        )


class _Completing:
    """Makes what arrived known as its owner's, once."""

    def __init__(self, upload: MediaUpload) -> None:
        self._upload = upload

    async def __call__(self, session: AsyncSession, *, new: NewMedia) -> Media:
        """In the transaction that completes the upload. Raises Problem, _CompletedBefore."""
        upload = await media_uploads.lock(session, self._upload.id)
        if upload is None:
            raise NotFound("upload", self._upload.id, place="of yours that is not past its time")
        if upload.media_id is not None:
            raise _CompletedBefore(upload.media_id)
        if new.content_type != upload.announced.content_type:
            raise not_as_announced(
                "content_type",
                f"It was announced as {upload.announced.content_type}, and is {new.content_type}.",
                "Announce it as what it is.",
            )
        if upload.owner.workspace_id is not None:
            media = await media_rows.create(session, upload.owner.workspace_id, new)
        else:
            media = await media_rows.create_of_user(session, upload.owner.id, new)
        await media_uploads.complete(session, upload.id, media.id)
        return media


async def _kept(session: AsyncSession, media_id: UUID) -> Media:
    media = await media_rows.find_any(session, media_id)
    if media is None:
        raise NotFound("media item", media_id, place="any more")
    return media


@asynccontextmanager
async def _temporary() -> AsyncIterator[BinaryIO]:
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  closed below, in a thread
    try:
        yield cast(BinaryIO, file)
    finally:
        await asyncio.to_thread(file.close)


async def _fill(file: BinaryIO, source: AsyncIterator[bytes], *, limit: int) -> tuple[int, bytes]:
    """(bytes, SHA-256) of what the source gave; stops once that is more than the limit."""
    size, digest = 0, sha256()
    async for chunk in source:
        size += len(chunk)
        if size > limit:
            break
        digest.update(chunk)
        await asyncio.to_thread(file.write, chunk)
    file.seek(0)
    return size, digest.digest()
