"""Emoji that people put to messages."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import ReactionRow


async def add(session: AsyncSession, message_id: UUID, user_id: UUID, emoji: str) -> bool:
    """False when it was there already."""
    statement = (
        insert(ReactionRow)
        .values(message_id=message_id, user_id=user_id, emoji=emoji)
        .on_conflict_do_nothing()
        .returning(ReactionRow.emoji)
    )
    return (await session.scalars(statement)).one_or_none() is not None


async def remove(session: AsyncSession, message_id: UUID, user_id: UUID, emoji: str) -> bool:
    """False when it was not there."""
    statement = (
        delete(ReactionRow)
        .where(
            ReactionRow.message_id == message_id,
            ReactionRow.user_id == user_id,
            ReactionRow.emoji == emoji,
        )
        .returning(ReactionRow.emoji)
    )
    return (await session.scalars(statement)).one_or_none() is not None
