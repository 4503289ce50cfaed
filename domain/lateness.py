"""What becomes of a delivery that could not leave in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.deliveries import DeliveryStatus

SHORTEST: Final = timedelta(minutes=1)
"""Nothing is late before; a publish time that long ago still counts as now."""

LONGEST: Final = timedelta(days=30)
"""The longest wait after which a post can be called late."""


class LatePolicy(StrEnum):
    """What a post's author wants when it cannot leave in time."""

    PUBLISH = "publish"
    """Better late than never."""
    SKIP = "skip"
    """Not at all: it is cancelled."""
    ASK = "ask"
    """It waits for a person to decide."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LateChoice:
    """What a post says of itself; None leaves it to its workspace."""

    policy: LatePolicy | None = None
    after: timedelta | None = None

    @property
    def after_seconds(self) -> int | None:
        """As it is kept and shown."""
        return None if self.after is None else int(self.after.total_seconds())


NO_LATE_CHOICE: Final = LateChoice()
"""All is left to the workspace."""


def late_choice(policy: LatePolicy | None, after_seconds: int | None) -> LateChoice:
    """From how it is written and kept."""
    after = None if after_seconds is None else timedelta(seconds=after_seconds)
    return LateChoice(policy=policy, after=after)


@dataclass(frozen=True, kw_only=True, slots=True)
class LateTerms:
    """From when on a delivery is late, and what then."""

    policy: LatePolicy
    after: timedelta

    def verdict(self, *, publish_at: datetime, leaves_at: datetime, is_public: bool) -> LatePolicy:
        """What to do with a delivery that can leave at `leaves_at`; both times aware.

        What is public in part is finished, however late it is.
        """
        if is_public or leaves_at - publish_at <= self.after:
            return LatePolicy.PUBLISH
        return self.policy


def is_unannounced(status: DeliveryStatus, reason_type: str | None) -> bool:
    """Whether lateness of a delivery in that state is nobody's plan, and the policy applies.

    One that was never armed was late by our own outage; one that waits for a decision still does.
    A quota, a rate limit, a retry or an account to be connected again was told with its time.
    """
    if status is DeliveryStatus.DEFERRED:
        return reason_type == "late"
    return status in {DeliveryStatus.SCHEDULED, DeliveryStatus.PREPARING}
