"""When work that failed is tried again, and when no more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(hours=1)
"""Between two tries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Each wait is twice the one before."""

    attempts: int
    """How often something is tried at most."""
    first: timedelta

    def delay_after(self, tries: int) -> timedelta | None:
        """The wait after `tries` failed ones; None when none is left."""
        if tries < 1:
            raise ValueError("a retry follows at least one try")
        if tries >= self.attempts:
            return None
        doublings = min(tries - 1, 40)  # beyond that a timedelta overflows, long after the longest
        wait: timedelta = self.first * 2**doublings
        return min(wait, LONGEST)
