"""The payloads of the sweep that compares what is due with what runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

SWEEP_POSTS = "SweepPosts"
"""The workflow's registered name."""

SWEEP_SCHEDULE = "punctual-sweep"
"""The id of the Temporal Schedule."""


@dataclass(frozen=True, kw_only=True)
class DeliveryPlace:
    """A delivery's place among all that are due."""

    publish_at: datetime
    """UTC."""
    delivery_id: UUID


@dataclass(frozen=True, kw_only=True)
class SweepPlace:
    """Where a sweep had no room for more; what is None was looked at to its end."""

    delivery: DeliveryPlace | None = None
    """The last one that it looked at."""
    workflows: str | None = None
    """Temporal's word for the page of running workflows that comes next, in base64."""


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """Look at everything that is due, or will be within `ahead`, from that place on."""

    ahead: timedelta
    after: SweepPlace = SweepPlace()


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """What was found and put right."""

    due: int
    """Deliveries with something left to do."""
    restarted: int
    """Posts that had no workflow."""
    stopped: int
    """Workflows that had no post left to publish."""
    reached: SweepPlace = SweepPlace()
    """The next sweep goes on there."""
