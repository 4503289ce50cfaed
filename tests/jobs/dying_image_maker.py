"""`python -m tests.jobs.dying_image_maker DATABASE_URL MEDIA_FOLDER LEASE`.

Makes sizes of pictures as the API process does, and kills itself between two of them.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from domain.backoff import Backoff
from jobs.handling import Handlers, JobKind
from jobs.images import MakingImages
from jobs.loop import JobLoop
from jobs.runner import JobRunner
from realtime.bus import LinkedBus
from realtime.postgres_link import PostgresLink
from storage.database import Database
from storage.media_store import LocalMediaStore

PIXELS = 1_000_000


class DyingStore(LocalMediaStore):
    """Kills its process when the second size is to be saved."""

    saved = 0

    async def put(self, key: str, source: BinaryIO, content_type: str) -> None:
        """See MediaStore."""
        self.saved += 1
        if self.saved == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        await super().put(key, source, content_type)


async def die(database_url: str, base_path: str, lease_seconds: str) -> None:
    """Do jobs as the API process does, until the store kills it."""
    database = Database(database_url)
    lease = timedelta(seconds=float(lease_seconds))
    handlers: Handlers = {
        JobKind.MAKE_IMAGES: MakingImages(
            database=database,
            store=DyingStore(Path(base_path)),
            live=LinkedBus(PostgresLink(database_url, channel="nobody")),
            max_pixels=PIXELS,
        )
    }
    backoff = Backoff(attempts=3, first=timedelta(milliseconds=50))
    runner = JobRunner(database=database, handlers=handlers, backoff=backoff, lease=lease)
    await JobLoop(
        database=database,
        database_url=database_url,
        handlers=handlers,
        carry_out=runner.run,
        concurrency=2,
        attempts=3,
        lease=lease,
    ).run()


if __name__ == "__main__":
    asyncio.run(die(*sys.argv[1:]))
