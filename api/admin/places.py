"""Pages of lists that are ordered by a number or a word, and not by ids that sort by age."""

import base64
import binascii
from typing import Annotated, Final

from fastapi import Query

from api.pagination import MAX_LIMIT
from api.problems import FieldProblem, InvalidRequest

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items.")]
Cursor = Annotated[
    str | None, Query(max_length=600, description="`next_cursor` of the page before.")
]

_LARGEST: Final = 2**63 - 1


def encode_word(word: str) -> str:
    """A word as an opaque one."""
    return base64.urlsafe_b64encode(word.encode()).rstrip(b"=").decode()


def decode_word(cursor: str | None) -> str | None:
    """The word. Raises InvalidRequest for a cursor that was not made here."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        word = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _made_up() from error
    if "\0" in word:
        raise _made_up()
    return word


def encode_number(number: int) -> str:
    """A number as an opaque word."""
    return encode_word(str(number))


def decode_number(cursor: str | None) -> int | None:
    """The number. Raises InvalidRequest for a cursor that was not made here."""
    word = decode_word(cursor)
    if word is None:
        return None
    if not (word.isascii() and word.isdecimal()) or len(word) > len(str(_LARGEST)):
        raise _made_up()
    number = int(word)
    if number > _LARGEST:
        raise _made_up()
    return number


def _made_up() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="cursor",
            rule="unknown_cursor",
            message="This cursor was not made by this API.",
            fix="Send next_cursor of the page before as it is, or leave cursor out.",
        )
    )
