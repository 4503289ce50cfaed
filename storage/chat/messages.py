"""What was said."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.conversations import ChatEventKind
from storage.chat.numbers import next_number
from storage.tables import (
    ChatEventRow,
    ConversationMemberRow,
    MediaRow,
    MessageRow,
    ReactionRow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message, as it is now."""

    id: UUID
    conversation_id: UUID
    seq: int
    """Its place in the conversation."""
    sender_id: UUID
    client_id: str
    text: str
    media_ids: tuple[UUID, ...]
    reply_to: UUID | None
    reactions: tuple[tuple[str, tuple[UUID, ...]], ...]
    """(emoji, who), the emoji first given first"""
    changed_seq: int
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """What somebody is about to say."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    client_id: str
    text: str
    media_ids: Sequence[UUID]
    reply_to: UUID | None


async def say(session: AsyncSession, new: NewMessage) -> tuple[Message, list[UUID]] | None:
    """Send it as the conversation's next event; None when the client id is taken.

    Answers who is in the conversation, too. It has to be locked by this transaction: then a
    message that is sent twice at once is found here by the second, and no number is lost to it.
    """
    values = {
        "new_id": new.id,
        "new_conversation_id": new.conversation_id,
        "new_sender_id": new.sender_id,
        "new_client_id": new.client_id,
        "new_text": new.text,
        "new_media_ids": list(new.media_ids),
        "new_reply_to": new.reply_to,
    }
    connection = await session.connection()  # without the ORM's own work on each statement
    row = (await connection.execute(_say(), values)).one_or_none()
    if row is None:
        return None
    message = Message(
        id=new.id,
        conversation_id=new.conversation_id,
        seq=row.seq,
        sender_id=new.sender_id,
        client_id=new.client_id,
        text=new.text,
        media_ids=tuple(new.media_ids),
        reply_to=new.reply_to,
        reactions=(),
        changed_seq=row.seq,
        sent_at=row.sent_at,
        edited_at=None,
        deleted_at=None,
    )
    return message, row.member_ids


@cache
def _say() -> Select[int, datetime, list[UUID]]:
    """Built once: for every message, building it would take longer than PostgreSQL does.

    Parameters are not called like columns, which SQLAlchemy would take for values to set.
    """
    conversation_id = bindparam("new_conversation_id", type_=Uuid())
    sender_id = bindparam("new_sender_id", type_=Uuid())
    message_id = bindparam("new_id", type_=Uuid())
    client_id = bindparam("new_client_id", type_=Text())
    sent_before = select(MessageRow.id).where(
        MessageRow.conversation_id == conversation_id,
        MessageRow.sender_id == sender_id,
        MessageRow.client_id == client_id,
    )
    numbered = next_number(conversation_id, ~sent_before.exists(), active_at=func.clock_timestamp())
    content: dict[str, ColumnElement[Any]] = {
        "id": message_id,
        "conversation_id": conversation_id,
        "sender_id": sender_id,
        "client_id": client_id,
        "text": bindparam("new_text", type_=Text()),
        "media_ids": bindparam("new_media_ids", type_=ARRAY(Uuid())),
        "reply_to": bindparam("new_reply_to", type_=Uuid()),
        "seq": numbered.c.last_seq,
        "changed_seq": numbered.c.last_seq,
    }
    said = (
        insert(MessageRow)
        .from_select(list(content), select(*content.values()))
        .returning(MessageRow.conversation_id, MessageRow.seq, MessageRow.sent_at)
        .cte("said")
    )
    event: dict[str, ColumnElement[Any]] = {
        "conversation_id": conversation_id,
        "seq": said.c.seq,
        "kind": literal_column(f"'{ChatEventKind.MESSAGE_SENT}'"),
        "actor_id": sender_id,
        "message_id": message_id,
        "happened_at": said.c.sent_at,
    }
    happened = insert(ChatEventRow).from_select(list(event), select(*event.values()))
    member = ConversationMemberRow
    others = select(MessageRow.id).where(
        MessageRow.conversation_id == conversation_id,
        MessageRow.seq > member.read_seq,
        MessageRow.sender_id != sender_id,
    )
    read_own = (  # who has read everything of the others has read their own message, too
        update(member)
        .where(
            member.conversation_id == said.c.conversation_id,
            member.user_id == sender_id,
            ~others.exists(),
        )
        .values(read_seq=said.c.seq, delivered_seq=said.c.seq)
    )
    there = select(func.array_agg(member.user_id)).where(
        member.conversation_id == conversation_id, member.left_at.is_(None)
    )
    return select(said.c.seq, said.c.sent_at, there.scalar_subquery().label("member_ids")).add_cte(
        happened.cte("happened"), read_own.cte("read_own")
    )


async def find_sent(session: AsyncSession, new: NewMessage) -> Message | None:
    """The message that the sender sent under that client id."""
    row = (await session.scalars(_sent_before(new))).one_or_none()
    return None if row is None else (await with_reactions(session, [row]))[0]


async def find(session: AsyncSession, conversation_id: UUID, message_id: UUID) -> Message | None:
    """The message of that id, if it is in the conversation."""
    query = select(MessageRow).where(
        MessageRow.id == message_id, MessageRow.conversation_id == conversation_id
    )
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else (await with_reactions(session, [row]))[0]


async def usable_media(
    session: AsyncSession, user_id: UUID, media_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of the ids that are the user's own, kept from deletion until the transaction ends."""
    query = (
        select(MediaRow.id)
        .where(MediaRow.user_id == user_id, MediaRow.id.in_(media_ids))
        .order_by(MediaRow.id)  # one order of locking for all
        .with_for_update(read=True, key_share=True)
    )
    return set(await session.scalars(query))


async def list_page(
    session: AsyncSession,
    conversation_id: UUID,
    *,
    after_seq: int,
    before: UUID | None,
    limit: int,
) -> list[Message]:
    """A conversation's messages after an event, newest first."""
    query = (
        select(MessageRow)
        .where(MessageRow.conversation_id == conversation_id, MessageRow.seq > after_seq)
        .order_by(MessageRow.seq.desc())
        .limit(limit)
    )
    if before is not None:
        place = select(MessageRow.seq).where(
            MessageRow.id == before, MessageRow.conversation_id == conversation_id
        )
        query = query.where(MessageRow.seq < place.scalar_subquery())
    return await with_reactions(session, (await session.scalars(query)).all())


async def edit(session: AsyncSession, message_id: UUID, text: str, *, seq: int) -> Message:
    """Give a message that exists another text, as the event of that number."""
    return await _change(session, message_id, text=text, edited_at=func.now(), changed_seq=seq)


async def delete_content(session: AsyncSession, message_id: UUID, *, seq: int) -> Message:
    """Take a message's content and its reactions away, as the event of that number."""
    await session.execute(delete(ReactionRow).where(ReactionRow.message_id == message_id))
    return await _change(
        session, message_id, text="", media_ids=[], deleted_at=func.now(), changed_seq=seq
    )


async def touch(session: AsyncSession, message_id: UUID, *, seq: int) -> Message:
    """The message as its reactions are now, as the event of that number."""
    return await _change(session, message_id, changed_seq=seq)


async def read_messages(
    session: AsyncSession, message_ids: Collection[UUID]
) -> dict[UUID, Message]:
    """The messages of those ids, as they are now."""
    rows = await session.scalars(select(MessageRow).where(MessageRow.id.in_(message_ids)))
    return {message.id: message for message in await with_reactions(session, rows.all())}


async def _change(session: AsyncSession, message_id: UUID, **changes: Any) -> Message:
    statement = (
        update(MessageRow)
        .where(MessageRow.id == message_id)
        .values(**changes)
        .returning(MessageRow)
        .execution_options(populate_existing=True)
    )
    row = (await session.scalars(statement)).one()
    return (await with_reactions(session, [row]))[0]


async def with_reactions(session: AsyncSession, rows: Sequence[MessageRow]) -> list[Message]:
    if not rows:
        return []
    query = (
        select(ReactionRow)
        .where(ReactionRow.message_id.in_([row.id for row in rows]))
        .order_by(ReactionRow.reacted_at, ReactionRow.user_id)
    )
    reactions: dict[UUID, dict[str, list[UUID]]] = {}
    for found in await session.scalars(query):
        of_message = reactions.setdefault(found.message_id, {})
        of_message.setdefault(found.emoji, []).append(found.user_id)
    return [_message(row, reactions.get(row.id, {})) for row in rows]


def _sent_before(new: NewMessage) -> Select[MessageRow]:
    return select(MessageRow).where(
        MessageRow.conversation_id == new.conversation_id,
        MessageRow.sender_id == new.sender_id,
        MessageRow.client_id == new.client_id,
    )


def _message(row: MessageRow, reactions: dict[str, list[UUID]]) -> Message:
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        seq=row.seq,
        sender_id=row.sender_id,
        client_id=row.client_id,
        text=row.text,
        media_ids=tuple(row.media_ids),
        reply_to=row.reply_to,
        reactions=tuple((emoji, tuple(who)) for emoji, who in reactions.items()),
        changed_seq=row.changed_seq,
        sent_at=row.sent_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )
