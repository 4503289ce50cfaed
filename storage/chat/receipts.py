"""How far members have received and read: one mark of each, and not a row for each message."""

from uuid import UUID

from sqlalchemy import BigInteger, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.chat.conversations import Membership
from storage.chat.events import ChatEvent, receipt
from storage.chat.listing import UNREAD_AT_MOST
from storage.chat.numbers import next_number
from storage.tables import ChatEventRow, ConversationMemberRow, MessageRow


async def markable(session: AsyncSession, conversation_id: UUID) -> int:
    """The last event that can be received and read.

    No receipt is: else who acknowledges every event would acknowledge acknowledgements for ever.
    """
    query = select(func.max(ChatEventRow.seq)).where(
        ChatEventRow.conversation_id == conversation_id
    )
    return (await session.scalar(query)) or 0


async def tell(
    session: AsyncSession, member: Membership, *, delivered_seq: int, read_seq: int
) -> ChatEvent:
    """Move a member's marks as the conversation's next event."""
    numbered = next_number(member.conversation_id)
    row = ConversationMemberRow
    statement = (
        update(row)
        .where(
            row.conversation_id == numbered.c.id,
            row.user_id == member.user_id,
        )
        .values(delivered_seq=delivered_seq, read_seq=read_seq, receipt_seq=numbered.c.last_seq)
        .returning(row.receipt_seq)
        .execution_options(synchronize_session=False)
    )
    seq = (await session.scalars(statement)).one()
    return receipt(
        member.conversation_id,
        member.user_id,
        seq=seq or 0,
        delivered_seq=delivered_seq,
        read_seq=read_seq,
    )


async def keep(
    session: AsyncSession, member: Membership, *, delivered_seq: int, read_seq: int
) -> None:
    """Move a member's marks without an event; a mark never goes back."""
    row = ConversationMemberRow
    await session.execute(
        update(row)
        .where(row.conversation_id == member.conversation_id, row.user_id == member.user_id)
        .values(
            delivered_seq=func.greatest(row.delivered_seq, literal(delivered_seq, BigInteger)),
            read_seq=func.greatest(row.read_seq, literal(read_seq, BigInteger)),
        )
    )


async def count_unread(session: AsyncSession, user_id: UUID) -> tuple[int, int]:
    """(conversations, messages) that the user has not read, in their 1,000 newest conversations.

    Each conversation counts up to UNREAD_AT_MOST messages.
    """
    row = ConversationMemberRow
    theirs = (
        select(row.conversation_id, row.read_seq, row.joined_seq)
        .where(row.user_id == user_id, row.left_at.is_(None))
        .order_by(row.conversation_id.desc())
        .limit(1000)
        .subquery()
    )
    unread = (
        select(MessageRow.id)
        .where(
            MessageRow.conversation_id == theirs.c.conversation_id,
            MessageRow.seq > func.greatest(theirs.c.read_seq, theirs.c.joined_seq),
            MessageRow.sender_id != user_id,
            MessageRow.deleted_at.is_(None),
        )
        .limit(UNREAD_AT_MOST)
        .correlate(theirs)
        .subquery()
    )
    counted = select(func.count()).select_from(unread).scalar_subquery()
    counts = select(counted.label("unread")).select_from(theirs).subquery()
    query = select(
        func.count().filter(counts.c.unread > 0), func.coalesce(func.sum(counts.c.unread), 0)
    )
    conversations, messages = (await session.execute(query)).one()
    return conversations, int(messages)
