"""Takes notifications back of what was undone before anybody read of it, and tells sockets."""

from typing import Final
from uuid import UUID

from domain.notifications import NotificationKind
from jobs.handling import Job, finishing
from jobs.notifying import EVENT, as_told
from realtime.bus import LiveBus
from storage.database import Database
from storage.notifications.reading import count_unread, get_many
from storage.notifications.taking_back import Undone, take_back

GONE: Final = "notification.gone"
"""What sockets hear: {id, unread}. Of one that speaks of others still they hear `notification`."""


class TakingBack:
    """Handles `JobKind.TAKE_BACK`; the job's subject is what was acted on."""

    def __init__(self, *, database: Database, live: LiveBus) -> None:
        """`live` hears of it after the commit."""
        self._database = database
        self._live = live

    async def handle(self, job: Job) -> None:
        """See JobHandler."""
        undone = Undone(
            kind=NotificationKind(job.payload["kind"]),
            user_id=UUID(job.payload["user_id"]),
            actor_id=UUID(job.payload["actor_id"]),
            subject_id=job.subject_id,
        )
        async with finishing(self._database, job) as session:
            taken = await take_back(session, undone)
            if taken is None:
                return
            left = [] if taken.gone else await get_many(session, [taken.notification_id])
            unread = (await count_unread(session, [undone.user_id]))[undone.user_id]
        if taken.gone:
            told = {"id": taken.notification_id, "unread": unread}
            await self._live.tell([undone.user_id], GONE, told)
        for one in left:
            await self._live.tell([undone.user_id], EVENT, {**as_told(one), "unread": unread})
