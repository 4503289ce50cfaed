"""Removes what is left of uploads past their time, whether anything became of them or not."""

from jobs.handling import Job, finishing
from storage import media_uploads
from storage.database import Database
from storage.media_store import MediaStore


class ForgettingUploads:
    """Handles `JobKind.FORGET_UPLOAD`; the job's subject is an upload."""

    def __init__(self, *, database: Database, store: MediaStore) -> None:
        """`store` is where the upload would have arrived."""
        self._database = database
        self._store = store

    async def handle(self, job: Job) -> None:
        """See JobHandler. Raises MediaStoreError, to be tried again.

        Media items have files of their own, so nothing that counts is deleted here.
        """
        await self._store.delete(media_uploads.incoming_key(job.subject_id))
        async with finishing(self._database, job) as session:
            await media_uploads.forget(session, job.subject_id)
