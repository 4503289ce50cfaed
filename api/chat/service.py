"""Messages: sent, changed, reacted to. Told to sockets once they are committed."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.chat.access import holder, writer
from api.chat.problems import (
    Deleted,
    NoSuchMessage,
    NotYours,
    TooManyEmoji,
    unknown_reply,
    unusable_media,
)
from api.chat.schemas import NewMessageBody
from api.chat.telling import Telling
from domain.conversations import (
    EMOJI_PER_MESSAGE,
    ChatEventKind,
    MemberRole,
)
from domain.ids import new_id
from storage import media as media_rows
from storage.chat import events, messages, reactions, sending
from storage.chat.conversations import Membership
from storage.chat.events import ChatEvent
from storage.chat.messages import Message
from storage.chat.sending import NewMessage
from storage.database import Database
from storage.media import Shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A message that is in the conversation."""

    message: Message
    repeated: bool
    """It was there before: the same client id was sent again."""


class MessageService:
    """What members do with messages. Each act is one transaction, and is told after it."""

    def __init__(self, database: Database, telling: Telling) -> None:
        """`telling` reaches sockets."""
        self._database = database
        self._telling = telling

    async def send(self, user_id: UUID, conversation_id: UUID, body: NewMessageBody) -> Sent:
        """Say something. Raises NoSuchConversation, NotReachable, InvalidRequest."""
        new = NewMessage(
            id=new_id(),
            conversation_id=conversation_id,
            sender_id=user_id,
            client_id=body.client_id,
            text=body.text,
            media_ids=list(dict.fromkeys(body.media_ids)),
            reply_to=body.reply_to,
        )
        message = None if new.media_ids or new.reply_to else await self._say(new)
        if message is None:
            sent = await self._look_and_say(new)
            if sent.repeated:
                return sent
            message = sent.message
        await self._telling.event(_sent(message))
        return Sent(message=message, repeated=False)

    async def edit(
        self, user_id: UUID, conversation_id: UUID, message_id: UUID, text: str
    ) -> Message:
        """Give one's own message another text.

        Raises NoSuchConversation, NoSuchMessage, NotYours, Deleted, NotReachable.
        """
        async with self._database.transaction() as session:
            member = await writer(session, user_id, conversation_id)
            message = await self._existing(session, member, message_id)
            if message.sender_id != user_id:
                raise NotYours("Only who sent a message may change it.")
            if message.text == text:
                return message
            event = await events.append(
                session,
                conversation_id,
                ChatEventKind.MESSAGE_EDITED,
                actor_id=user_id,
                message_id=message_id,
            )
            changed = await messages.edit(session, message_id, text, seq=event.seq)
        await self._telling.event(event.about(changed))
        return changed

    async def delete(self, user_id: UUID, conversation_id: UUID, message_id: UUID) -> Message:
        """Take a message's content away: one's own, or as the owner of a group anybody's.

        Once more is fine. Raises NoSuchConversation, NoSuchMessage, NotYours.
        """
        async with self._database.transaction() as session:
            member = await holder(session, user_id, conversation_id)
            message = await self._found(session, member, message_id)
            if message.sender_id != user_id and member.role is not MemberRole.OWNER:
                raise NotYours("Only who sent a message, or an owner of the group, may delete it.")
            if message.deleted_at is not None:
                return message
            event = await events.append(
                session,
                conversation_id,
                ChatEventKind.MESSAGE_DELETED,
                actor_id=user_id,
                message_id=message_id,
            )
            deleted = await messages.delete_content(session, message_id, seq=event.seq)
        await self._telling.event(event.about(deleted))
        return deleted

    async def react(
        self, user_id: UUID, conversation_id: UUID, message_id: UUID, emoji: str
    ) -> Message:
        """Put an emoji to a message; once more is fine.

        Raises NoSuchConversation, NoSuchMessage, Deleted, NotReachable, TooManyEmoji.
        """
        async with self._database.transaction() as session:
            member = await writer(session, user_id, conversation_id)
            message = await self._existing(session, member, message_id)
            there = {known for known, _ in message.reactions}
            if emoji not in there and len(there) >= EMOJI_PER_MESSAGE:
                raise TooManyEmoji(EMOJI_PER_MESSAGE)
            if not await reactions.add(session, message_id, user_id, emoji):
                return message
            event, changed = await self._reacted(
                session, message, user_id, ChatEventKind.REACTION_ADDED, emoji
            )
        await self._telling.event(event.about(changed))
        return changed

    async def take_reaction_back(
        self, user_id: UUID, conversation_id: UUID, message_id: UUID, emoji: str
    ) -> Message:
        """Take one's emoji away again; once more is fine.

        Raises NoSuchConversation, NoSuchMessage.
        """
        async with self._database.transaction() as session:
            member = await holder(session, user_id, conversation_id)
            message = await self._found(session, member, message_id)
            if not await reactions.remove(session, message_id, user_id, emoji):
                return message
            event, changed = await self._reacted(
                session, message, user_id, ChatEventKind.REACTION_REMOVED, emoji
            )
        await self._telling.event(event.about(changed))
        return changed

    async def _say(self, new: NewMessage) -> Message | None:
        """Send it in one round trip; None when that was not possible, for whatever reason."""
        async with self._database.statement() as connection:
            return await sending.say(connection, new)

    async def _look_and_say(self, new: NewMessage) -> Sent:
        """Send it while nobody else adds to the conversation, or find out why not."""
        async with self._database.transaction() as session:
            await writer(session, new.sender_id, new.conversation_id)
            shapes = await self._require_usable(session, new)
            message = await sending.say_within(session, new)
            if message is not None:
                return Sent(message=replace(message, shapes=shapes), repeated=False)
            before = await messages.find_sent(
                session, new.conversation_id, new.sender_id, new.client_id
            )
        if before is None:
            raise LookupError("a message vanished between two statements")
        return Sent(message=before, repeated=True)

    async def _found(self, session: AsyncSession, member: Membership, message_id: UUID) -> Message:
        message = await messages.find(session, member.conversation_id, message_id)
        if message is None or message.seq <= member.joined_seq:
            raise NoSuchMessage(message_id)
        return message

    async def _existing(
        self, session: AsyncSession, member: Membership, message_id: UUID
    ) -> Message:
        message = await self._found(session, member, message_id)
        if message.deleted_at is not None:
            raise Deleted
        return message

    async def _require_usable(self, session: AsyncSession, new: NewMessage) -> dict[UUID, Shape]:
        """How large its pictures are, kept from deletion. Raises InvalidRequest."""
        if new.reply_to is not None:
            answered = await messages.find(session, new.conversation_id, new.reply_to)
            if answered is None:
                raise unknown_reply()
        if not new.media_ids:
            return {}
        usable = await media_rows.find_of_user_to_use(session, new.sender_id, new.media_ids)
        wrong = [
            position for position, media_id in enumerate(new.media_ids) if media_id not in usable
        ]
        if wrong:
            raise unusable_media(wrong)
        return {one.id: Shape(width=one.width, height=one.height) for one in usable.values()}

    async def _reacted(
        self,
        session: AsyncSession,
        message: Message,
        user_id: UUID,
        kind: ChatEventKind,
        emoji: str,
    ) -> tuple[ChatEvent, Message]:
        event = await events.append(
            session,
            message.conversation_id,
            kind,
            actor_id=user_id,
            message_id=message.id,
            details={"emoji": emoji},
        )
        return event, await messages.touch(session, message.id, seq=event.seq)


def _sent(message: Message) -> ChatEvent:
    return ChatEvent(
        conversation_id=message.conversation_id,
        seq=message.seq,
        kind=ChatEventKind.MESSAGE_SENT,
        actor_id=message.sender_id,
        happened_at=message.sent_at,
        message=message,
    )
