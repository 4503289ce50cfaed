"""Conversations and who is in them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.conversations import ConversationKind, MemberRole
from domain.ids import new_id
from storage.chat.messages import Message, read_messages
from storage.chat.numbers import THIS_TRANSACTION
from storage.tables import (
    BlockRow,
    ConversationMemberRow,
    ConversationRow,
    MessageRow,
    UserRow,
)

UNREAD_AT_MOST = 100
"""Unread messages are counted up to this many."""


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
class Move:
    """Somebody came into a conversation or left it."""

    conversation_id: UUID
    user_id: UUID
    is_in: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ListCursor:
    """Where a page of conversations ended."""

    active_at: datetime
    id: UUID


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
    await _join(session, created, {low: MemberRole.MEMBER, high: MemberRole.MEMBER}, joined_seq=0)
    return created, True


async def create_group(
    session: AsyncSession, owner_id: UUID, *, title: str, user_ids: Collection[UUID]
) -> UUID:
    """A group of the owner and the others; returns its id."""
    conversation_id = new_id()
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
    await _join(session, conversation_id, roles, joined_seq=0)
    return conversation_id


async def membership(
    session: AsyncSession, conversation_id: UUID, user_id: UUID
) -> Membership | None:
    """The conversation, if the user is in it."""
    return await _membership(session, _of_member(), conversation_id, user_id)


async def lock(session: AsyncSession, conversation_id: UUID, user_id: UUID) -> Membership | None:
    """The same, held until the transaction ends: nobody else adds to it or leaves it meanwhile."""
    return await _membership(session, _of_member_locked(), conversation_id, user_id)


async def add_members(
    session: AsyncSession, conversation_id: UUID, user_ids: Collection[UUID], *, seq: int
) -> None:
    """Let people in, who are not in it; the event of that number tells of it.

    They see what happens from that event on.
    """
    roles = dict.fromkeys(user_ids, MemberRole.MEMBER)
    await _join(session, conversation_id, roles, joined_seq=seq - 1)
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


async def rename(session: AsyncSession, conversation_id: UUID, title: str) -> None:
    """Give a group another title."""
    await session.execute(
        update(ConversationRow).where(ConversationRow.id == conversation_id).values(title=title)
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
        member.changed_in >= cursor, member.user_id.in_(user_ids)
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


async def blocks_between(
    session: AsyncSession, user_id: UUID, others: Collection[UUID]
) -> set[UUID]:
    """Those of the others who blocked the user, or whom the user blocked."""
    mine = select(BlockRow.blocked_id).where(
        BlockRow.blocker_id == user_id, BlockRow.blocked_id.in_(others)
    )
    theirs = select(BlockRow.blocker_id).where(
        BlockRow.blocked_id == user_id, BlockRow.blocker_id.in_(others)
    )
    return set(await session.scalars(mine.union(theirs)))


async def existing_people(session: AsyncSession, user_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are people who can be written to: they sign in, and may."""
    query = select(UserRow.id).where(
        UserRow.id.in_(user_ids), UserRow.email.is_not(None), UserRow.suspended_at.is_(None)
    )
    return set(await session.scalars(query))


async def _join(
    session: AsyncSession,
    conversation_id: UUID,
    roles: Mapping[UUID, MemberRole],
    *,
    joined_seq: int,
) -> None:
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


async def _count(session: AsyncSession, conversation_id: UUID, more: int) -> None:
    await session.execute(
        update(ConversationRow)
        .where(ConversationRow.id == conversation_id)
        .values(member_count=ConversationRow.member_count + more)
    )


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
            _blocked(user_id).label("blocked"),
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


def _blocked(user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
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
