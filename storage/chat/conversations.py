"""Conversations: begun, named, and held while somebody adds to them."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.conversations import ConversationKind, MemberRole
from domain.ids import new_id
from storage.chat.members import join
from storage.tables import BlockRow, ConversationMemberRow, ConversationRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """A conversation, as one of its members has it."""

    conversation_id: UUID
    kind: ConversationKind
    title: str | None
    member_count: int
    last_seq: int
    user_id: UUID
    role: MemberRole
    joined_seq: int
    delivered_seq: int
    read_seq: int
    blocked: bool
    """A direct conversation of two of whom one has blocked the other."""


async def open_direct(session: AsyncSession, user_id: UUID, other_id: UUID) -> tuple[UUID, bool]:
    """The direct conversation of the two, and whether it is new."""
    low, high = sorted((user_id, other_id))
    key = f"{low}:{high}"
    statement = (
        insert(ConversationRow)
        .values(
            id=new_id(),
            kind=ConversationKind.DIRECT,
            direct_key=key,
            created_by=user_id,
            member_count=2,
        )
        .on_conflict_do_nothing(index_elements=["direct_key"])
        .returning(ConversationRow.id)
    )
    created = (await session.scalars(statement)).one_or_none()
    if created is None:
        query = select(ConversationRow.id).where(ConversationRow.direct_key == key)
        return (await session.scalars(query)).one(), False
    await join(session, created, {low: MemberRole.MEMBER, high: MemberRole.MEMBER}, joined_seq=0)
    return created, True


async def create_group(
    session: AsyncSession,
    conversation_id: UUID,
    owner_id: UUID,
    *,
    title: str,
    user_ids: Collection[UUID],
) -> None:
    """A group of the owner and the others, under a new id."""
    await session.execute(
        insert(ConversationRow).values(
            id=conversation_id,
            kind=ConversationKind.GROUP,
            title=title,
            created_by=owner_id,
            member_count=len(user_ids) + 1,
        )
    )
    roles = dict.fromkeys(user_ids, MemberRole.MEMBER) | {owner_id: MemberRole.OWNER}
    await join(session, conversation_id, roles, joined_seq=0)


async def rename(session: AsyncSession, conversation_id: UUID, title: str) -> None:
    """Give a group another title."""
    await session.execute(
        update(ConversationRow).where(ConversationRow.id == conversation_id).values(title=title)
    )


async def membership(
    session: AsyncSession, conversation_id: UUID, user_id: UUID
) -> Membership | None:
    """The conversation, if the user is in it."""
    return await _membership(session, _of_member(), conversation_id, user_id)


async def lock(session: AsyncSession, conversation_id: UUID, user_id: UUID) -> Membership | None:
    """The same, held until the transaction ends: nobody else adds to it or leaves it meanwhile."""
    return await _membership(session, _of_member_locked(), conversation_id, user_id)


@cache
def _of_member() -> Select[*tuple[Any, ...]]:
    """Built once, as every message is sent with it."""
    member = ConversationMemberRow
    user_id = bindparam("user_id", type_=Uuid())
    return (
        select(
            ConversationRow.kind,
            ConversationRow.title,
            ConversationRow.member_count,
            ConversationRow.last_seq,
            member.role,
            member.joined_seq,
            member.delivered_seq,
            member.read_seq,
            blocked(user_id).label("blocked"),
        )
        .join(member, member.conversation_id == ConversationRow.id)
        .where(
            ConversationRow.id == bindparam("conversation_id", type_=Uuid()),
            member.user_id == user_id,
            member.left_at.is_(None),
        )
    )


@cache
def _of_member_locked() -> Select[*tuple[Any, ...]]:
    return _of_member().with_for_update(of=(ConversationRow, ConversationMemberRow), key_share=True)


def blocked(user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether a conversation is a direct one, and one of the two has blocked the other."""
    other = aliased(ConversationMemberRow)
    return (ConversationRow.kind == ConversationKind.DIRECT) & (
        select(BlockRow.id)
        .join(
            other,
            ((BlockRow.blocker_id == other.user_id) & (BlockRow.blocked_id == user_id))
            | ((BlockRow.blocker_id == user_id) & (BlockRow.blocked_id == other.user_id)),
        )
        .where(other.conversation_id == ConversationRow.id, other.user_id != user_id)
        .exists()
    )


async def _membership(
    session: AsyncSession,
    query: Select[*tuple[Any, ...]],
    conversation_id: UUID,
    user_id: UUID,
) -> Membership | None:
    wanted = {"conversation_id": conversation_id, "user_id": user_id}
    connection = await session.connection()
    row = (await connection.execute(query, wanted)).one_or_none()
    if row is None:
        return None
    return Membership(
        conversation_id=conversation_id,
        kind=ConversationKind(row.kind),
        title=row.title,
        member_count=row.member_count,
        last_seq=row.last_seq,
        user_id=user_id,
        role=MemberRole(row.role),
        joined_seq=row.joined_seq,
        delivered_seq=row.delivered_seq,
        read_seq=row.read_seq,
        blocked=row.blocked,
    )
