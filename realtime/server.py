"""The Socket.IO server of one process: who is connected, and how they are shown the door."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from engineio.exceptions import SocketIsClosedError
from socketio.exceptions import ConnectionRefusedError as ConnectionRefused
from starlette.types import Receive, Scope, Send

from realtime.bus import ENTER, HANG_UP, LEAVE
from realtime.host import Connection, Host, Refused
from realtime.link import NAMESPACE, Link, Notice, Silent
from realtime.metered import MeteredServer, SocketLimits
from realtime.rooms import session_room, user_room
from realtime.wire import WIRE

CLOSED: Final = "closed"
"""The last event of a socket that is shown the door: {reason}."""

_QUEUED_AT_MOST: Final = 2_000
"""Packets that wait for one socket; who reads slower is disconnected, and catches up."""


class SocketServer:
    """Sockets over one link. Events of one socket are handled one after the other."""

    def __init__(
        self, link: Link, host: Host, *, limits: SocketLimits, allowed_origins: Iterable[str]
    ) -> None:
        """No origins: pages of the API's own may connect; `*` for all."""
        self._link = link
        self._host = host
        origins = list(allowed_origins)
        self._server = MeteredServer(
            self,
            limits,
            client_manager=link,
            async_mode="asgi",
            async_handlers=False,
            cors_allowed_origins="*" if origins == ["*"] else origins or None,
            json=WIRE,
            logger=Silent(),
            engineio_logger=Silent(),
        )
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("*", self._event)
        self._connections: dict[str, Connection] = {}
        self._closing: set[asyncio.Task[None]] = set()
        link.obey(ENTER, self._enter_ordered)
        link.obey(LEAVE, self._leave_ordered)
        link.obey(HANG_UP, self._hang_up_ordered)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        await self._server.handle_request(scope, receive, send)

    def start(self) -> None:
        """Begin to hear what other processes tell."""
        self._server.manager_initialized = True
        self._link.initialize()

    async def close(self) -> None:
        """Let go of every socket; clients connect again by themselves, to another process."""
        for eio_sid in list(self._server.eio.sockets):
            await self._close_transport(eio_sid)
        await self._server.shutdown()

    @property
    def connections(self) -> list[Connection]:
        """Every socket of this process."""
        return list(self._connections.values())

    def of_user(self, user_id: UUID) -> list[Connection]:
        """One person's sockets in this process."""
        return self._in_room(user_room(user_id))

    def has_room(self, room: str) -> bool:
        """Whether some socket of this process is in the room."""
        return room in self._link.rooms.get(NAMESPACE, {})

    def is_in(self, connection: Connection, room: str) -> bool:
        """Whether the socket is in the room."""
        return connection.sid in self._link.rooms.get(NAMESPACE, {}).get(room, {})

    def enter(self, connection: Connection, room: str) -> None:
        """Put the socket into the room."""
        if connection.sid in self._connections:
            self._link.basic_enter_room(connection.sid, NAMESPACE, room)

    def leave(self, connection: Connection, room: str) -> None:
        """Take the socket out of the room."""
        if self.is_in(connection, room):
            self._link.basic_leave_room(connection.sid, NAMESPACE, room)

    def notice(self, event: str, note: Notice) -> None:
        """Call `note` with what the sockets of this process are told by that event."""
        self._link.notice(event, note)

    async def tell_here(self, room: str, event: str, data: Mapping[str, Any]) -> None:
        """Send the event to the sockets of this process that are in the room."""
        await self._link.emit(event, dict(data), namespace=NAMESPACE, room=room, ignore_queue=True)

    async def tell_others(
        self, connection: Connection, room: str, event: str, data: Mapping[str, Any]
    ) -> None:
        """Send the event to all in the room, in all processes, but that one socket."""
        await self._link.emit(
            event, dict(data), namespace=NAMESPACE, room=room, skip_sid=connection.sid
        )

    def renew(self, connection: Connection, expires_at: datetime) -> None:
        """The socket may stay until then."""
        connection.expires_at = expires_at
        self._forget_expiry(connection)
        left = (expires_at - datetime.now(UTC)).total_seconds()
        connection.expiry = asyncio.get_running_loop().call_later(
            max(0.0, left), lambda: self.soon(self.hang_up(connection, "token-expired"))
        )

    async def hang_up(self, connection: Connection, reason: str) -> None:
        """Tell the socket why, and close it; it does not connect again by itself."""
        eio_sid = self._link.eio_sid_from_sid(connection.sid, NAMESPACE)
        await self.tell_here(connection.sid, CLOSED, {"reason": reason})
        await self._server.disconnect(connection.sid, namespace=NAMESPACE, ignore_queue=True)
        if eio_sid is not None:
            await self._close_transport(eio_sid)

    def soon(self, closing: Coroutine[Any, Any, None]) -> None:
        """Have a socket closed by whoever cannot wait for it."""
        task = asyncio.get_running_loop().create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close_slow(self) -> int:
        """Close the sockets that do not read what they are told; how many those were."""
        slow = [
            eio_sid
            for eio_sid, socket in self._server.eio.sockets.items()
            if socket.queue.qsize() > _QUEUED_AT_MOST
        ]
        for eio_sid in slow:
            await self._close_transport(eio_sid)
        return len(slow)

    async def refuse(self, eio_sid: str, data: str | bytes, wait: float) -> None:
        """Acknowledge an event that is one too many."""
        packet = self._server.packet_class(encoded_packet=data)
        if packet.id is not None:
            await self._server.acknowledge(eio_sid, packet.id, self._host.flooding(wait))

    async def close_malicious(self, eio_sid: str, reason: str) -> None:
        """Close a transport whose client floods, is mute, or does not speak the protocol."""
        sid = self._link.sid_from_eio_sid(eio_sid, NAMESPACE)
        connection = self._connections.get(sid)
        if connection is None:
            await self._close_transport(eio_sid)
        else:
            await self.hang_up(connection, reason)

    def is_known(self, eio_sid: str) -> bool:
        """Whether the transport's client has said who it is."""
        return self._link.sid_from_eio_sid(eio_sid, NAMESPACE) in self._connections

    async def _connect(self, sid: str, _: object, auth: object) -> None:
        try:
            welcome = await self._host.welcome(auth)
            connection = Connection(
                sid=sid,
                user_id=welcome.user_id,
                session_id=welcome.session_id,
                expires_at=welcome.expires_at,
            )
            self._connections[sid] = connection
            self.enter(connection, user_room(connection.user_id))
            self.enter(connection, session_room(connection.session_id))
            for room in await self._host.arrived(connection):
                self.enter(connection, room)
        except Refused as refused:
            self._connections.pop(sid, None)
            raise ConnectionRefused(str(refused), refused.problem) from None
        self.renew(connection, welcome.expires_at)

    async def _disconnect(self, sid: str, _: object = None) -> None:
        connection = self._connections.pop(sid, None)
        if connection is not None:
            self._forget_expiry(connection)
            await self._host.left(connection)

    async def _event(self, event: str, sid: str, *payload: object) -> object:
        connection = self._connections.get(sid)
        if connection is None:
            return None
        return await self._host.answer(connection, event, payload[0] if payload else None)

    async def _enter_ordered(self, order: dict[str, Any]) -> None:
        for connection in self._in_rooms(order["rooms"]):
            self.enter(connection, order["room"])

    async def _leave_ordered(self, order: dict[str, Any]) -> None:
        for connection in self._in_rooms(order["rooms"]):
            self.leave(connection, order["room"])

    async def _hang_up_ordered(self, order: dict[str, Any]) -> None:
        for connection in self._in_room(order["room"]):
            await self.hang_up(connection, order["reason"])

    def _in_rooms(self, rooms: Iterable[str]) -> list[Connection]:
        return [connection for room in rooms for connection in self._in_room(room)]

    def _in_room(self, room: str) -> list[Connection]:
        sids = self._link.rooms.get(NAMESPACE, {}).get(room, {})
        return [self._connections[sid] for sid in sids if sid in self._connections]

    async def _close_transport(self, eio_sid: str) -> None:
        """Without waiting for a client that may not read."""
        socket = self._server.eio.sockets.get(eio_sid)
        if socket is not None:
            with suppress(SocketIsClosedError):
                await socket.close(wait=False, reason=self._server.reason.SERVER_DISCONNECT)
            await socket.queue.put(None)  # ends the writer, which then closes the WebSocket

    @staticmethod
    def _forget_expiry(connection: Connection) -> None:
        if connection.expiry is not None:
            connection.expiry.cancel()
            connection.expiry = None
