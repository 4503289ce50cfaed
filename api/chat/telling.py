"""Tells sockets what the database has committed. Lost, it is found again by catching up."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from api.chat.event_schemas import EventShown
from realtime.bus import LiveBus
from realtime.rooms import conversation_room
from storage.chat.events import ChatEvent
from storage.media_links import MediaLinks

EVENT: Final = "chat.event"
"""Something happened in a conversation: the event as catching up shows it."""
JOINED: Final = "chat.joined"
"""The socket hears a conversation from now on: {conversation_id}."""
LEFT: Final = "chat.left"
"""The socket's user is not in a conversation any more: {conversation_id}."""
READ: Final = "chat.read"
"""The user has read on another device: {conversation_id, delivered_seq, read_seq}."""
TYPING: Final = "chat.typing"
"""Somebody is writing: {conversation_id, user_id}."""
POSITION: Final = "chat.position"
"""Where a conversation stands, for sockets that missed something: {conversation_id, last_seq}."""


class Telling:
    """To the sockets of all processes."""

    def __init__(self, live: LiveBus, links: MediaLinks) -> None:
        """`links` make media in messages visible."""
        self._live = live
        self._links = links

    async def event(self, event: ChatEvent) -> None:
        """Everybody in the conversation."""
        shown = EventShown.of(event, self._links).model_dump()
        await self._live.tell_room(conversation_room(event.conversation_id), EVENT, shown)

    async def joined(self, conversation_id: UUID, user_ids: Collection[UUID]) -> None:
        """Those who are in it from now on; their sockets hear it from now on."""
        people = list(user_ids)
        await self._live.enter_room(people, conversation_room(conversation_id))
        await self._live.tell(people, JOINED, {"conversation_id": conversation_id})

    async def left(self, conversation_id: UUID, user_id: UUID) -> None:
        """Who is not in it any more; their sockets hear it no more."""
        await self._live.leave_room([user_id], conversation_room(conversation_id))
        await self._live.tell([user_id], LEFT, {"conversation_id": conversation_id})

    async def read(
        self, user_ids: Sequence[UUID], conversation_id: UUID, *, delivered_seq: int, read_seq: int
    ) -> None:
        """The other devices of who read something."""
        marks = {
            "conversation_id": conversation_id,
            "delivered_seq": delivered_seq,
            "read_seq": read_seq,
        }
        await self._live.tell(user_ids, READ, marks)
