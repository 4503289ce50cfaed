"""A post's status, kept in step with its deliveries'."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import post_status
from storage.tables import DeliveryRow, PostRow


async def lock_post(session: AsyncSession, post_id: UUID) -> None:
    """Make everyone else who moves this post or its deliveries wait for the transaction's end."""
    await session.execute(select(PostRow.id).where(PostRow.id == post_id).with_for_update())


async def derive_post_status(session: AsyncSession, post_id: UUID) -> None:
    """Bring a locked post's status up to its current deliveries'."""
    query = select(DeliveryRow.status).where(
        DeliveryRow.post_id == post_id, ~DeliveryRow.superseded
    )
    status = post_status((await session.scalars(query)).all())
    await session.execute(
        update(PostRow)
        .where(PostRow.id == post_id, PostRow.status != status)
        .values(status=status, updated_at=func.now())
    )
