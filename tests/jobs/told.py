"""People who do things to each other, and what they are told of it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from jobs.handling import Job, JobKind
from jobs.notifying import READERS, Notifying
from realtime.bus import LiveBus
from storage import jobs
from storage.database import Database
from storage.notifications.deciding import notify
from storage.notifications.reading import Notification, count_unread, list_page


class Heard:
    """A bus that keeps what it was told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.told: list[tuple[UUID, str, Mapping[str, Any]]] = []

    async def tell(self, user_ids: Sequence[UUID], event: str, data: Mapping[str, Any]) -> None:
        """See LiveBus."""
        self.told += [(user_id, event, data) for user_id in user_ids]


class Told:
    """Decides that people are told something, and has it done."""

    def __init__(self, database: Database, live: LiveBus) -> None:
        """`live` hears of it."""
        self._database = database
        self._live = live

    async def act(
        self,
        kind: NotificationKind,
        actor_id: UUID | None,
        subject_id: UUID,
        *user_ids: UUID,
        cause_id: UUID | None = None,
    ) -> None:
        """Somebody does something to something of these people's. It is not done yet."""
        async with self._database.transaction() as session:
            await notify(
                session,
                kind,
                user_ids=user_ids,
                actor_id=actor_id,
                subject_type=SubjectType.FEED_POST,
                subject_id=subject_id,
                cause_id=cause_id or actor_id or new_id(),
            )

    async def begin(self, kind: JobKind = JobKind.NOTIFY, limit: int = 10_000) -> list[Job]:
        """Take what was decided."""
        async with self._database.transaction() as session:
            leased = await jobs.lease(
                session, kinds={kind}, limit=limit, duration=timedelta(minutes=1), attempts=3
            )
            if leased is None:
                return []
            ids = [job_id for job_id, _ in leased.jobs]
            return await jobs.begin(session, ids, until=leased.until)

    async def handle(self, group: Sequence[Job]) -> None:
        """Do these jobs of one kind together."""
        handler = Notifying(database=self._database, live=self._live, read=READERS[group[0].kind])
        await handler.handle_all(group)

    async def happen(self, kind: JobKind = JobKind.NOTIFY) -> None:
        """Do everything that was decided."""
        await self.handle(await self.begin(kind))

    async def seen_by(self, user_id: UUID) -> list[Notification]:
        """Their list."""
        async with self._database.transaction() as session:
            return await list_page(session, user_id, before=None, limit=100)

    async def unread_by(self, user_id: UUID) -> int:
        """Their badge."""
        async with self._database.transaction() as session:
            return (await count_unread(session, [user_id]))[user_id]
