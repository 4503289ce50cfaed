"""How often something may happen: the arithmetic, without a store."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """So many in a window: all of them at once after a rest, then one each window / limit."""

    limit: int
    window: timedelta

    def __post_init__(self) -> None:
        """Raises ValueError for a rate that is none, or finer than microseconds."""
        if self.limit < 1 or self.interval < 1:
            raise ValueError(f"{self.limit} in {self.window} is not a rate")

    @classmethod
    def per_minute(cls, limit: int) -> Self:
        """So many a minute."""
        return cls(limit=limit, window=timedelta(minutes=1))

    @property
    def interval(self) -> int:
        """Microseconds from one to the next at a steady pace."""
        return self.window // MICROSECOND // self.limit

    @property
    def capacity(self) -> int:
        """Microseconds that a subject may be ahead of the steady pace."""
        return self.interval * self.limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What became of one request to do something."""

    admitted: bool
    rate: Rate
    ahead: int
    """Microseconds by which the subject is ahead of the steady pace, this time included."""

    @property
    def remaining(self) -> int:
        """How many more would be admitted at once."""
        return (self.rate.capacity - self.ahead) // self.rate.interval

    @property
    def retry_after(self) -> timedelta:
        """How long until one more is admitted; zero when it would be now."""
        return max(0, self.ahead + self.rate.interval - self.rate.capacity) * MICROSECOND

    @property
    def reset_after(self) -> timedelta:
        """How long until the whole limit may come at once again."""
        return self.ahead * MICROSECOND


class RateExceeded(Exception):
    """Too many, too fast."""

    def __init__(self, rate: Rate, *, retry_after: timedelta) -> None:
        """`retry_after` is how long it takes until there is room for one more."""
        super().__init__(f"more than {rate.limit} in {rate.window}")
        self.rate = rate
        self.retry_after = retry_after


def admit(rate: Rate, *, ahead: int) -> Admission:
    """Decide about a subject that is `ahead` microseconds ahead before this time.

    One that is further ahead than it could be had another rate, or its clock was set back: it
    counts as full.
    """
    ahead = min(max(0, ahead), rate.capacity)
    after = ahead + rate.interval
    if after > rate.capacity:
        return Admission(admitted=False, rate=rate, ahead=ahead)
    return Admission(admitted=True, rate=rate, ahead=after)
