"""Listings that people want to find again."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from storage.marketplace.listings import Listing, as_seen_by, read, visible_to
from storage.tables import FavouriteRow, ListingRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Favourite:
    """A listing, and its place in the list."""

    id: UUID
    listing: Listing


async def mark(session: AsyncSession, user_id: UUID, listing_id: UUID) -> None:
    """Find it again; once more is fine."""
    marked = await session.scalars(
        insert(FavouriteRow)
        .values(user_id=user_id, listing_id=listing_id, id=new_id())
        .on_conflict_do_nothing()
        .returning(FavouriteRow.id)
    )
    if marked.one_or_none() is not None:
        await _count(session, listing_id, 1)


async def unmark(session: AsyncSession, user_id: UUID, listing_id: UUID) -> None:
    """Let go of it; once more is fine, and so is one that is not to be seen any more."""
    gone = await session.scalars(
        delete(FavouriteRow)
        .where(FavouriteRow.user_id == user_id, FavouriteRow.listing_id == listing_id)
        .returning(FavouriteRow.id)
    )
    if gone.one_or_none() is not None:
        await _count(session, listing_id, -1)


async def list_page(
    session: AsyncSession, user_id: UUID, *, before: UUID | None, limit: int
) -> list[Favourite]:
    """A person's favourites that they may still see, marked last first."""
    mine = (FavouriteRow.listing_id == ListingRow.id) & (FavouriteRow.user_id == user_id)
    query = (
        as_seen_by(user_id)
        .join(FavouriteRow, mine)
        .where(visible_to(user_id))
        .order_by(FavouriteRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(FavouriteRow.id < before)
    found = await read(session, query)
    places = select(FavouriteRow.listing_id, FavouriteRow.id).where(
        FavouriteRow.user_id == user_id,
        FavouriteRow.listing_id.in_([listing.id for listing in found]),
    )
    ids = {row[0]: row[1] for row in await session.execute(places)}
    return [
        Favourite(id=ids[listing.id], listing=listing) for listing in found if listing.id in ids
    ]


async def count(session: AsyncSession, user_id: UUID) -> int:
    """How many listings the person has marked and may still see."""
    query = (
        select(func.count())
        .select_from(FavouriteRow)
        .join(ListingRow, ListingRow.id == FavouriteRow.listing_id)
        .where(FavouriteRow.user_id == user_id, visible_to(user_id))
    )
    return await session.scalar(query) or 0


async def _count(session: AsyncSession, listing_id: UUID, more: int) -> None:
    await session.execute(
        update(ListingRow)
        .where(ListingRow.id == listing_id)
        .values(favourite_count=ListingRow.favourite_count + more)
    )
