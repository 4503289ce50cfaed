"""Cursors of searches: they fit the order that they were made in, and no other."""

import base64
import binascii
import math
import re
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from api.problems import FieldProblem, InvalidRequest
from domain.listings import BY_PRICE, ListingOrder
from storage.marketplace.searching import SearchCursor

_PRICE: Final = re.compile(r"[0-9]{1,12}\.[0-9]{3}")
"""As the database keeps it."""


def encode_cursor(order: ListingOrder, place: SearchCursor) -> str:
    """A place among the results as an opaque word."""
    key: str | float | None = None
    if order in BY_PRICE:
        key = str(place.price)
    elif order is ListingOrder.RELEVANCE:
        key = place.rank
    raw = orjson.dumps([order.value, place.position.hex, key])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(order: ListingOrder, cursor: str) -> SearchCursor:
    """The place. Raises InvalidRequest for a cursor that was not made here, or in this order."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_in, position, key = orjson.loads(raw)
        if made_in != order.value:
            raise _made_up()
        return _place(order, UUID(hex=position), key)
    except (binascii.Error, ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise _made_up() from error


def _place(order: ListingOrder, position: UUID, key: Any) -> SearchCursor:
    if order in BY_PRICE:
        if not (isinstance(key, str) and _PRICE.fullmatch(key)):
            raise ValueError("no price")
        return SearchCursor(position=position, price=Decimal(key))
    if order is ListingOrder.RELEVANCE:
        rank = float(key)
        if not math.isfinite(rank):
            raise ValueError("no rank")
        return SearchCursor(position=position, rank=rank)
    return SearchCursor(position=position)


def _made_up() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="cursor",
            rule="unknown_cursor",
            message="This cursor was not made by this API, or for another sort.",
            fix="Send next_cursor of the page before with the same sort, or leave cursor out.",
        )
    )
