"""Messages: sent, changed, reacted to, read. Told to sockets once they are committed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.chat.problems import (
    Deleted,
    NoSuchConversation,
    NoSuchMessage,
    NotReachable,
    NotYours,
    TooManyEmoji,
    unknown_reply,
    unusable_media,
)
from api.chat.schemas import Marks, NewMessageBody
from api.chat.telling import Telling
from domain.conversations import (
    EMOJI_PER_MESSAGE,
    RECEIPTS_TOLD_UP_TO,
    ChatEventKind,
    MemberRole,
)
from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from storage.chat import conversations, events, messages, reactions, receipts
from storage.chat.conversations import Membership
from storage.chat.events import ChatEvent
from storage.chat.messages import Message, NewMessage
from storage.database import Database
from storage.notifications.deciding import notify


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
        async with self._database.transaction() as session:
            await self._writer(session, user_id, conversation_id)
            await self._require_usable(session, new)
            said = await messages.say(session, new)
            if said is None:
                before = await messages.find_sent(session, new)
                if before is None:
                    raise LookupError("a message vanished between two statements")
                return Sent(message=before, repeated=True)
            message, member_ids = said
            await self._notify(session, message, member_ids)
        await self._telling.event(_sent(message))
        return Sent(message=message, repeated=False)

    async def edit(
        self, user_id: UUID, conversation_id: UUID, message_id: UUID, text: str
    ) -> Message:
        """Give one's own message another text.

        Raises NoSuchConversation, NoSuchMessage, NotYours, Deleted, NotReachable.
        """
        async with self._database.transaction() as session:
            member = await self._writer(session, user_id, conversation_id)
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
            member = await self._member(session, user_id, conversation_id)
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
            member = await self._writer(session, user_id, conversation_id)
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
            member = await self._member(session, user_id, conversation_id)
            message = await self._found(session, member, message_id)
            if not await reactions.remove(session, message_id, user_id, emoji):
                return message
            event, changed = await self._reacted(
                session, message, user_id, ChatEventKind.REACTION_REMOVED, emoji
            )
        await self._telling.event(event.about(changed))
        return changed

    async def mark(self, user_id: UUID, conversation_id: UUID, marks: Marks) -> Marks:
        """Say how far one has received and read; never back, and never beyond what is there.

        What was read was also received. In small conversations it is an event, and told to
        everybody; in larger ones it is kept, and told to one's other devices.
        Raises NoSuchConversation.
        """
        event: ChatEvent | None = None
        async with self._database.transaction() as session:
            member = await self._member(session, user_id, conversation_id, lock=False)
            told = member.member_count <= RECEIPTS_TOLD_UP_TO
            last = await receipts.markable(session, conversation_id)
            delivered, read = _moved(member, marks, last)
            if (delivered, read) == (member.delivered_seq, member.read_seq):
                return Marks(delivered_seq=delivered, read_seq=read)
            if told:
                member = await self._member(session, user_id, conversation_id)
                delivered, read = _moved(member, marks, last)
            if not told:
                await receipts.keep(session, member, delivered_seq=delivered, read_seq=read)
            elif (delivered, read) != (member.delivered_seq, member.read_seq):
                event = await receipts.tell(session, member, delivered_seq=delivered, read_seq=read)
        if event is not None:
            await self._telling.event(event)
        await self._telling.read([user_id], conversation_id, delivered_seq=delivered, read_seq=read)
        return Marks(delivered_seq=delivered, read_seq=read)

    async def _member(
        self, session: AsyncSession, user_id: UUID, conversation_id: UUID, *, lock: bool = True
    ) -> Membership:
        find = conversations.lock if lock else conversations.membership
        member = await find(session, conversation_id, user_id)
        if member is None:
            raise NoSuchConversation(conversation_id)
        return member

    async def _writer(
        self, session: AsyncSession, user_id: UUID, conversation_id: UUID
    ) -> Membership:
        member = await self._member(session, user_id, conversation_id)
        if member.blocked:
            raise NotReachable
        return member

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

    async def _require_usable(self, session: AsyncSession, new: NewMessage) -> None:
        if new.reply_to is not None:
            answered = await messages.find(session, new.conversation_id, new.reply_to)
            if answered is None:
                raise unknown_reply()
        if new.media_ids:
            usable = await messages.usable_media(session, new.sender_id, new.media_ids)
            wrong = [
                position
                for position, media_id in enumerate(new.media_ids)
                if media_id not in usable
            ]
            if wrong:
                raise unusable_media(wrong)

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

    async def _notify(
        self, session: AsyncSession, message: Message, member_ids: Sequence[UUID]
    ) -> None:
        await notify(
            session,
            NotificationKind.MESSAGE,
            user_ids=member_ids,
            actor_id=message.sender_id,
            subject_type=SubjectType.CONVERSATION,
            subject_id=message.conversation_id,
            cause_id=message.id,
        )


def _sent(message: Message) -> ChatEvent:
    return ChatEvent(
        conversation_id=message.conversation_id,
        seq=message.seq,
        kind=ChatEventKind.MESSAGE_SENT,
        actor_id=message.sender_id,
        happened_at=message.sent_at,
        message=message,
    )


def _moved(member: Membership, marks: Marks, last: int) -> tuple[int, int]:
    """(delivered, read) as the marks would have them."""
    read = max(member.read_seq, min(marks.read_seq or 0, last))
    delivered = max(member.delivered_seq, min(marks.delivered_seq or 0, last), read)
    return delivered, read
