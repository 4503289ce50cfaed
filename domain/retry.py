"""When to try again."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPlan:
    """How often a send that certainly did not happen is tried again, and after which waits."""

    delays: tuple[timedelta, ...] = (
        timedelta(seconds=30),
        timedelta(seconds=60),
        timedelta(seconds=120),
    )

    def delay_after(self, attempts: int) -> timedelta | None:
        """The wait before the next try after `attempts` counted ones; None when none is left."""
        if attempts < 1:
            raise ValueError("a retry follows at least one attempt")
        return self.delays[attempts - 1] if attempts <= len(self.delays) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupPlan:
    """When to look for a post whose fate is unknown: a network's own lists lag behind a moment."""

    delays: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(seconds=120),
    )
    """After the send; absent each time is proof enough for networks that can be searched."""

    def delay_after(self, lookups: int) -> timedelta | None:
        """The wait before the next look, `lookups` of them made; None when the last was made."""
        return self.delays[lookups] if lookups < len(self.delays) else None

    def until_last(self, elapsed: timedelta) -> timedelta:
        """How long the last look has to wait, `elapsed` since the send; zero when it has come."""
        return max(sum(self.delays[1:], timedelta(0)) - elapsed, timedelta(0))
