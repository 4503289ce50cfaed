"""What was said."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import media as media_rows
from storage.media import Shape
from storage.tables import MessageRow, ReactionRow
from storage.unnested import is_among


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
    shapes: Mapping[UUID, Shape] = field(default_factory=dict)
    """Of its pictures."""
    reply_to: UUID | None
    reactions: tuple[tuple[str, tuple[UUID, ...]], ...]
    """(emoji, who), the emoji first given first"""
    changed_seq: int
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


async def find(session: AsyncSession, conversation_id: UUID, message_id: UUID) -> Message | None:
    """The message of that id, if it is in the conversation."""
    query = select(MessageRow).where(
        MessageRow.id == message_id, MessageRow.conversation_id == conversation_id
    )
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else (await with_reactions(session, [row]))[0]


async def find_sent(
    session: AsyncSession, conversation_id: UUID, sender_id: UUID, client_id: str
) -> Message | None:
    """The message that the sender sent under that client id."""
    query = select(MessageRow).where(
        MessageRow.conversation_id == conversation_id,
        MessageRow.sender_id == sender_id,
        MessageRow.client_id == client_id,
    )
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else (await with_reactions(session, [row]))[0]


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
    """The messages of those rows, whatever they were read by."""
    if not rows:
        return []
    query = (
        select(ReactionRow)
        .where(is_among(ReactionRow.message_id, [row.id for row in rows]))
        .order_by(ReactionRow.reacted_at, ReactionRow.user_id)
    )
    shapes = await media_rows.shapes(session, {one for row in rows for one in row.media_ids})
    reactions: dict[UUID, dict[str, list[UUID]]] = {}
    for found in await session.scalars(query):
        of_message = reactions.setdefault(found.message_id, {})
        of_message.setdefault(found.emoji, []).append(found.user_id)
    return [_message(row, reactions.get(row.id, {}), shapes) for row in rows]


def _message(
    row: MessageRow, reactions: dict[str, list[UUID]], shapes: Mapping[UUID, Shape]
) -> Message:
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        seq=row.seq,
        sender_id=row.sender_id,
        client_id=row.client_id,
        text=row.text,
        media_ids=tuple(row.media_ids),
        shapes={one: shapes[one] for one in row.media_ids if one in shapes},
        reply_to=row.reply_to,
        reactions=tuple((emoji, tuple(who)) for emoji, who in reactions.items()),
        changed_seq=row.changed_seq,
        sent_at=row.sent_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )
