"""Who is there, told to those who want to know."""

import time
from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from api.chat.event_schemas import PresenceShown
from domain.conversations import Presence
from domain.ids import new_id
from realtime.bus import LiveBus
from realtime.host import Connection
from realtime.rooms import presence_room
from storage import presence
from storage.database import Database
from storage.presence import Seen

PRESENCE: Final = "presence"
"""The event: {user_id, state, last_seen_at}."""


class PresenceKeeper:
    """Keeps what this process's sockets say of their people, beside what other processes say."""

    def __init__(self, database: Database, live: LiveBus, *, lease: timedelta) -> None:
        """`lease` is how long this process counts as there after its last word."""
        self._database = database
        self._live = live
        self._lease = lease
        self._process_id = new_id()
        self._alive_until = 0.0
        """By the clock of `time.monotonic`, as far as it is committed."""
        self._states: dict[UUID, dict[str, Presence]] = defaultdict(dict)

    async def arrived(self, connection: Connection) -> None:
        """A socket is connected: whoever has one is online."""
        await self.say(connection, Presence.ONLINE)

    async def say(self, connection: Connection, state: Presence) -> None:
        """The socket says whether its user looks at it."""
        user_id = connection.user_id
        before = self._best(user_id)
        self._states[user_id][connection.sid] = state
        now = self._best(user_id)
        if now is None or now == before:
            return
        said_at = time.monotonic()
        is_due = said_at >= self._alive_until - self._lease.total_seconds() / 2
        async with self._database.transaction() as session:
            if is_due:  # and not each time: all who arrive would stand in line for one row
                await presence.keep_alive(session, self._process_id, self._lease)
            await presence.put(session, self._process_id, {user_id: now})
            seen = await presence.look(session, [user_id])
        if is_due:
            self._alive_until = said_at + self._lease.total_seconds()
        await self._tell(seen)

    async def left(self, connection: Connection) -> None:
        """The socket is gone."""
        user_id = connection.user_id
        before = self._best(user_id)
        self._states[user_id].pop(connection.sid, None)
        now = self._best(user_id)
        if now == before:
            return
        async with self._database.transaction() as session:
            if now is None:
                self._states.pop(user_id, None)
                await presence.remove(session, self._process_id, [user_id])
            else:
                await presence.put(session, self._process_id, {user_id: now})
            seen = await presence.look(session, [user_id])
        await self._tell(seen)

    async def go_on(self) -> None:
        """Say that this process is there, and bury those that say so no more."""
        async with self._database.transaction() as session:
            await presence.keep_alive(session, self._process_id, self._lease)
            states = {
                user_id: best
                for user_id in list(self._states)
                if (best := self._best(user_id)) is not None
            }
            if states:
                await presence.put(session, self._process_id, states, only_news=True)
            gone = await presence.bury(session)
            seen = await presence.look(session, gone) if gone else []
        await self._tell(seen)

    async def end(self) -> None:
        """This process holds no sockets any more."""
        async with self._database.transaction() as session:
            gone = await presence.end(session, self._process_id)
            seen = await presence.look(session, gone) if gone else []
        await self._tell(seen)

    def _best(self, user_id: UUID) -> Presence | None:
        states = self._states.get(user_id, {}).values()
        if not states:
            return None
        return Presence.ONLINE if Presence.ONLINE in states else Presence.AWAY

    async def _tell(self, seen: Collection[Seen]) -> None:
        for one in seen:
            shown = PresenceShown.of(one).model_dump()
            await self._live.tell_room(presence_room(one.user_id), PRESENCE, shown)
