"""Makes the sizes in which a picture is shown. The original stays as it was uploaded."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from typing import Final

import structlog

from domain.pictures import PictureStatus
from images.inspection import BrokenImage, NotAnImage, TooManyPixels
from images.sizes import CONTENT_TYPE, SizedImage, make_sizes
from jobs.handling import Job, finishing
from realtime.bus import LiveBus
from storage import pictures
from storage.database import Database
from storage.media_store import MediaMissing, MediaStore
from storage.pictures import Original, PictureSize

log = structlog.get_logger("images")

EVENT: Final = "media.picture"
"""What sockets of a picture's owner hear: {media_id, status}."""

_AT_WORK: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="make-images")
"""Few: each holds a whole decoded picture, up to four bytes a pixel. Pillow lets go of the
interpreter while it works, so nothing else waits for them."""


class MakingImages:
    """Handles `JobKind.MAKE_IMAGES`; the job's subject is a media item.

    Sizes are written under keys that depend on nothing but the media item: whoever does it again
    after a crash replaces them with the same. They count once the row says so.
    """

    def __init__(
        self, *, database: Database, store: MediaStore, live: LiveBus, max_pixels: int
    ) -> None:
        """`max_pixels` is the largest area that is decoded."""
        self._database = database
        self._store = store
        self._live = live
        self._max_pixels = max_pixels

    async def handle(self, job: Job) -> None:
        """See JobHandler. Raises MediaStoreError, to be tried again."""
        async with self._database.transaction() as session:
            original = await pictures.find_unmade(session, job.subject_id)
        if original is None:
            return
        try:
            made = await self._make(original)
        except (MediaMissing, NotAnImage, BrokenImage, TooManyPixels) as error:
            log.warning("no sizes", media=str(job.subject_id), error=type(error).__name__)
            async with finishing(self._database, job) as session:
                await pictures.mark_failed(session, job.subject_id, _reason(error))
            await self._tell(job, original, PictureStatus.FAILED)
            return
        for one in made:
            key = pictures.size_key(job.subject_id, one.name)
            await self._store.put(key, io.BytesIO(one.content), CONTENT_TYPE)
        async with finishing(self._database, job) as session:
            sizes = {one.name.value: _fact(one) for one in made}
            ready = await pictures.mark_ready(session, job.subject_id, sizes)
        if ready:
            await self._tell(job, original, PictureStatus.READY)
        else:  # deleted meanwhile
            for one in made:
                await self._store.delete(pictures.size_key(job.subject_id, one.name))

    async def _make(self, original: Original) -> list[SizedImage]:
        content = await self._store.read(original.storage_key)
        make = partial(make_sizes, content, max_pixels=self._max_pixels)
        return await asyncio.get_running_loop().run_in_executor(_AT_WORK, make)

    async def _tell(self, job: Job, original: Original, status: PictureStatus) -> None:
        if original.user_id is not None:
            told = {"media_id": job.subject_id, "status": status}
            await self._live.tell([original.user_id], EVENT, told)


def _fact(one: SizedImage) -> PictureSize:
    return PictureSize(
        width=one.width,
        height=one.height,
        bytes=len(one.content),
        sha256=sha256(one.content).hexdigest(),
    )


def _reason(error: Exception) -> str:
    match error:
        case MediaMissing():
            return "The uploaded file is gone. Upload it again."
        case TooManyPixels():
            return "The picture has too many pixels. Make it smaller."
        case _:
            return "The picture cannot be read to its end. Upload it again from the original."
