"""Messages by their words."""

from uuid import UUID

from sqlalchemy import func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.chat.messages import Message, with_reactions
from storage.tables import ConversationMemberRow, MessageRow


async def search(
    session: AsyncSession,
    user_id: UUID,
    words: str,
    *,
    conversation_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[Message]:
    """The user's messages that have the words, newest first; quotes and minus as on the web."""
    member = ConversationMemberRow
    wanted = func.websearch_to_tsquery(literal_column("'simple'"), words)
    mine = (
        select(MessageRow)
        .join(member, member.conversation_id == MessageRow.conversation_id)
        .where(
            member.user_id == user_id,
            member.left_at.is_(None),
            MessageRow.seq > member.joined_seq,
            MessageRow.words.bool_op("@@")(wanted),
        )
        .order_by(MessageRow.id.desc())
        .limit(limit)
    )
    if conversation_id is not None:
        mine = mine.where(MessageRow.conversation_id == conversation_id)
    if before is not None:
        mine = mine.where(MessageRow.id < before)
    return await with_reactions(session, (await session.scalars(mine)).all())
