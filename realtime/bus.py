"""How the rest of the system reaches sockets, wherever they are connected."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from realtime.link import NAMESPACE, Link
from realtime.rooms import session_room, user_room

_AT_ONCE: Final = 500
"""Rooms named in one message."""

ENTER: Final = "order:enter"
LEAVE: Final = "order:leave"
HANG_UP: Final = "order:hang-up"


class LiveBus(Protocol):
    """Tells sockets of all processes. A hint, at most once: what is true is in the database.

    Nothing here raises when the way to the other processes is away, so call it after the
    transaction has committed. `data` is JSON; UUIDs and aware datetimes become strings.
    """

    async def tell(self, user_ids: Sequence[UUID], event: str, data: Mapping[str, Any]) -> None:
        """Send the event to every socket of those people."""

    async def tell_room(self, room: str, event: str, data: Mapping[str, Any]) -> None:
        """Send the event to every socket in the room (realtime/rooms.py has the names)."""

    async def enter_room(self, user_ids: Sequence[UUID], room: str) -> None:
        """Put every socket of those people into the room."""

    async def leave_room(self, user_ids: Sequence[UUID], room: str) -> None:
        """Take every socket of those people out of the room."""

    async def disconnect_user(self, user_id: UUID, reason: str) -> None:
        """Close every socket of the person; each is told the reason, a word for programs."""

    async def disconnect_session(self, session_id: UUID, reason: str) -> None:
        """Close every socket of one sign-in; each is told the reason, a word for programs."""


class LinkedBus:
    """The bus of a process over its link, whether it holds sockets itself or not."""

    def __init__(self, link: Link) -> None:
        """`link` carries what is told to the processes that hold sockets."""
        self._link = link

    async def tell(self, user_ids: Sequence[UUID], event: str, data: Mapping[str, Any]) -> None:
        """See LiveBus."""
        rooms = [user_room(user_id) for user_id in user_ids]
        for start in range(0, len(rooms), _AT_ONCE):
            await self._link.emit(
                event, dict(data), namespace=NAMESPACE, room=rooms[start : start + _AT_ONCE]
            )

    async def tell_room(self, room: str, event: str, data: Mapping[str, Any]) -> None:
        """See LiveBus."""
        await self._link.emit(event, dict(data), namespace=NAMESPACE, room=room)

    async def enter_room(self, user_ids: Sequence[UUID], room: str) -> None:
        """See LiveBus."""
        await self._link.give(ENTER, {"rooms": _rooms(user_ids), "room": room})

    async def leave_room(self, user_ids: Sequence[UUID], room: str) -> None:
        """See LiveBus."""
        await self._link.give(LEAVE, {"rooms": _rooms(user_ids), "room": room})

    async def disconnect_user(self, user_id: UUID, reason: str) -> None:
        """See LiveBus."""
        await self._link.give(HANG_UP, {"room": user_room(user_id), "reason": reason})

    async def disconnect_session(self, session_id: UUID, reason: str) -> None:
        """See LiveBus."""
        await self._link.give(HANG_UP, {"room": session_room(session_id), "reason": reason})


def _rooms(user_ids: Sequence[UUID]) -> list[str]:
    return [user_room(user_id) for user_id in user_ids]
