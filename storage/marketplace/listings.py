"""Listings, as their sellers write them and as people see them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.ids import new_id
from domain.listings import PUBLIC, Category, Condition, ListingStatus
from domain.money import Money
from storage import pictures
from storage.feed.visibility import can_meet
from storage.pictures import Picture
from storage.tables import (
    FavouriteRow,
    ListingImageRow,
    ListingRow,
    MediaRow,
    PictureRow,
    UserRow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the thing is."""

    name: str
    latitude: float | None
    """Degrees, WGS 84; both or neither."""
    longitude: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a seller says of a thing."""

    title: str
    description: str
    price: Money
    condition: Condition
    category: Category
    place: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Seller:
    """Who offers it."""

    user_id: UUID
    handle: str
    display_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One listing, as one person sees it."""

    id: UUID
    seller: Seller
    offer: Offer
    status: ListingStatus
    removal_reason: str | None
    position: UUID
    """Its place among the newest."""
    favourite_count: int
    is_favourite: bool
    """Whether whoever looks has marked it."""
    images: tuple[Picture, ...]
    created_at: datetime
    updated_at: datetime


Seen = Select[ListingRow, bool]
"""A query of listings as somebody sees them."""


def as_seen_by(viewer_id: UUID) -> Seen:
    """Every listing, and whether the viewer has marked it."""
    mark = aliased(FavouriteRow)  # a query of favourites has that table itself
    marked = (
        select(mark.listing_id)
        .where(mark.listing_id == ListingRow.id, mark.user_id == viewer_id)
        .exists()
    )
    return select(ListingRow, marked.label("is_favourite"))


def visible_to(viewer_id: UUID) -> ColumnElement[bool]:
    """One's own, and what others show, unless one of the two blocks the other."""
    theirs = ListingRow.status.in_(PUBLIC) & can_meet(viewer_id, ListingRow.seller_id)
    return (ListingRow.seller_id == viewer_id) | theirs


async def read(session: AsyncSession, query: Seen) -> list[Listing]:
    """The listings of the query in its order: three statements, however many there are."""
    rows = (await session.execute(query)).all()
    sellers = await _sellers(session, {row.seller_id for row, _ in rows})
    images = await _images_of(session, [row.id for row, _ in rows])
    return [
        _listing(row, sellers[row.seller_id], is_favourite, images.get(row.id, ()))
        for row, is_favourite in rows
    ]


async def create(
    session: AsyncSession, listing_id: UUID, seller_id: UUID, offer: Offer, status: ListingStatus
) -> None:
    """Offer something, under a new id."""
    await session.execute(
        insert(ListingRow).values(
            id=listing_id,
            seller_id=seller_id,
            status=status.value,
            position=listing_id,
            **_columns(offer),
        )
    )


async def find(session: AsyncSession, viewer_id: UUID, listing_id: UUID) -> Listing | None:
    """The listing of that id, if the viewer may see it."""
    query = as_seen_by(viewer_id).where(ListingRow.id == listing_id, visible_to(viewer_id))
    return next(iter(await read(session, query)), None)


async def find_own(session: AsyncSession, seller_id: UUID, listing_id: UUID) -> Listing | None:
    """The seller's own listing of that id, kept as it is until the transaction ends."""
    query = (
        as_seen_by(seller_id)
        .where(ListingRow.id == listing_id, ListingRow.seller_id == seller_id)
        .with_for_update(of=ListingRow)
        .execution_options(populate_existing=True)
    )
    return next(iter(await read(session, query)), None)


async def list_own(
    session: AsyncSession,
    seller_id: UUID,
    *,
    status: ListingStatus | None,
    before: UUID | None,
    limit: int,
) -> list[Listing]:
    """A seller's own, those put up last first, behind that position."""
    query = (
        as_seen_by(seller_id)
        .where(ListingRow.seller_id == seller_id)
        .order_by(ListingRow.position.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(ListingRow.status == status.value)
    if before is not None:
        query = query.where(ListingRow.position < before)
    return await read(session, query)


async def change(session: AsyncSession, listing_id: UUID, offer: Offer) -> None:
    """Say something else of it."""
    await session.execute(
        update(ListingRow)
        .where(ListingRow.id == listing_id)
        .values(updated_at=func.now(), **_columns(offer))
    )


async def move(session: AsyncSession, listing_id: UUID, status: ListingStatus) -> None:
    """Give it another status; what is put up for sale is among the newest."""
    changes: dict[str, Any] = {"status": status.value, "updated_at": func.now()}
    if status is ListingStatus.ACTIVE:
        changes["position"] = new_id()
    await session.execute(update(ListingRow).where(ListingRow.id == listing_id).values(**changes))


async def show_images(session: AsyncSession, listing_id: UUID, media_ids: Sequence[UUID]) -> None:
    """Have it show these media items in this order, and no others; sizes are made of new ones."""
    await pictures.ask_for(session, media_ids)
    await session.execute(delete(ListingImageRow).where(ListingImageRow.listing_id == listing_id))
    if media_ids:
        await session.execute(
            insert(ListingImageRow),
            [
                {"listing_id": listing_id, "media_id": media_id, "place": place}
                for place, media_id in enumerate(media_ids)
            ],
        )
    await session.execute(
        update(ListingRow).where(ListingRow.id == listing_id).values(updated_at=func.now())
    )


async def remove_for_good(session: AsyncSession, listing_id: UUID) -> None:
    """Forget it, with who marked it and who asked about it; its media items stay."""
    await session.execute(delete(ListingRow).where(ListingRow.id == listing_id))


async def _sellers(session: AsyncSession, user_ids: Collection[UUID]) -> dict[UUID, Seller]:
    """By id. Not joined: sorting what was found, PostgreSQL would read all people there are."""
    if not user_ids:
        return {}
    query = select(UserRow.id, UserRow.handle, UserRow.display_name).where(UserRow.id.in_(user_ids))
    return {
        row.id: Seller(user_id=row.id, handle=row.handle, display_name=row.display_name)
        for row in await session.execute(query)
    }


async def _images_of(
    session: AsyncSession, listing_ids: Collection[UUID]
) -> dict[UUID, list[Picture]]:
    if not listing_ids:
        return {}
    query = (
        select(ListingImageRow.listing_id, PictureRow, MediaRow.alt_text)
        .join(PictureRow, PictureRow.media_id == ListingImageRow.media_id)
        .join(MediaRow, MediaRow.id == ListingImageRow.media_id)
        .where(ListingImageRow.listing_id.in_(listing_ids))
        .order_by(ListingImageRow.listing_id, ListingImageRow.place)
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, list[Picture]] = {}
    for listing_id, row, alt_text in await session.execute(query):
        found.setdefault(listing_id, []).append(pictures.as_picture(row, alt_text))
    return found


def _columns(offer: Offer) -> dict[str, str | Decimal | float | None]:
    return {
        "title": offer.title,
        "description": offer.description,
        "price": offer.price.amount,
        "currency": offer.price.currency,
        "condition": offer.condition.value,
        "category": offer.category.value,
        "place": offer.place.name,
        "latitude": offer.place.latitude,
        "longitude": offer.place.longitude,
    }


def _listing(
    row: ListingRow, seller: Seller, is_favourite: bool, images: Iterable[Picture]
) -> Listing:
    return Listing(
        id=row.id,
        seller=seller,
        offer=Offer(
            title=row.title,
            description=row.description,
            price=Money(amount=row.price, currency=row.currency),
            condition=Condition(row.condition),
            category=Category(row.category),
            place=Place(name=row.place, latitude=row.latitude, longitude=row.longitude),
        ),
        status=ListingStatus(row.status),
        removal_reason=row.removal_reason,
        position=row.position,
        favourite_count=row.favourite_count,
        is_favourite=is_favourite,
        images=tuple(images),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
