"""How a search of listings is asked for."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from api.marketplace.cursors import decode_cursor
from api.marketplace.problems import currency_needed, words_needed
from api.marketplace.schemas import Currency
from api.pagination import MAX_LIMIT
from api.problems import FieldProblem, InvalidRequest
from api.texts import PlainText
from domain.listings import BY_PRICE, Category, Condition, ListingOrder
from domain.money import InvalidMoney, Money, parse_money
from storage.marketplace.searching import SearchCursor, Wanted

Words = Annotated[
    PlainText | None,
    Query(
        min_length=1,
        max_length=200,
        description='As on the web: all words, "a phrase", or, -without.',
    ),
]
Price = Annotated[str | None, Query(max_length=40, description="In that currency, inclusive.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A page of results that somebody wants."""

    wanted: Wanted
    order: ListingOrder
    after: SearchCursor | None
    limit: int


async def search_query(
    *,
    q: Words = None,
    category: Category | None = None,
    condition: Condition | None = None,
    currency: Annotated[Currency | None, Query()] = None,
    price_min: Price = None,
    price_max: Price = None,
    place: Annotated[PlainText | None, Query(max_length=100)] = None,
    seller_id: UUID | None = None,
    sort: Annotated[
        ListingOrder | None,
        Query(description="By relevance when there are words, and else the newest first."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items.")] = 25,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
) -> Search:
    """Read the query. Raises InvalidRequest."""
    order = sort or (ListingOrder.RELEVANCE if q else ListingOrder.NEWEST)
    if order is ListingOrder.RELEVANCE and q is None:
        raise words_needed()
    if order in BY_PRICE and currency is None:
        raise currency_needed("sort")
    lowest = _money("price_min", price_min, currency)
    highest = _money("price_max", price_max, currency)
    wanted = Wanted(
        words=q,
        category=category,
        condition=condition,
        currency=currency,
        lowest=None if lowest is None else lowest.amount,
        highest=None if highest is None else highest.amount,
        place=place,
        seller_id=seller_id,
    )
    after = None if cursor is None else decode_cursor(order, cursor)
    return Search(wanted=wanted, order=order, after=after, limit=limit)


WantedListings = Annotated[Search, Depends(search_query)]
"""Declares a search in a route."""


def _money(field: str, amount: str | None, currency: str | None) -> Money | None:
    if amount is None:
        return None
    if currency is None:
        raise currency_needed(field)
    try:
        return parse_money(amount, currency)
    except InvalidMoney as error:
        raise InvalidRequest(
            FieldProblem(field=field, rule=error.rule, message=str(error), fix=error.fix)
        ) from error
