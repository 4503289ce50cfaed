"""Who is in a conversation: let in, gone, listed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.conversations import MemberRole
from storage.chat.numbers import THIS_TRANSACTION
from storage.tables import ConversationMemberRow, ConversationRow, UserRow
from storage.unnested import is_among


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody in a conversation."""

    user_id: UUID
    handle: str
    display_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Member(Person):
    """Somebody who is in a conversation, and how far they have received and read it."""

    role: MemberRole
    joined_at: datetime
    delivered_seq: int
    read_seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Somebody came into a conversation or left it."""

    conversation_id: UUID
    user_id: UUID
    is_in: bool


async def join(
    session: AsyncSession,
    conversation_id: UUID,
    roles: Mapping[UUID, MemberRole],
    *,
    joined_seq: int,
) -> None:
    """Put people into a conversation in these roles; they see what comes after that event."""
    joined = {
        "joined_at": func.now(),
        "joined_seq": joined_seq,
        "delivered_seq": joined_seq,
        "read_seq": joined_seq,
        "receipt_seq": None,
        "left_at": None,
        "changed_in": THIS_TRANSACTION,
    }
    rows = [
        {"conversation_id": conversation_id, "user_id": user_id, "role": role.value}
        for user_id, role in sorted(roles.items())
    ]
    statement = insert(ConversationMemberRow).values(
        [
            {**row, "joined_seq": joined_seq, "delivered_seq": joined_seq, "read_seq": joined_seq}
            for row in rows
        ]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["conversation_id", "user_id"],
            set_={**joined, "role": statement.excluded.role},
        )
    )


async def add_members(
    session: AsyncSession, conversation_id: UUID, user_ids: Collection[UUID], *, seq: int
) -> None:
    """Let people in, who are not in it; the event of that number tells of it.

    They see what happens from that event on.
    """
    roles = dict.fromkeys(user_ids, MemberRole.MEMBER)
    await join(session, conversation_id, roles, joined_seq=seq - 1)
    await _count(session, conversation_id, len(user_ids))


async def remove_member(session: AsyncSession, conversation_id: UUID, user_id: UUID) -> None:
    """Let a member go. A group whose last owner goes gets its longest member for one."""
    member = ConversationMemberRow
    await session.execute(
        update(member)
        .where(member.conversation_id == conversation_id, member.user_id == user_id)
        .values(left_at=func.now(), role=MemberRole.MEMBER, changed_in=THIS_TRANSACTION)
    )
    await _count(session, conversation_id, -1)
    there = aliased(member)
    here = (there.conversation_id == conversation_id) & there.left_at.is_(None)
    heir = (
        select(there.user_id)
        .where(here)
        .order_by(there.joined_at, there.user_id)
        .limit(1)
        .scalar_subquery()
    )
    owned = select(there.user_id).where(here, there.role == MemberRole.OWNER).exists()
    await session.execute(
        update(member)
        .where(member.conversation_id == conversation_id, member.user_id == heir, ~owned)
        .values(role=MemberRole.OWNER)
    )


async def member_ids(session: AsyncSession, conversation_id: UUID) -> list[UUID]:
    """Everybody who is in it."""
    query = select(ConversationMemberRow.user_id).where(
        ConversationMemberRow.conversation_id == conversation_id,
        ConversationMemberRow.left_at.is_(None),
    )
    return list(await session.scalars(query))


async def conversation_ids(session: AsyncSession, user_id: UUID, *, limit: int) -> list[UUID]:
    """The conversations somebody is in, begun last first."""
    query = (
        select(ConversationMemberRow.conversation_id)
        .where(ConversationMemberRow.user_id == user_id, ConversationMemberRow.left_at.is_(None))
        .order_by(ConversationMemberRow.conversation_id.desc())
        .limit(limit)
    )
    return list(await session.scalars(query))


async def moves_since(session: AsyncSession, cursor: int, user_ids: Collection[UUID]) -> list[Move]:
    """Which of the people came or left since the cursor."""
    member = ConversationMemberRow
    query = select(member.conversation_id, member.user_id, member.left_at.is_(None)).where(
        member.changed_in >= cursor, is_among(member.user_id, user_ids)
    )
    return [
        Move(conversation_id=row[0], user_id=row[1], is_in=row[2])
        for row in await session.execute(query)
    ]


async def list_members(
    session: AsyncSession, conversation_id: UUID, *, after: UUID | None, limit: int
) -> list[Member]:
    """Who is in it, in the order of their ids."""
    member = ConversationMemberRow
    query = (
        select(member, UserRow)
        .join(UserRow, UserRow.id == member.user_id)
        .where(member.conversation_id == conversation_id, member.left_at.is_(None))
        .order_by(member.user_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(member.user_id > after)
    return [
        Member(
            user_id=user.id,
            handle=user.handle,
            display_name=user.display_name,
            role=MemberRole(row.role),
            joined_at=row.joined_at,
            delivered_seq=row.delivered_seq,
            read_seq=row.read_seq,
        )
        for row, user in await session.execute(query)
    ]


async def _count(session: AsyncSession, conversation_id: UUID, more: int) -> None:
    await session.execute(
        update(ConversationRow)
        .where(ConversationRow.id == conversation_id)
        .values(member_count=ConversationRow.member_count + more)
    )
