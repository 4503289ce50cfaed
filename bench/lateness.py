"""What became of a burst: who arrived how late, what is missing, what is there twice."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from bench.sandboxes import Arrival


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """The verdict over one burst; all times in seconds after the publish time."""

    expected: int
    seconds: tuple[float, ...]
    """Of each delivery that arrived, its first arrival; sorted."""
    duplicates: int
    """Public items beyond the one that each delivery should make."""
    strangers: int
    """Public items that nobody asked for."""

    @property
    def published(self) -> int:
        """Deliveries that are public, however often."""
        return len(self.seconds)

    @property
    def p50(self) -> float:
        """Half of them were there by then."""
        return percentile(self.seconds, 50)

    @property
    def p99(self) -> float:
        """All but one of a hundred."""
        return percentile(self.seconds, 99)

    @property
    def last(self) -> float:
        """The last one."""
        return percentile(self.seconds, 100)

    @property
    def is_complete(self) -> bool:
        """Each one once, and nothing else."""
        return self.published == self.expected and not self.duplicates and not self.strangers


def judge(
    expected: Collection[tuple[str, str]], arrivals: Sequence[Arrival], publish_at: datetime
) -> Lateness:
    """Compare what was to be public, by network and mark, with what is."""
    counted = Counter((one.network, one.mark) for one in arrivals)
    first: dict[tuple[str, str], datetime] = {}
    for one in arrivals:
        known = first.get((one.network, one.mark), one.at)
        first[one.network, one.mark] = min(known, one.at)
    seconds = sorted(
        (at - publish_at).total_seconds() for key, at in first.items() if key in expected
    )
    return Lateness(
        expected=len(expected),
        seconds=tuple(seconds),
        duplicates=sum(count - 1 for key, count in counted.items() if key in expected),
        strangers=sum(count for key, count in counted.items() if key not in expected),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was measured, never one in between; NaN of nothing."""
    if not ordered:
        return float("nan")
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
