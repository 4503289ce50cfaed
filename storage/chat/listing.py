"""Somebody's conversations, as a list shows them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from domain.conversations import ConversationKind, MemberRole
from storage.chat.members import Person
from storage.chat.messages import Message, read_messages
from storage.tables import ConversationMemberRow, ConversationRow, MessageRow, UserRow

UNREAD_AT_MOST = 100
"""Unread messages are counted up to this many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """One conversation in somebody's list."""

    id: UUID
    kind: ConversationKind
    title: str | None
    member_count: int
    last_seq: int
    active_at: datetime
    created_at: datetime
    role: MemberRole
    delivered_seq: int
    read_seq: int
    unread: int
    """Others' messages, up to UNREAD_AT_MOST."""
    last_message: Message | None
    with_user: Person | None
    """The other one of a direct conversation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListCursor:
    """Where a page of conversations ended."""

    active_at: datetime
    id: UUID


async def find(session: AsyncSession, user_id: UUID, conversation_id: UUID) -> Conversation | None:
    """One of the user's conversations."""
    query = _listed(user_id).where(ConversationRow.id == conversation_id)
    return next(iter(await _conversations(session, user_id, query)), None)


async def list_page(
    session: AsyncSession, user_id: UUID, *, before: ListCursor | None, limit: int
) -> list[Conversation]:
    """The user's conversations, the one with the last message first."""
    query = (
        _listed(user_id)
        .order_by(ConversationRow.active_at.desc(), ConversationRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(
            tuple_(ConversationRow.active_at, ConversationRow.id)
            < tuple_(literal(before.active_at), literal(before.id))
        )
    return await _conversations(session, user_id, query)


def _listed(user_id: UUID) -> Select[ConversationRow, ConversationMemberRow, UUID | None, int]:
    member = ConversationMemberRow
    theirs = (MessageRow.conversation_id == ConversationRow.id) & (
        MessageRow.seq > member.joined_seq
    )
    last = (
        select(MessageRow.id).where(theirs).order_by(MessageRow.seq.desc()).limit(1)
    ).scalar_subquery()
    unread = (
        select(MessageRow.id)
        .where(
            theirs,
            MessageRow.seq > member.read_seq,
            MessageRow.sender_id != user_id,
            MessageRow.deleted_at.is_(None),
        )
        .limit(UNREAD_AT_MOST)
        .correlate(ConversationRow, member)
        .subquery()
    )
    counted = select(func.count()).select_from(unread).scalar_subquery()
    return (
        select(ConversationRow, member, last.label("last_message_id"), counted.label("unread"))
        .join(member, member.conversation_id == ConversationRow.id)
        .where(member.user_id == user_id, member.left_at.is_(None))
    )


async def _conversations(
    session: AsyncSession,
    user_id: UUID,
    query: Select[ConversationRow, ConversationMemberRow, UUID | None, int],
) -> list[Conversation]:
    rows = (await session.execute(query)).all()
    messages = await read_messages(session, [row[2] for row in rows if row[2] is not None])
    direct = [row[0].id for row in rows if row[0].kind == ConversationKind.DIRECT]
    others = await _others(session, user_id, direct) if direct else {}
    return [
        Conversation(
            id=row.id,
            kind=ConversationKind(row.kind),
            title=row.title,
            member_count=row.member_count,
            last_seq=row.last_seq,
            active_at=row.active_at,
            created_at=row.created_at,
            role=MemberRole(member.role),
            delivered_seq=member.delivered_seq,
            read_seq=member.read_seq,
            unread=unread,
            last_message=messages.get(last_message_id) if last_message_id else None,
            with_user=others.get(row.id),
        )
        for row, member, last_message_id, unread in rows
    ]


async def _others(
    session: AsyncSession, user_id: UUID, conversation_ids: Collection[UUID]
) -> dict[UUID, Person]:
    member = ConversationMemberRow
    query = (
        select(member.conversation_id, UserRow)
        .join(UserRow, UserRow.id == member.user_id)
        .where(member.conversation_id.in_(conversation_ids), member.user_id != user_id)
    )
    return {
        conversation_id: Person(user_id=user.id, handle=user.handle, display_name=user.display_name)
        for conversation_id, user in await session.execute(query)
    }
