"""What became of each delivery, by what is public and by what its user is told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crash.lateness import VERY_LATE_MS

SETTLED = frozenset({"published", "failed", "unconfirmed", "cancelled"})


class Outcome(StrEnum):
    """How a case ended."""

    PUBLISHED_ONCE = "published_once"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    DUPLICATES = "duplicates"
    LOST = "lost"
    CANCELLED = "cancelled"
    """As its user asked; no case of the line that is counted."""


_ENDS = {
    "published": Outcome.PUBLISHED_ONCE,
    "unconfirmed": Outcome.UNCONFIRMED,
    "failed": Outcome.FAILED,
    "cancelled": Outcome.CANCELLED,
}
BAD = frozenset({Outcome.DUPLICATES, Outcome.LOST})


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The outcome and, where it is bad, why."""

    outcome: Outcome
    why: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether the promise was broken."""
        return self.outcome in BAD


def judge(
    delivery: Mapping[str, Any],
    counts: Sequence[int],
    *,
    comments: int = 0,
    should_be_cancelled: bool = False,
    has_to_leave: bool = False,
    is_late: bool = False,
) -> Verdict:
    """The verdict over one delivery.

    `counts` says how often each of its parts is public, the last `comments` of which only hang
    under the post and may be missing if the user is told. What `has_to_leave` has no excuse to be
    anything but published, and soon.
    """
    status = str(delivery["status"])
    if max(counts) > 1:
        return Verdict(outcome=Outcome.DUPLICATES, why=f"public {list(counts)} times, {status}")
    broken = _broken(delivery, counts, comments=comments, should_be_cancelled=should_be_cancelled)
    if has_to_leave:
        broken += _held_up(delivery)
    if is_late:
        broken = [f"stuck, now {status}"]
    if broken:
        return Verdict(outcome=Outcome.LOST, why="; ".join(broken))
    return Verdict(outcome=_ENDS[status])


def _broken(
    delivery: Mapping[str, Any],
    counts: Sequence[int],
    *,
    comments: int,
    should_be_cancelled: bool,
) -> list[str]:
    """What does not fit together, in words."""
    status, reason = str(delivery["status"]), delivery["reason"] or {}
    main = counts[: len(counts) - comments]
    public = f"public {list(counts)} times"
    published = status == "published"
    checks = {
        f"still {status}": status not in SETTLED,
        f"cancelled with 200, but {status}": should_be_cancelled and status != "cancelled",
        "cancelled by nobody": status == "cancelled" and not should_be_cancelled,
        f"cancelled, but {public}": status == "cancelled" and any(counts),
        f"published, but {public}": published and not all(main),
        "a comment is missing without a word": published and not all(counts) and not reason,
        "published before its time": published and delivery["lateness_ms"] is None,
        "unconfirmed without evidence": status == "unconfirmed" and not reason.get("evidence"),
        "failed without a reason": status == "failed" and not reason.get("message"),
        f"failed, but {public}": status == "failed" and all(main),
    }
    return [told for told, is_so in checks.items() if is_so]


def _held_up(delivery: Mapping[str, Any]) -> list[str]:
    """Why what had certainly not left did not leave soon, in words."""
    late = delivery["lateness_ms"]
    checks = {
        f"nothing of it had left, and it is {delivery['status']}": delivery["status"]
        != "published",
        f"it left {late} ms late": late is not None and late > VERY_LATE_MS,
    }
    return [told for told, is_so in checks.items() if is_so]


def line_of(name: str, outcomes: Sequence[Outcome]) -> str:
    """The last line of a proof."""
    counted = Counter(outcomes)
    cases = len(outcomes) - counted[Outcome.CANCELLED]
    told = " ".join(f"{one}={counted[one]}" for one in Outcome if one is not Outcome.CANCELLED)
    return f"{name}: cases={cases} {told}"
