"""Listings that are for sale, by their words and by what they are."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Double,
    cast,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.listings import Category, Condition, ListingOrder
from storage.feed.visibility import can_meet
from storage.marketplace.listings import Listing, Seen, as_seen_by, read
from storage.tables import ListingRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What somebody looks for; None for whatever."""

    words: str | None
    category: Category | None
    condition: Condition | None
    currency: str | None
    """A code of ISO 4217; prices are compared within one currency only."""
    lowest: Decimal | None
    highest: Decimal | None
    place: str | None
    seller_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchCursor:
    """Where a page of results ended."""

    position: UUID
    price: Decimal | None = None
    """In orders by price."""
    rank: float | None = None
    """In the order of relevance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A listing that was found."""

    listing: Listing
    cursor: SearchCursor
    """Where a page that ends with it goes on."""


async def search(
    session: AsyncSession,
    viewer_id: UUID,
    wanted: Wanted,
    *,
    order: ListingOrder,
    after: SearchCursor | None,
    limit: int,
) -> list[Hit]:
    """What is for sale, in that order, without whoever is suspended or blocked.

    Words are taken as on the web, and weigh more in titles. The order of relevance needs them.
    """
    query = as_seen_by(viewer_id).where(
        literal_column("listings.status = 'active'"),  # as the indexes of what is for sale say it
        can_meet(viewer_id, ListingRow.seller_id),
    )
    query = _ordered(_filtered(query, wanted), wanted, order, after).limit(limit)
    found = await read(session, query)
    ranks: dict[UUID, float] = {}
    if order is ListingOrder.RELEVANCE and found:
        ranked = select(ListingRow.id, _rank(wanted)).where(
            ListingRow.id.in_([listing.id for listing in found])
        )
        ranks = {row[0]: row[1] for row in await session.execute(ranked)}
    return [Hit(listing=one, cursor=_place_of(one, order, ranks)) for one in found]


def _filtered(query: Seen, wanted: Wanted) -> Seen:
    if wanted.words is not None:
        query = query.where(ListingRow.words.bool_op("@@")(_asked(wanted.words)))
    for column, value in (
        (ListingRow.category, wanted.category and wanted.category.value),
        (ListingRow.condition, wanted.condition and wanted.condition.value),
        (ListingRow.currency, wanted.currency),
        (ListingRow.seller_id, wanted.seller_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.place is not None:
        query = query.where(func.lower(ListingRow.place) == func.lower(wanted.place))
    if wanted.lowest is not None:
        query = query.where(ListingRow.price >= wanted.lowest)
    if wanted.highest is not None:
        query = query.where(ListingRow.price <= wanted.highest)
    return query


def _ordered(query: Seen, wanted: Wanted, order: ListingOrder, after: SearchCursor | None) -> Seen:
    position = ListingRow.position
    match order:
        case ListingOrder.NEWEST:
            if after is not None:
                query = query.where(position < after.position)
            return query.order_by(position.desc())
        case ListingOrder.PRICE_ASC:
            if after is not None:
                query = query.where(
                    tuple_(ListingRow.price, position)
                    > tuple_(literal(after.price), literal(after.position))
                )
            return query.order_by(ListingRow.price, position)
        case ListingOrder.PRICE_DESC:
            if after is not None:
                query = query.where(
                    tuple_(ListingRow.price, position)
                    < tuple_(literal(after.price), literal(after.position))
                )
            return query.order_by(ListingRow.price.desc(), position.desc())
        case ListingOrder.RELEVANCE:
            rank = _rank(wanted)
            if after is not None:
                query = query.where(
                    tuple_(rank, position)
                    < tuple_(literal(after.rank, Double), literal(after.position))
                )
            return query.order_by(rank.desc(), position.desc())


def _asked(words: str) -> ColumnElement[str]:
    return func.websearch_to_tsquery(literal_column("'simple'"), words)


def _rank(wanted: Wanted) -> ColumnElement[float]:
    """How well it fits. As a double, so that a cursor tells exactly where a page ended."""
    if wanted.words is None:
        raise ValueError("relevance is relevance to words")
    return cast(func.ts_rank(ListingRow.words, _asked(wanted.words)), Double)


def _place_of(listing: Listing, order: ListingOrder, ranks: dict[UUID, float]) -> SearchCursor:
    match order:
        case ListingOrder.NEWEST:
            return SearchCursor(position=listing.position)
        case ListingOrder.PRICE_ASC | ListingOrder.PRICE_DESC:
            return SearchCursor(position=listing.position, price=listing.offer.price.amount)
        case ListingOrder.RELEVANCE:
            return SearchCursor(position=listing.position, rank=ranks.get(listing.id, 0.0))
