"""What sockets may send about conversations: the same acts as over HTTP, acknowledged."""

import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from api.chat.event_schemas import CatchUpBody, CaughtUpShown
from api.chat.marks import MarkService
from api.chat.problems import NoSuchConversation
from api.chat.reading import ReadingService
from api.chat.schemas import Emoji, Marks, MessageChange, MessageShown, NewMessageBody
from api.chat.service import MessageService
from api.chat.telling import TYPING
from api.live.events import Event, Events
from realtime.host import Connection
from realtime.rooms import conversation_room
from realtime.server import SocketServer
from storage.chat.messages import Message
from storage.media_links import MediaLinks

TYPING_EVERY: Final = 2.0
"""Seconds in which one socket's typing in one conversation is told once."""


class SendEvent(NewMessageBody):
    """`chat.send`"""

    conversation_id: UUID


class EditEvent(MessageChange):
    """`chat.edit`"""

    conversation_id: UUID
    message_id: UUID


class MessageEvent(BaseModel):
    """`chat.delete`"""

    model_config = ConfigDict(extra="forbid")

    conversation_id: UUID
    message_id: UUID


class ReactionEvent(MessageEvent):
    """`chat.react` and `chat.unreact`"""

    emoji: Emoji


class MarkEvent(Marks):
    """`chat.mark`"""

    conversation_id: UUID


class TypingEvent(BaseModel):
    """`chat.typing`"""

    model_config = ConfigDict(extra="forbid")

    conversation_id: UUID


class ChatSockets:
    """Handles the events of conversations."""

    def __init__(
        self,
        *,
        writing: MessageService,
        marking: MarkService,
        reading: ReadingService,
        links: MediaLinks,
        sockets: SocketServer,
    ) -> None:
        """`sockets` are this process's."""
        self._writing = writing
        self._marking = marking
        self._reading = reading
        self._links = links
        self._sockets = sockets
        self._typing: dict[tuple[str, UUID], float] = {}

    @property
    def events(self) -> Events:
        """By name."""
        return {
            "chat.send": Event(SendEvent, self._send),
            "chat.edit": Event(EditEvent, self._edit),
            "chat.delete": Event(MessageEvent, self._delete),
            "chat.react": Event(ReactionEvent, self._react),
            "chat.unreact": Event(ReactionEvent, self._unreact),
            "chat.mark": Event(MarkEvent, self._mark),
            "chat.typing": Event(TypingEvent, self._type),
            "chat.catch_up": Event(CatchUpBody, self._catch_up),
        }

    def forget(self, connection: Connection) -> None:
        """The socket is gone."""
        for key in [key for key in self._typing if key[0] == connection.sid]:
            del self._typing[key]

    async def _send(self, by: Connection, event: SendEvent) -> Mapping[str, Any]:
        sent = await self._writing.send(by.user_id, event.conversation_id, event)
        return {**self._shown(sent.message), "repeated": sent.repeated}

    async def _edit(self, by: Connection, event: EditEvent) -> Mapping[str, Any]:
        return self._shown(
            await self._writing.edit(
                by.user_id, event.conversation_id, event.message_id, event.text
            )
        )

    async def _delete(self, by: Connection, event: MessageEvent) -> Mapping[str, Any]:
        return self._shown(
            await self._writing.delete(by.user_id, event.conversation_id, event.message_id)
        )

    async def _react(self, by: Connection, event: ReactionEvent) -> Mapping[str, Any]:
        return self._shown(
            await self._writing.react(
                by.user_id, event.conversation_id, event.message_id, event.emoji
            )
        )

    async def _unreact(self, by: Connection, event: ReactionEvent) -> Mapping[str, Any]:
        return self._shown(
            await self._writing.take_reaction_back(
                by.user_id, event.conversation_id, event.message_id, event.emoji
            )
        )

    async def _mark(self, by: Connection, event: MarkEvent) -> Mapping[str, Any]:
        return (await self._marking.move(by.user_id, event.conversation_id, event)).model_dump(
            include={"delivered_seq", "read_seq"}
        )

    async def _type(self, by: Connection, event: TypingEvent) -> Mapping[str, Any]:
        room = conversation_room(event.conversation_id)
        if not self._sockets.is_in(by, room):
            raise NoSuchConversation(event.conversation_id)
        now, key = time.monotonic(), (by.sid, event.conversation_id)
        if now - self._typing.get(key, float("-inf")) >= TYPING_EVERY:
            self._typing[key] = now
            told = {"conversation_id": event.conversation_id, "user_id": by.user_id}
            await self._sockets.tell_others(by, room, TYPING, told)
        return {}

    async def _catch_up(self, by: Connection, event: CatchUpBody) -> Mapping[str, Any]:
        positions = {one.conversation_id: one.after for one in event.positions}
        found = await self._reading.catch_up(by.user_id, positions, limit=event.limit)
        shown = [CaughtUpShown.of(one, self._links).model_dump() for one in found]
        return {"conversations": shown}

    def _shown(self, message: Message) -> dict[str, Any]:
        return {"message": MessageShown.of(message, self._links).model_dump()}
