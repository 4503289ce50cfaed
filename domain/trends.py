"""What goes on lately counts more: scores whose order needs no ageing.

An event of weight w at time t adds w x 2^(t / half-life). As time goes on every score should shrink
by the same factor, which changes no order, so nothing has to be touched. Kept is the binary
logarithm, because the sum itself would not fit into a float after some years.
"""

import math
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

HALF_LIFE: Final = timedelta(hours=6)
"""After it an event counts half as much as a fresh one."""


class Weight(IntEnum):
    """How much one event tells of the interest in a post."""

    LIKE = 1
    COMMENT = 2
    REPOST = 3
    USE = 1
    """Of a hashtag in a post."""


def share_of(weight: int, at: datetime) -> float:
    """What an event at that time adds, as a binary logarithm; `at` has a time zone."""
    return math.log2(weight) + at.timestamp() / HALF_LIFE.total_seconds()
