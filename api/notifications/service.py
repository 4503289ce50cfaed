"""Reads a person's notifications, and writes down what they read and want."""

from typing import Final
from uuid import UUID

from api.auth.service import SignedIn
from api.pagination import PageRequest
from api.problems import NotFound
from domain.notifications import NotificationKind
from realtime.bus import LiveBus
from storage.database import Database
from storage.notifications import preferences, reading
from storage.notifications.reading import Notification

READ: Final = "notification.read"
"""What sockets hear when something was read on another device: how much is left."""


class NotificationService:
    """Each method is one transaction, about the notifications of whoever asks."""

    def __init__(self, database: Database, live: LiveBus) -> None:
        """`live` tells the person's other devices."""
        self._database = database
        self._live = live

    async def list_page(self, known: SignedIn, wanted: PageRequest) -> list[Notification]:
        """Those with the latest news first."""
        async with self._database.transaction() as session:
            return await reading.list_page(
                session, known.user_id, before=wanted.before, limit=wanted.fetch
            )

    async def unread(self, known: SignedIn) -> int:
        """How many are unread, counted up to a limit."""
        async with self._database.transaction() as session:
            return (await reading.count_unread(session, [known.user_id]))[known.user_id]

    async def read(self, known: SignedIn, notification_id: UUID) -> int:
        """Note that one was read; how many are left. Raises NotFound."""
        async with self._database.transaction() as session:
            if not await reading.mark_read(session, known.user_id, notification_id):
                raise NotFound("notification", notification_id, place="of yours")
            left = await reading.count_unread(session, [known.user_id])
        return await self._tell(known, left[known.user_id])

    async def read_all(self, known: SignedIn, *, up_to: UUID | None) -> int:
        """Note that everything was read, or everything up to a position; how many are left."""
        async with self._database.transaction() as session:
            await reading.mark_all_read(session, known.user_id, up_to=up_to)
            left = await reading.count_unread(session, [known.user_id])
        return await self._tell(known, left[known.user_id])

    async def preferences(self, known: SignedIn) -> dict[NotificationKind, bool]:
        """Whether they are told, for every kind."""
        async with self._database.transaction() as session:
            return await preferences.read(session, known.user_id)

    async def prefer(self, known: SignedIn, kind: NotificationKind, *, in_app: bool) -> None:
        """Tell them of the kind from now on, or not."""
        async with self._database.transaction() as session:
            await preferences.decide(session, known.user_id, kind, in_app=in_app)

    async def _tell(self, known: SignedIn, unread: int) -> int:
        await self._live.tell([known.user_id], READ, {"unread": unread})
        return unread
