"""Listings as moderators see them: everybody's, removed ones too."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.listings import ListingStatus
from storage.tables import ListingRow, UserRow


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingOnTrial:
    """One listing, whatever became of it."""

    id: UUID
    seller_id: UUID
    seller_handle: str
    title: str
    description: str
    price: Decimal
    currency: str
    status: ListingStatus
    removal_reason: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingFilter:
    """Which listings; what is None is not asked for."""

    seller_id: UUID | None = None
    status: ListingStatus | None = None


async def list_page(
    session: AsyncSession, chosen: ListingFilter, *, before: UUID | None, limit: int
) -> list[ListingOnTrial]:
    """Listings, newest first."""
    query = (
        select(ListingRow, UserRow.handle)
        .join(UserRow, UserRow.id == ListingRow.seller_id)
        .order_by(ListingRow.id.desc())
        .limit(limit)
    )
    if chosen.seller_id is not None:
        query = query.where(ListingRow.seller_id == chosen.seller_id)
    if chosen.status is not None:
        query = query.where(ListingRow.status == chosen.status)
    if before is not None:
        query = query.where(ListingRow.id < before)
    return [_listing(row, handle) for row, handle in (await session.execute(query)).all()]


async def find(session: AsyncSession, listing_id: UUID) -> ListingOnTrial | None:
    """That listing; nobody else changes it until the transaction ends."""
    query = (
        select(ListingRow, UserRow.handle)
        .join(UserRow, UserRow.id == ListingRow.seller_id)
        .where(ListingRow.id == listing_id)
        .with_for_update(of=ListingRow)
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else _listing(*found)


def _listing(row: ListingRow, handle: str) -> ListingOnTrial:
    return ListingOnTrial(
        id=row.id,
        seller_id=row.seller_id,
        seller_handle=handle,
        title=row.title,
        description=row.description,
        price=row.price,
        currency=row.currency,
        status=ListingStatus(row.status),
        removal_reason=row.removal_reason,
        created_at=row.created_at,
    )
