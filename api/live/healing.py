"""Tells sockets again what they may have missed, from what the database says."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from api.chat.telling import EVENT, JOINED, LEFT, POSITION
from api.live.host import LiveHost
from api.live.presence import PresenceKeeper
from realtime.rooms import conversation_room
from realtime.server import SocketServer
from storage.chat import events, members
from storage.database import Database, DatabaseUnavailable

CHANGED_AT_MOST: Final = 10_000
"""Conversations of one round; the rest comes with the next."""

log = structlog.get_logger("api.live")


class Healing:
    """Every few seconds, for the sockets of this process.

    What was told is told at most once, and may be lost on its way between processes. So whoever is
    silent learns of it here: where its conversations stand, who came and left, which sessions
    ended. What was not visible at one round is not older than the oldest transaction that ran
    then, and so belongs to the next.
    """

    def __init__(
        self,
        *,
        database: Database,
        sockets: SocketServer,
        host: LiveHost,
        presence: PresenceKeeper,
        every: timedelta,
    ) -> None:
        """`every` bounds how long a socket can be behind without knowing."""
        self._database = database
        self._sockets = sockets
        self._host = host
        self._presence = presence
        self._every = every.total_seconds()
        self._cursor: int | None = None
        self._told = Told()
        self._away = False
        sockets.notice(EVENT, self._told.note)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.heal()
                self._away = False
            except DatabaseUnavailable as error:
                if not self._away:
                    log.warning("sockets are not looked after", error=type(error).__name__)
                self._away = True
            await asyncio.sleep(self._every)

    async def heal(self) -> None:
        """One round. Raises DatabaseUnavailable."""
        self._told.turn()
        await self._presence.go_on()
        connections = self._sockets.connections
        await self._host.check(connections)
        slow = await self._sockets.close_slow()
        if slow:
            log.info("sockets closed that did not read", sockets=slow)
        people = {connection.user_id for connection in connections}
        async with self._database.transaction() as session:
            upcoming = await events.read_cursor(session)
            if self._cursor is None or not people:
                self._cursor = upcoming
                return
            moves = await members.moves_since(session, self._cursor, people)
            changed = await events.changed_since(session, self._cursor, limit=CHANGED_AT_MOST)
        if len(changed) < CHANGED_AT_MOST:
            self._cursor = upcoming
        else:
            self._cursor = changed[-1].changed_in
        for move in moves:
            await self._seat(move)
        await self._tell_positions(changed)

    async def _seat(self, move: members.Move) -> None:
        room = conversation_room(move.conversation_id)
        for connection in self._sockets.of_user(move.user_id):
            if self._sockets.is_in(connection, room) == move.is_in:
                continue
            if move.is_in:
                self._sockets.enter(connection, room)
            else:
                self._sockets.leave(connection, room)
            told = {"conversation_id": move.conversation_id}
            await self._sockets.tell_here(connection.sid, JOINED if move.is_in else LEFT, told)

    async def _tell_positions(self, changed: Collection[events.Change]) -> None:
        for change in changed:
            room = conversation_room(change.conversation_id)
            known = self._told.up_to(change.conversation_id) >= change.last_seq
            if not known and self._sockets.has_room(room):
                told = {"conversation_id": change.conversation_id, "last_seq": change.last_seq}
                await self._sockets.tell_here(room, POSITION, told)


class Told:
    """Up to which event sockets were told of each conversation, in this round or the one before.

    Who was told of an event knows of all before it, or sees that one is missing.
    """

    def __init__(self) -> None:
        """Of none yet."""
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def note(self, event: dict[str, Any]) -> None:
        """They are told of that event."""
        conversation_id = str(event["conversation_id"])
        self._now[conversation_id] = max(event["seq"], self._now.get(conversation_id, 0))

    def up_to(self, conversation_id: UUID) -> int:
        """The last event of the conversation that they were told of; 0 when it is forgotten."""
        name = str(conversation_id)
        return max(self._now.get(name, 0), self._before.get(name, 0))

    def turn(self) -> None:
        """A round begins."""
        self._now, self._before = {}, self._now
