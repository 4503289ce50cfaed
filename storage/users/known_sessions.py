"""Whose session it is, remembered for as long as the database would have told of a change."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from storage.connecting import connect
from storage.database import Database
from storage.users import sessions
from storage.users.sessions import SessionOwner
from storage.waking import AWAY, PAUSE

log = structlog.get_logger("sessions")

REMEMBERED_FOR: Final = 60.0
"""Seconds after which the database is asked anyhow."""
HEARD_WITHIN: Final = 6.0
"""Seconds that the listening connection may have been silent when its memory is believed."""

_ASK_EVERY: Final = 2.0
_ASK_TIMEOUT: Final = 2.0
_MOST_USERS: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionChange:
    """A user, or one session of theirs, is not what it was: ended, suspended, renamed."""

    user_id: UUID
    session_id: UUID | None
    """None: look at all of the user's."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    owner: SessionOwner
    until: float


class KnownSessions:
    """Answers from memory while it is certain that changes are heard of, else from the database.

    What this process commits it knows at once, and PostgreSQL notifies every process at commit. A
    connection that listens is asked every two seconds whether it is still there: without an answer
    the memory counts for nothing, and each request reads the session by its primary key. So a
    session that ended stops counting at once where it was ended, in every other process within
    milliseconds, and within `HEARD_WITHIN` at worst, with Redis or without.
    """

    def __init__(
        self,
        database: Database,
        *,
        database_url: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`database_url` is for the connection that listens.

        Nothing connects before the first question. `clock` is in seconds.
        """
        self._database = database
        self._database_url = database_url
        self._clock = clock
        self._remembered: OrderedDict[UUID, dict[UUID, _Remembered]] = OrderedDict()
        """By user, then by session; who was not looked up for longest goes first."""
        self._watchers: list[Callable[[SessionChange], None]] = []
        self._changes = 0
        self._heard_at = float("-inf")
        self._listener: asyncio.Task[None] | None = None
        self._away = False
        database.after_commit(self._committed)

    async def find(self, user_id: UUID, session_id: UUID) -> SessionOwner | None:
        """That session of that user; None when there is none. Raises DatabaseUnavailable."""
        self.listen()
        known = self.remembered(user_id, session_id)
        if known is not None:
            return known
        changes = self._changes
        async with self._database.transaction() as session:
            owner = await sessions.find_owner(session, user_id, session_id)
        if owner is not None and self._hears and changes == self._changes:
            # A change that was told while this was read may be newer than what was read.
            self._remember(session_id, owner)
        return owner

    def remembered(self, user_id: UUID, session_id: UUID) -> SessionOwner | None:
        """That session of that user; None when the database has to be asked."""
        if not self._hears:
            return None
        known = self._remembered.get(user_id, {}).get(session_id)
        return None if known is None or known.until <= self._clock() else known.owner

    def watch(self, tell: Callable[[SessionChange], None]) -> None:
        """Call `tell` for every change from now on, wherever it was made; it must not wait.

        Changes during an outage of the connection are not told one by one: sockets should be
        looked at again by their owners every now and then.
        """
        self._watchers.append(tell)
        self.listen()

    def listen(self) -> None:
        """Begin to hear of changes; harmless when it is so already."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.get_running_loop().create_task(self._listen())

    def changed(self, change: SessionChange) -> None:
        """Forget what is not so any more."""
        self._changes += 1
        if change.session_id is None:
            self._remembered.pop(change.user_id, None)
        else:
            self._remembered.get(change.user_id, {}).pop(change.session_id, None)
        for tell in self._watchers:
            tell(change)

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    @property
    def _hears(self) -> bool:
        return self._clock() - self._heard_at < HEARD_WITHIN

    def _remember(self, session_id: UUID, owner: SessionOwner) -> None:
        of_user = self._remembered.setdefault(owner.user_id, {})
        of_user[session_id] = _Remembered(owner, self._clock() + REMEMBERED_FOR)
        self._remembered.move_to_end(owner.user_id)
        if len(self._remembered) > _MOST_USERS:
            self._remembered.popitem(last=False)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except AWAY as error:
                if not self._away:
                    log.warning("sessions are read from the database", error=type(error).__name__)
                self._away = True
            await asyncio.sleep(PAUSE)

    async def _listen_once(self) -> None:
        connection = await connect(self._database_url)
        try:
            await connection.add_listener(sessions.CHANNEL, self._notified)
            self._remembered.clear()  # who knows what was told while nobody listened
            self._changes += 1
            while True:
                asked_at = self._clock()
                await connection.execute("SELECT 1", timeout=_ASK_TIMEOUT)
                self._heard_at = asked_at
                self._away = False
                await asyncio.sleep(_ASK_EVERY)
        finally:
            self._heard_at = float("-inf")
            with contextlib.suppress(*AWAY):
                await connection.close(timeout=1)

    def _committed(self, session: AsyncSession) -> None:
        for payload in sessions.told_by(session):
            self._told(payload)

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._told(str(payload))

    def _told(self, payload: str) -> None:
        user_id, _, session_id = payload.partition(" ")
        self.changed(
            SessionChange(
                user_id=UUID(user_id), session_id=UUID(session_id) if session_id else None
            )
        )
