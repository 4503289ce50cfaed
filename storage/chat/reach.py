"""Who can be written to."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import BlockRow, UserRow


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
