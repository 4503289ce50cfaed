"""What happened in conversations, in their order: written in the transaction that does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.conversations import ChatEventKind
from storage.chat.messages import Message
from storage.chat.numbers import OLDEST_RUNNING, next_number
from storage.tables import ChatEventRow, ConversationMemberRow, ConversationRow


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatEvent:
    """One thing that happened in a conversation."""

    conversation_id: UUID
    seq: int
    kind: ChatEventKind
    actor_id: UUID
    happened_at: datetime | None
    """Null of a receipt."""
    message: Message | None = None
    """As it is when the event is read; its own `changed_seq` says how new that is."""
    details: Mapping[str, Any] = field(default_factory=dict)

    def about(self, message: Message) -> "ChatEvent":
        """The same, with its message."""
        return replace(self, message=message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a conversation stands."""

    conversation_id: UUID
    last_seq: int
    left: bool
    """The reader is not in it any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Where a conversation stands, and since which transaction."""

    conversation_id: UUID
    last_seq: int
    changed_in: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """Which conversations changed, and the cursor for what changes next."""

    positions: tuple[Position, ...]
    cursor: int
    more: bool


async def append(
    session: AsyncSession,
    conversation_id: UUID,
    kind: ChatEventKind,
    *,
    actor_id: UUID,
    message_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> ChatEvent:
    """Let it happen as the conversation's next event."""
    numbered = next_number(conversation_id)
    statement = (
        insert(ChatEventRow)
        .from_select(
            ["conversation_id", "seq", "kind", "actor_id", "message_id", "details"],
            select(
                literal(conversation_id),
                numbered.c.last_seq,
                literal(kind.value),
                literal(actor_id),
                literal(message_id, Uuid),
                literal(dict(details or {}), ChatEventRow.details.type),
            ),
        )
        .returning(ChatEventRow.seq, ChatEventRow.happened_at)
    )
    row = (await session.execute(statement)).one()
    return ChatEvent(
        conversation_id=conversation_id,
        seq=row.seq,
        kind=kind,
        actor_id=actor_id,
        happened_at=row.happened_at,
        details=details or {},
    )


def receipt(
    conversation_id: UUID, user_id: UUID, *, seq: int, delivered_seq: int, read_seq: int
) -> ChatEvent:
    """How far a member has received and read, as an event."""
    return ChatEvent(
        conversation_id=conversation_id,
        seq=seq,
        kind=ChatEventKind.RECEIPT,
        actor_id=user_id,
        happened_at=None,
        details={"delivered_seq": delivered_seq, "read_seq": read_seq},
    )


async def changes_for(session: AsyncSession, user_id: UUID, cursor: int, *, limit: int) -> Changes:
    """Which of the user's conversations changed since the cursor was given out; 0 for all.

    What changed in transactions that were running then is told again: positions do no harm twice.
    """
    upcoming = await read_cursor(session)
    member = ConversationMemberRow
    query = (
        select(ConversationRow.id, ConversationRow.last_seq, member.left_at.is_not(None))
        .join(member, member.conversation_id == ConversationRow.id)
        .where(
            member.user_id == user_id,
            (ConversationRow.changed_in >= cursor) | (member.changed_in >= cursor),
        )
        .order_by(ConversationRow.changed_in.desc(), ConversationRow.id)
        .limit(limit + 1)
    )
    if cursor == 0:
        query = query.where(member.left_at.is_(None))
    rows = (await session.execute(query)).all()
    positions = tuple(
        Position(conversation_id=row[0], last_seq=row[1], left=row[2]) for row in rows[:limit]
    )
    return Changes(positions=positions, cursor=upcoming, more=len(rows) > limit)


async def changed_since(session: AsyncSession, cursor: int, *, limit: int) -> list[Change]:
    """Conversations that changed since the cursor, changed last last."""
    query = (
        select(ConversationRow.id, ConversationRow.last_seq, ConversationRow.changed_in)
        .where(ConversationRow.changed_in >= cursor)
        .order_by(ConversationRow.changed_in)
        .limit(limit)
    )
    return [
        Change(conversation_id=row[0], last_seq=row[1], changed_in=row[2])
        for row in await session.execute(query)
    ]


async def read_cursor(session: AsyncSession) -> int:
    """Give out a cursor: all that older transactions did is visible from now on."""
    return (await session.scalars(select(OLDEST_RUNNING))).one()
