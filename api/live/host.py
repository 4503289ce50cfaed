"""Who may connect, which conversations they hear, and what becomes of their events."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.auth.problems import Unauthorized
from api.auth.service import recognise_user
from api.chat.event_schemas import PresenceShown
from api.chat.reading import ReadingService
from api.chat.sockets import ChatSockets
from api.live.events import Event, Events, TooManyEvents, answer, refusal
from api.live.presence import PresenceKeeper
from api.problems import Problem, Unavailable
from domain.conversations import Presence
from realtime.host import Connection, Refused, Welcome
from realtime.rooms import conversation_room, presence_room
from realtime.server import SocketServer
from runtime.signing_in import SigningIn
from storage.chat import members
from storage.database import Database, DatabaseUnavailable
from storage.users.known_sessions import SessionChange

ROOMS_AT_MOST: Final = 5_000
"""Conversations that one socket hears live, begun last first."""

log = structlog.get_logger("api.live")


class Token(BaseModel):
    """What a socket connects with, and stays with: {token}."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, Field(max_length=4096)]


class StateEvent(BaseModel):
    """`presence.set`"""

    model_config = ConfigDict(extra="forbid")

    away: bool


class WatchEvent(BaseModel):
    """`presence.watch` and `presence.unwatch`"""

    model_config = ConfigDict(extra="forbid")

    user_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]


class LiveHost:
    """Stands behind the Socket.IO server of one process."""

    def __init__(
        self,
        *,
        database: Database,
        signing_in: SigningIn,
        presence: PresenceKeeper,
        reading: ReadingService,
    ) -> None:
        """`serve` has to be called before the first socket comes."""
        self._database = database
        self._signing_in = signing_in
        self._presence = presence
        self._reading = reading
        self._checking: set[asyncio.Task[None]] = set()

    def serve(self, sockets: SocketServer, chat: ChatSockets) -> None:
        """These are the sockets, and who handles their events about conversations."""
        self._sockets = sockets
        self._chat = chat
        self._events: Events = {
            **chat.events,
            "auth.renew": Event(Token, self._renew),
            "presence.set": Event(StateEvent, self._set_presence),
            "presence.watch": Event(WatchEvent, self._watch),
            "presence.unwatch": Event(WatchEvent, self._unwatch),
        }
        self._signing_in.known_sessions.watch(self._session_changed)

    async def welcome(self, auth: object) -> Welcome:
        """See Host: {token} in the handshake's `auth`."""
        try:
            return await self._recognise(Token.model_validate(auth).token)
        except ValidationError:
            problem: Problem = Unauthorized("Connect with auth: {token: <access token>}.")
        except Problem as found:
            problem = found
        except DatabaseUnavailable:
            problem = Unavailable("The database does not answer. Connect again.")
        raise Refused(problem.title, problem.body(None))

    async def arrived(self, connection: Connection) -> Iterable[str]:
        """See Host."""
        try:
            async with self._database.transaction() as session:
                found = await members.conversation_ids(
                    session, connection.user_id, limit=ROOMS_AT_MOST
                )
            await self._presence.arrived(connection)
        except DatabaseUnavailable:
            problem = Unavailable("The database does not answer. Connect again.")
            raise Refused(problem.title, problem.body(None)) from None
        return [conversation_room(conversation_id) for conversation_id in found]

    async def left(self, connection: Connection) -> None:
        """See Host."""
        self._chat.forget(connection)
        try:
            await self._presence.left(connection)
        except DatabaseUnavailable:
            log.warning("nobody is told that a socket went")

    async def answer(self, connection: Connection, event: str, payload: object) -> object:
        """See Host."""
        return await answer(self._events, connection, event, payload)

    def flooding(self, wait: float) -> object:
        """See Host."""
        return refusal(TooManyEvents(wait))

    async def check(self, connections: Collection[Connection]) -> None:
        """Hang up on sockets whose session ended or whose user was suspended."""
        for connection in connections:
            owner = await self._signing_in.known_sessions.find(
                connection.user_id, connection.session_id
            )
            if owner is None or owner.ended or owner.suspended:
                reason = "suspended" if owner and owner.suspended else "session-ended"
                await self._sockets.hang_up(connection, reason)

    async def _recognise(self, token: str) -> Welcome:
        user = await recognise_user(self._signing_in, token)
        return Welcome(
            user_id=user.user_id,
            session_id=user.session_id,
            expires_at=self._signing_in.access_tokens.read(token).expires_at,
        )

    async def _renew(self, by: Connection, event: Token) -> Mapping[str, Any]:
        presented = await self._recognise(event.token)
        if (presented.user_id, presented.session_id) != (by.user_id, by.session_id):
            raise Unauthorized("This token is of another session. Open another socket with it.")
        self._sockets.renew(by, presented.expires_at)
        return {"expires_at": presented.expires_at}

    async def _set_presence(self, by: Connection, event: StateEvent) -> Mapping[str, Any]:
        await self._presence.say(by, Presence.AWAY if event.away else Presence.ONLINE)
        return {}

    async def _watch(self, by: Connection, event: WatchEvent) -> Mapping[str, Any]:
        seen = await self._reading.presence(by.user_id, set(event.user_ids))
        for one in seen:
            self._sockets.enter(by, presence_room(one.user_id))
        return {"items": [PresenceShown.of(one).model_dump() for one in seen]}

    async def _unwatch(self, by: Connection, event: WatchEvent) -> Mapping[str, Any]:
        for user_id in event.user_ids:
            self._sockets.leave(by, presence_room(user_id))
        return {}

    def _session_changed(self, change: SessionChange) -> None:
        connections = [
            connection
            for connection in self._sockets.of_user(change.user_id)
            if change.session_id in {None, connection.session_id}
        ]
        if connections:
            task = asyncio.get_running_loop().create_task(self._check_changed(connections))
            self._checking.add(task)
            task.add_done_callback(self._checking.discard)

    async def _check_changed(self, connections: Collection[Connection]) -> None:
        try:
            await self.check(connections)
        except DatabaseUnavailable:
            log.warning("sessions of sockets are checked later")
