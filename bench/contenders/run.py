"""What one contender made of one burst."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.lateness import Lateness


@dataclass(frozen=True, kw_only=True)
class Run:
    """One contender, one round."""

    contender: str
    lateness: Lateness
    published: int
    """Deliveries that are public and that the contender's own database calls published."""
    sends: int
    """Requests to publish that the networks took, repeated ones included."""
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    """By process, in the two seconds around the moment."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """What else was seen on the way, in the unit that the name says."""

    @property
    def is_exact(self) -> bool:
        """Whether each delivery is public once, and known to be."""
        return self.lateness.is_complete and self.published == self.lateness.expected
