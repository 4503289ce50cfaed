"""Every point with everything that can happen there, as data."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from crash.points import FACTS, Point, Process
from domain.networks import Network

ALL_NETWORKS: Final = tuple(str(network) for network in Network)
THREADED: Final = ("x", "bluesky", "mastodon")
COMMENTED: Final = ("facebook", "instagram")


class Fault(StrEnum):
    """What happens while somebody stands at a point."""

    KILL = "kill"
    """SIGKILL for the process that stands there, and a restart."""
    TEMPORAL = "temporal"
    """SIGKILL for Temporal, and a restart."""
    POSTGRES = "postgres"
    """SIGKILL for PostgreSQL, and a restart."""
    FREEZE = "freeze"
    """SIGSTOP for the worker, for longer than its heartbeats may be missing, and SIGCONT."""
    DROP_BEFORE_COMMIT = "drop_before_commit"
    """The network resets the connection and publishes nothing."""
    DROP_AFTER_COMMIT = "drop_after_commit"
    """The network publishes and resets the connection."""
    ERROR_AFTER_COMMIT = "error_after_commit"
    """The network publishes and answers 500."""
    LATE_ANSWER = "late_answer"
    """The network publishes and answers after the timeout."""


OURS: Final = (Fault.KILL, Fault.TEMPORAL, Fault.POSTGRES, Fault.FREEZE)
THEIRS: Final = tuple(fault for fault in Fault if fault not in OURS)

IN_CROWD: Final[Mapping[Point, tuple[Fault, ...]]] = MappingProxyType(
    {
        Point.SEATED: OURS,
        Point.BEFORE_DEPARTURE: (Fault.KILL, Fault.POSTGRES, Fault.FREEZE),
        Point.CLAIMED_TOGETHER: (Fault.KILL, Fault.POSTGRES, Fault.FREEZE),
        Point.BEFORE_RELEASE: (Fault.KILL, Fault.POSTGRES),
        Point.RELEASED: OURS,
        Point.BEFORE_REVOKE: (Fault.KILL, Fault.FREEZE),
        Point.REVOKED: (Fault.KILL, Fault.POSTGRES, Fault.FREEZE),
        Point.ANSWERED: (Fault.KILL,),
    }
)
"""What happens to those that are claimed ahead; FREEZE where they are revoked is a race: the frozen
worker goes on while another stands there."""


class Shape(StrEnum):
    """What the post consists of."""

    POST = "post"
    THREAD = "thread"
    COMMENT = "comment"
    MOVED = "moved"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One post to several networks, and what happens on its way: one case for each network."""

    point: Point
    fault: Fault
    networks: tuple[str, ...]
    shape: Shape = Shape.POST
    part: int = 0
    """The part that stands at the point."""
    in_crowd: bool = False
    """Whether it is claimed ahead of its second, as what leaves with many others is."""

    @property
    def name(self) -> str:
        """As it is shown."""
        shape = "" if self.shape is Shape.POST else f" ({self.shape}, part {self.part})"
        crowd = " (claimed ahead)" if self.in_crowd else ""
        return f"{self.point} × {self.fault}{shape}{crowd}"

    @property
    def parts(self) -> int:
        """Public items that each delivery should make."""
        return {Shape.THREAD: 3, Shape.COMMENT: 2}.get(self.shape, 1)

    @property
    def expected(self) -> frozenset[str]:
        """Who should stand at the point."""
        facts = FACTS[self.point]
        if not facts.by_delivery:
            return frozenset({""})
        return frozenset(self.networks) - ({"feed"} if facts.with_media else set())

    @property
    def operation(self) -> str:
        """What the sandbox calls the committing request of the part."""
        return "comment" if self.shape is Shape.COMMENT else "publish"

    @property
    def skip(self) -> int:
        """Committing requests that come before it."""
        return self.part if self.shape is Shape.THREAD else 0


def scenarios(
    points: Collection[Point], faults: Collection[Fault], networks: Collection[str]
) -> Iterator[Scenario]:
    """All that combine; the order is always the same."""
    chosen = tuple(network for network in ALL_NETWORKS if network in networks)
    for point in points:
        for fault in faults:
            facts = FACTS[point]
            if facts.in_crowd:
                continue
            if fault in THEIRS and point is not Point.SENDING:
                continue
            if fault is Fault.FREEZE and facts.process is not Process.WORKER:
                continue
            if facts.is_update:
                for shape in (Shape.MOVED, Shape.CANCELLED):
                    yield Scenario(point=point, fault=fault, networks=chosen, shape=shape)
            else:
                yield Scenario(point=point, fault=fault, networks=chosen)
    yield from _later_parts(points, faults, chosen)
    yield from _claimed_ahead(points, faults, chosen)


def _later_parts(
    points: Collection[Point], faults: Collection[Fault], networks: tuple[str, ...]
) -> Iterator[Scenario]:
    """Threads and first comments: what has a receipt stays, and only the rest goes on."""
    wanted = [(point, Fault.KILL) for point in (Point.CLAIMED, Point.ANSWERED, Point.RECORDED)]
    wanted += [(Point.SENDING, fault) for fault in THEIRS]
    for shape, able in ((Shape.THREAD, THREADED), (Shape.COMMENT, COMMENTED)):
        chosen = tuple(network for network in networks if network in able)
        for point, fault in wanted:
            if chosen and point in points and fault in faults:
                part = 0 if point is Point.RECORDED else 1
                yield Scenario(point=point, fault=fault, networks=chosen, shape=shape, part=part)


def _claimed_ahead(
    points: Collection[Point], faults: Collection[Fault], networks: tuple[str, ...]
) -> Iterator[Scenario]:
    """What is let go when its second comes, and only then."""
    for point, happening in IN_CROWD.items():
        for fault in happening:
            if point in points and fault in faults:
                yield Scenario(point=point, fault=fault, networks=networks, in_crowd=True)
