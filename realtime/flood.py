"""How fast one socket may send, and when it is shown the door."""

import time
from collections.abc import Callable
from enum import Enum, auto


class Verdict(Enum):
    """What becomes of a packet."""

    ADMITTED = auto()
    REFUSED = auto()
    """Answered with an error; the socket may stay."""
    CLOSED = auto()
    """The socket was refused too often."""


class Meter:
    """Counts the packets of one socket: a bucket that fills again with time."""

    def __init__(
        self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`burst` packets at once, and as many refusals before it is closed."""
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._refusals = 0.0
        self._counted_at = clock()

    def count(self) -> Verdict:
        """Count one packet. Refusals are forgotten as slowly as the bucket fills."""
        now = self._clock()
        gained = (now - self._counted_at) * self._per_second
        self._counted_at = now
        self._left = min(self._burst, self._left + gained)
        self._refusals = max(0.0, self._refusals - gained)
        if self._left >= 1:
            self._left -= 1
            return Verdict.ADMITTED
        self._refusals += 1
        return Verdict.REFUSED if self._refusals <= self._burst else Verdict.CLOSED

    @property
    def wait(self) -> float:
        """Seconds until the next packet is admitted."""
        return max(0.0, (1 - self._left) / self._per_second)
