"""Cursors of lists that are not in the order of ids."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from api.problems import FieldProblem, InvalidRequest
from storage.chat.listing import ListCursor

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE: Final = struct.Struct(">q16s")
_LARGEST: Final = 2**62


def encode_place(place: ListCursor) -> str:
    """A place in the list of conversations as an opaque word."""
    microseconds = (place.active_at - _EPOCH) // timedelta(microseconds=1)
    return _word(_PLACE.pack(microseconds, place.id.bytes))


def decode_place(cursor: str) -> ListCursor:
    """The place. Raises InvalidRequest for a cursor that was not made here."""
    try:
        microseconds, raw = _PLACE.unpack(_bytes(cursor))
        active_at = _EPOCH + timedelta(microseconds=microseconds)
    except (binascii.Error, ValueError, OverflowError, struct.error) as error:
        raise _made_up() from error
    return ListCursor(active_at=active_at, id=UUID(bytes=raw))


def encode_moment(moment: int) -> str:
    """A moment in the database's history as an opaque word."""
    return _word(struct.pack(">Q", moment))


def decode_moment(cursor: str) -> int:
    """The moment. Raises InvalidRequest for a cursor that was not made here."""
    try:
        (moment,) = struct.unpack(">Q", _bytes(cursor))
    except (binascii.Error, ValueError, struct.error) as error:
        raise _made_up() from error
    if moment > _LARGEST:
        raise _made_up()
    return int(moment)


def _word(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(word: str) -> bytes:
    return base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)


def _made_up() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="cursor",
            rule="unknown_cursor",
            message="This cursor was not made by this API.",
            fix="Send the cursor of the answer before as it is, or leave it out.",
        )
    )
