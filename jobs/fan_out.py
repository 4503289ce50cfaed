"""Brings what was published or reposted to followers' home feeds, and lets their sockets know."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from jobs.handling import Job
from realtime.bus import LiveBus
from storage.database import Database
from storage.feed import spreading
from storage.feed.spreading import Spread

BATCH: Final = 1_000
"""Followers written to in one transaction."""

EVENT: Final = "feed.post"
"""What a follower's socket hears; ids only."""


class FanOut:
    """Works in batches, each of which goes on where the last one ended, whoever did that."""

    def __init__(self, database: Database, live: LiveBus, *, batch: int = BATCH) -> None:
        """`live` reaches the followers' sockets."""
        self._database = database
        self._live = live
        self._batch = batch

    async def handle(self, job: Job) -> None:
        """See JobHandler. The job's subject is an entry."""
        done = False
        while not done:
            async with self._database.transaction() as session:
                step = await spreading.spread(session, job.subject_id, limit=self._batch)
            if step is not None:
                await self._tell(step, step.reached)
            done = step is None or step.done
        if step is not None and step.on_read:
            await self._tell_connected(step)

    async def _tell_connected(self, step: Spread) -> None:
        """Those of very many followers who would see it now; the others find it when they read."""
        after: UUID | None = None
        while True:
            async with self._database.transaction() as session:
                there = await spreading.list_connected(
                    session, step.actor_id, after=after, limit=self._batch
                )
            await self._tell(step, there)
            if len(there) < self._batch:
                return
            after = there[-1]

    async def _tell(self, step: Spread, followers: Sequence[UUID]) -> None:
        if followers:
            ids = {
                "entry_id": step.entry_id,
                "post_id": step.post_id,
                "author_id": step.author_id,
                "actor_id": step.actor_id,
            }
            told = {name: str(value) for name, value in ids.items()}
            await self._live.tell(followers, EVENT, told)
