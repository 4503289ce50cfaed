"""What happened in conversations after the last event that somebody has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.conversations import ChatEventKind
from storage.chat.events import ChatEvent, receipt
from storage.chat.messages import read_messages
from storage.tables import ChatEventRow, ConversationMemberRow, ConversationRow
from storage.unnested import unnested


@dataclass(frozen=True, kw_only=True, slots=True)
class CaughtUp:
    """What happened in one conversation after an event."""

    conversation_id: UUID
    events: tuple[ChatEvent, ...]
    up_to: int
    """Nothing that happened up to this event is missing."""
    more: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reach:
    conversation_id: UUID
    after: int
    last_seq: int


async def catch_up(
    session: AsyncSession, user_id: UUID, positions: Mapping[UUID, int], *, limit: int
) -> list[CaughtUp]:
    """What happened after each position, in the conversations that the user is in.

    `limit` holds for each conversation. Events before the user joined are left out.
    """
    asked = unnested(
        "asked", id=(Uuid(), list(positions)), after=(BigInteger(), list(positions.values()))
    )
    member = ConversationMemberRow
    query = (
        select(
            ConversationRow.id,
            func.greatest(asked.c.after, member.joined_seq).label("after"),
            ConversationRow.last_seq,
        )
        .join(asked, asked.c.id == ConversationRow.id)
        .join(member, member.conversation_id == ConversationRow.id)
        .where(member.user_id == user_id, member.left_at.is_(None))
    )
    reaches = [
        _Reach(conversation_id=row.id, after=row.after, last_seq=row.last_seq)
        for row in await session.execute(query)
    ]
    behind = [reach for reach in reaches if reach.after < reach.last_seq]
    found = await _events(session, behind, limit=limit) if behind else {}
    return [_caught_up(reach, found.get(reach.conversation_id, []), limit) for reach in reaches]


async def _events(
    session: AsyncSession, behind: Sequence[_Reach], *, limit: int
) -> dict[UUID, list[ChatEvent]]:
    event = ChatEventRow
    happened = await _next(session, behind, event.conversation_id, event.seq, limit=limit)
    told = {row.message_id for row in happened if row.message_id is not None}
    messages = await read_messages(session, told) if told else {}
    member = ConversationMemberRow
    receipts = await _next(session, behind, member.conversation_id, member.receipt_seq, limit=limit)
    found: dict[UUID, list[ChatEvent]] = {}
    for row in receipts:
        found.setdefault(row.conversation_id, []).append(
            receipt(
                row.conversation_id,
                row.user_id,
                seq=row.receipt_seq,
                delivered_seq=row.delivered_seq,
                read_seq=row.read_seq,
            )
        )
    for row in happened:
        found.setdefault(row.conversation_id, []).append(
            ChatEvent(
                conversation_id=row.conversation_id,
                seq=row.seq,
                kind=ChatEventKind(row.kind),
                actor_id=row.actor_id,
                happened_at=row.happened_at,
                message=messages.get(row.message_id),
                details=row.details,
            )
        )
    return found


async def _next(
    session: AsyncSession,
    behind: Sequence[_Reach],
    conversation: InstrumentedAttribute[UUID],
    number: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
    *,
    limit: int,
) -> Sequence[Any]:
    """Of each conversation the next rows of a table by their numbers: one more than the limit."""
    reach = unnested(
        "reach",
        id=(Uuid(), [one.conversation_id for one in behind]),
        after=(BigInteger(), [one.after for one in behind]),
        last=(BigInteger(), [one.last_seq for one in behind]),
    )
    following = (
        select(conversation.class_)
        .where(conversation == reach.c.id, number > reach.c.after, number <= reach.c.last)
        .order_by(number)
        .limit(limit + 1)
        .lateral("following")
    )
    query = select(following).select_from(reach.join(following, literal(True)))
    return (await session.execute(query)).all()


def _caught_up(reach: _Reach, found: list[ChatEvent], limit: int) -> CaughtUp:
    events = sorted(found, key=lambda event: event.seq)
    more = len(events) > limit
    shown = tuple(events[:limit])
    return CaughtUp(
        conversation_id=reach.conversation_id,
        events=shown,
        up_to=shown[-1].seq if more else reach.last_seq,
        more=more,
    )
