"""Uploading, showing and deleting media: the file is saved first, its row last."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import BinaryIO, Final, Protocol
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.service import Caller
from api.media.upload import Upload
from api.media.upload_problems import broken, not_an_image, too_many_pixels
from api.media.use_problems import still_needed, still_shown
from api.pagination import PageRequest
from api.problems import NotFound, Problem
from domain.ids import new_id
from domain.pictures import PictureSizeName
from images.inspection import (
    BrokenImage,
    ImageFacts,
    NotAnImage,
    TooManyPixels,
    inspect_image,
)
from storage import media as media_rows
from storage import media_uses, pictures
from storage.database import Database, DatabaseUnavailable
from storage.feed.versions import note_own_write
from storage.media import Media, NewMedia
from storage.media_links import InvalidMediaLink, MediaLinks
from storage.media_store import CHUNK, MediaStore, MediaStoreError

log = structlog.get_logger(__name__)

_SHOWN_FOR: Final = timedelta(hours=1)

_INSPECTORS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="inspect-image")
"""Few: each may hold a whole decoded picture, which is up to four bytes a pixel."""


class Remember(Protocol):
    """Makes a file known as its owner's."""

    async def __call__(self, session: AsyncSession, *, new: NewMedia) -> Media: ...


class MediaService:
    """What workspaces and users do with their media."""

    def __init__(
        self, database: Database, store: MediaStore, links: MediaLinks, *, max_pixels: int
    ) -> None:
        """`max_pixels` is the largest area that is decoded."""
        self._database = database
        self._store = store
        self._links = links
        self._max_pixels = max_pixels

    async def upload(self, caller: Caller, upload: Upload) -> Media:
        """Keep a workspace's picture.

        Raises Problem or MediaStoreError, and then nothing was kept.
        """
        remember = partial(media_rows.create, workspace_id=caller.workspace_id)
        return await self.keep(upload, caller.workspace_id, remember)

    async def upload_of_user(self, user_id: UUID, upload: Upload) -> Media:
        """Keep a user's own picture, for posts of the feed. Raises as `upload` does."""
        return await self.keep(upload, user_id, partial(media_rows.create_of_user, user_id=user_id))

    async def list_of_user(self, user_id: UUID, wanted: PageRequest) -> Sequence[Media]:
        """A user's own pictures, newest first."""
        async with self._database.transaction() as session:
            return await media_rows.list_of_user(
                session, user_id, before=wanted.before, limit=wanted.fetch
            )

    async def keep(self, upload: Upload, owner_id: UUID, remember: Remember) -> Media:
        """Keep a picture of whoever `remember` makes its owner. Raises as `upload` does."""
        facts = await self._inspect(upload)
        digest = await asyncio.to_thread(_digest, upload.file)
        media_id = new_id()
        key = f"{owner_id}/{media_id}"
        await self._store.put(key, upload.file, facts.content_type)
        return await self._remember(
            remember,
            NewMedia(
                id=media_id,
                storage_key=key,
                file_name=upload.file_name,
                content_type=facts.content_type,
                sha256=digest,
                size=upload.size,
                width=facts.width,
                height=facts.height,
                alt_text=upload.alt_text,
            ),
        )

    async def list_page(self, caller: Caller, wanted: PageRequest) -> Sequence[Media]:
        """The workspace's media, newest first."""
        async with self._database.transaction() as session:
            return await media_rows.list_page(
                session, caller.workspace_id, before=wanted.before, limit=wanted.fetch
            )

    async def read(self, caller: Caller, media_id: UUID) -> Media:
        """One media item. Raises NotFound."""
        async with self._database.transaction() as session:
            found = await media_rows.find(session, caller.workspace_id, media_id)
        if found is None:
            raise NotFound("media item", media_id)
        return found

    async def describe(self, caller: Caller, media_id: UUID, alt_text: str) -> Media:
        """Give it another alt text. Raises NotFound."""
        async with self._database.transaction() as session:
            described = await media_rows.describe(session, caller.workspace_id, media_id, alt_text)
        if described is None:
            raise NotFound("media item", media_id)
        return described

    async def delete(self, caller: Caller, media_id: UUID) -> None:
        """Forget it, row first. Raises NotFound, Conflict while posts need or show it."""
        async with self._database.transaction() as session:
            found = await media_rows.lock(session, caller.workspace_id, media_id)
            if found is None:
                raise NotFound("media item", media_id)
            posts = await media_rows.count_posts_using(session, caller.workspace_id, media_id)
            if posts:
                raise still_needed(posts)
            await self._forget(session, media_id)
        await self._discard_all(found)

    async def delete_of_user(self, user_id: UUID, media_id: UUID) -> None:
        """Forget a user's own, row first; who wears it has no avatar then.

        Raises NotFound, Conflict while others see it.
        """
        async with self._database.transaction() as session:
            found = await media_rows.lock_of_user(session, user_id, media_id)
            if found is None:
                raise NotFound("media item", media_id, place="among yours")
            await self._forget(session, media_id)
            await note_own_write(session, user_id)
        await self._discard_all(found)

    def url_of(self, media: Media) -> str:
        """A link that shows it for an hour."""
        return self._links.url_for(media.id, _SHOWN_FOR)

    async def open_link(
        self, media_id: UUID, *, expires: int, signature: str
    ) -> tuple[Media, timedelta]:
        """What a signed link leads to, and how much longer. Raises Problem."""
        try:
            left = self._links.verify(media_id, expires=expires, signature=signature)
        except InvalidMediaLink as error:
            raise _not_through_this_link(str(error)) from error
        async with self._database.transaction() as session:
            found = await media_rows.find_any(session, media_id)
        if found is None:
            raise NotFound("media item", media_id)
        return found, left

    async def content(self, media: Media) -> AsyncIterator[bytes]:
        """Its bytes, in chunks. Raises MediaStoreError before the first of them."""
        return await self._store.open(media.storage_key)

    async def _inspect(self, upload: Upload) -> ImageFacts:
        inspect = partial(inspect_image, upload.file, max_pixels=self._max_pixels)
        try:
            return await asyncio.get_running_loop().run_in_executor(_INSPECTORS, inspect)
        except NotAnImage as error:
            raise not_an_image() from error
        except BrokenImage as error:
            raise broken() from error
        except TooManyPixels as error:
            raise too_many_pixels(error, self._max_pixels) from error

    async def _remember(self, remember: Remember, new: NewMedia) -> Media:
        written = False
        try:
            async with self._database.transaction() as session:
                media = await remember(session, new=new)
                written = True
        except DatabaseUnavailable:
            if written:
                # The commit may have counted: better a file nobody knows than a row without one.
                log.warning("fate of an upload unknown", storage_key=new.storage_key)
            else:
                await self._discard(new.storage_key)
            raise
        except BaseException:
            await self._discard(new.storage_key)
            raise
        return media

    async def _forget(self, session: AsyncSession, media_id: UUID) -> None:
        uses = await media_uses.find(session, media_id)
        if uses:
            raise still_shown(uses)
        await media_rows.forget(session, media_id)

    async def _discard_all(self, media: Media) -> None:
        for size in PictureSizeName:
            await self._discard(pictures.size_key(media.id, size))
        await self._discard(media.storage_key)

    async def _discard(self, storage_key: str) -> None:
        try:
            await self._store.delete(storage_key)
        except MediaStoreError as error:
            log.warning("file left behind", storage_key=storage_key, error=type(error).__name__)


def _digest(file: BinaryIO) -> bytes:
    """The SHA-256 of the whole file, which is at its beginning again afterwards."""
    file.seek(0)
    digest = sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.digest()


def _not_through_this_link(reason: str) -> Problem:
    return Problem(
        f"{reason} Ask for a new one with GET /v1/media/{{id}}.",
        status=403,
        slug="invalid-media-link",
        title="This link does not work",
    )
