"""Lists in pages: a cursor continues after the last item, however much is added meanwhile."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from api.problems import FieldProblem, InvalidRequest

MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 25

Shown = TypeVar("Shown")
Found = TypeVar("Found")


class Page(BaseModel, Generic[Shown]):
    """Some of the items, newest first."""

    items: list[Shown]
    next_cursor: Annotated[
        str | None,
        Field(
            description="Send it as `cursor` for the next page; null on the last one.",
            examples=["AZjF4PvHecCqm3nN5Vdnuw"],
        ),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """Which part of a list is wanted."""

    before: UUID | None
    """Items older than that one; ids sort by age."""
    limit: int

    @property
    def fetch(self) -> int:
        """How many rows to read: one more than shown tells whether there is a next page."""
        return self.limit + 1


async def page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    """Read the query. Raises InvalidRequest for a cursor that was not made here."""
    return PageRequest(before=None if cursor is None else _decode(cursor), limit=limit)


WantedPage = Annotated[PageRequest, Depends(page_request)]
"""Declares `limit` and `cursor` in a route."""


def page_of(
    found: Sequence[Found],
    wanted: PageRequest,
    *,
    show: Callable[[Found], Shown],
    id_of: Callable[[Found], UUID],
) -> Page[Shown]:
    """A page made of up to `wanted.fetch` found items, newest first."""
    shown = found[: wanted.limit]
    cursor = encode_cursor(id_of(shown[-1])) if len(found) > wanted.limit else None
    return Page[Shown](items=[show(item) for item in shown], next_cursor=cursor)


def encode_cursor(last: UUID) -> str:
    """An id as an opaque word."""
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def _decode(cursor: str) -> UUID:
    try:
        last = UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise _made_up() from error
    if last.version != 7:
        raise _made_up()
    return last


def _made_up() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="cursor",
            rule="unknown_cursor",
            message="This cursor was not made by this API.",
            fix="Send next_cursor of the page before as it is, or leave cursor out.",
        )
    )
