"""Taking listings away from everybody's sight, and giving them back."""

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.listings import ListingStatus
from storage.tables import ListingRow


async def remove(session: AsyncSession, listing_id: UUID, reason: str) -> bool:
    """Hide it, and tell its seller why; False when there is none, or it is hidden already."""
    removed = await session.scalars(
        update(ListingRow)
        .where(ListingRow.id == listing_id, ListingRow.status != ListingStatus.REMOVED)
        .values(
            removed_from=ListingRow.status,
            status=ListingStatus.REMOVED.value,
            removal_reason=reason,
            updated_at=func.now(),
        )
        .returning(ListingRow.id)
    )
    return removed.one_or_none() is not None


async def restore(session: AsyncSession, listing_id: UUID) -> bool:
    """Put it back to what it was; False when it is not hidden."""
    restored = await session.scalars(
        update(ListingRow)
        .where(ListingRow.id == listing_id, ListingRow.status == ListingStatus.REMOVED)
        .values(
            status=ListingRow.removed_from,
            removed_from=None,
            removal_reason=None,
            updated_at=func.now(),
        )
        .returning(ListingRow.id)
    )
    return restored.one_or_none() is not None
