"""How late deliveries left, as a distribution."""

from collections.abc import Iterable, Mapping
from typing import Any

VERY_LATE_MS = 30_000


def show_lateness(deliveries: Iterable[Mapping[str, Any]]) -> None:
    """Print percentiles over what is published."""
    late = sorted(
        int(one["lateness_ms"])
        for one in deliveries
        if one["status"] == "published" and one["lateness_ms"] is not None
    )
    if not late:
        print("lateness: nothing was published")
        return
    shown = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    told = "  ".join(f"{name} {_percentile(late, share)} ms" for name, share in shown.items())
    very = sum(one > VERY_LATE_MS for one in late)
    print(f"lateness of {len(late)}: {told}  max {late[-1]} ms  more than 30 s: {very}")


def _percentile(ordered: list[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
