"""The payloads of the sweep that compares what is due with what runs."""

from dataclasses import dataclass
from datetime import timedelta

SWEEP_POSTS = "SweepPosts"
"""The workflow's registered name."""

SWEEP_SCHEDULE = "punctual-sweep"
"""The id of the Temporal Schedule."""


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """Look at everything that is due, or will be within `ahead`."""

    ahead: timedelta


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """What was found and put right."""

    due: int
    """Deliveries with something left to do."""
    restarted: int
    """Posts that had no workflow."""
    stopped: int
    """Workflows that had no post left to publish."""
