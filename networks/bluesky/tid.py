"""Timestamp identifiers (TIDs): the record keys of Bluesky posts.

Thirteen characters that sort like the moments they were made at: 53 bits of microseconds since 1970
and 10 bits of clock id, five bits a character (atproto.com/specs/tid).
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from networks.exchange import Clock

ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
LENGTH = 13
CLOCK_ID_BITS = 10

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TidClock:
    """Makes TIDs, no two alike in one process."""

    def __init__(self, now: Clock, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        """`random_bits(n)` answers n random bits: they keep processes of one moment apart."""
        self._now = now
        self._random_bits = random_bits
        self._last = 0

    def next(self) -> str:
        """The TID of this moment, or of the first microsecond after the last one given out."""
        present = (self._now() - _EPOCH) // timedelta(microseconds=1)
        self._last = max(present, self._last + 1)
        return encode(self._last, self._random_bits(CLOCK_ID_BITS))


def encode(microseconds: int, clock_id: int) -> str:
    """The TID of that moment and clock."""
    number = (microseconds << CLOCK_ID_BITS) | clock_id
    return "".join(ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(LENGTH)))
