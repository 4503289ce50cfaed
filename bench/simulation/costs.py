"""What the model takes as given: costs that `make bench-cost` measured, and three assumptions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from bench.results import kept

SENT_SHARE = 0.6
"""Of a worker's time for a request: sending it. The rest is its answer. Assumed, not measured."""

PACED_SHARE = 0.5
"""Of a claim's time in PostgreSQL: after the network's pace was asked (`storage/claims.py`), which
lets one transaction of a network through at a time. By its statements: three of seven come after.
"""

RELAY_SHARE = 0.5
"""Of PostgreSQL's time for taking a post in: leasing its outbox row, reading it, removing it. The
other half is creating it. Assumed, not measured."""


SMALL = 200
"""Bytes; a table of which one post takes less is not named."""


class NotMeasured(Exception):
    """A result is missing: the text names the command that makes it."""


class Part(StrEnum):
    """What takes processor time."""

    API = "api"
    POSTGRES = "postgres"
    TEMPORAL = "temporal"
    WORKER = "worker"
    NETWORK = "sandbox"
    """The social networks; on a real system they are not ours."""


class Stage(StrEnum):
    """A stretch of one delivery's way."""

    TAKING_IN = "taking in"
    ARMING = "arming"
    CLAIMING = "claiming"
    SENDING = "sending"
    RECORDING = "recording"


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Of one delivery, in seconds of one processor."""

    cpu: Mapping[Stage, Mapping[Part, float]]
    idle_cores: float
    """What all parts together take while nothing happens."""
    commit: float
    """How long a transaction waits for the disk, its processor time aside."""

    @classmethod
    def measured(cls) -> Self:
        """From the kept run of `make bench-cost`. Raises NotMeasured."""
        told = _measured()
        cpu = {
            Stage(stage): {Part(part): parts.get(part, 0.0) / 1000 for part in Part}
            for stage, parts in told["cpu_ms_a_delivery"].items()
        }
        # Claims and requests ask neither: what they do meanwhile is what is left of the arming.
        for stage in (Stage.CLAIMING, Stage.SENDING):
            for part in (Part.TEMPORAL, Part.API):
                cpu[Stage.ARMING][part] += cpu[stage][part]
                cpu[stage][part] = 0.0
        return cls(
            cpu=cpu,
            idle_cores=sum(told["idle_cores"].values()),
            commit=told["postgres_a_post"]["commit_ms"] / 1000,
        )

    def of(self, stage: Stage, part: Part) -> float:
        """Seconds of a processor."""
        return self.cpu[stage][part]

    def of_part(self, part: Part) -> float:
        """Over all stages."""
        return sum(parts[part] for parts in self.cpu.values())

    def times(self, factor: float) -> "Costs":
        """The same where everything costs so many times as much."""
        cpu = {
            stage: {part: cost * factor for part, cost in parts.items()}
            for stage, parts in self.cpu.items()
        }
        return replace(self, cpu=cpu, commit=self.commit * factor)

    @property
    def whole(self) -> float:
        """Of all parts that are ours, over all stages."""
        return sum(self.of_part(part) for part in Part if part is not Part.NETWORK)


@dataclass(frozen=True, kw_only=True, slots=True)
class Footprint:
    """What one post leaves behind."""

    postgres_bytes: int
    """Tables and indexes, nothing dead in them."""
    left_bytes: int
    """The same, with what is dead."""
    tables: Mapping[str, int]
    """Bytes by table, packed: the largest."""
    log_bytes: int
    """Of the write-ahead log."""
    store_bytes: int
    """Of Temporal's store, while its history is kept."""
    history_bytes: int
    """As Temporal counts a history, and as its cloud bills it."""
    events: float
    state_transitions: float
    store_requests: float
    actions: float

    @classmethod
    def measured(cls) -> Self:
        """From the kept run of `make bench-cost`. Raises NotMeasured."""
        told = _measured()
        postgres, temporal = told["postgres_a_post"], told["temporal_a_post"]
        return cls(
            postgres_bytes=postgres["packed_bytes"],
            left_bytes=postgres["left_bytes"],
            tables={
                name: sum(sizes.values())
                for name, sizes in postgres["packed_bytes_by_table"].items()
                if sum(sizes.values()) >= SMALL
            },
            log_bytes=postgres["log_bytes"],
            store_bytes=temporal["store_bytes"],
            history_bytes=temporal["history_bytes"],
            events=temporal["events"],
            state_transitions=temporal["state_transitions"],
            store_requests=sum(temporal["store_requests"].values()),
            actions=sum(temporal["actions"].values()),
        )


def _measured() -> Mapping[str, Any]:
    told = kept("cost")
    if not told:
        raise NotMeasured("no costs are kept: make bench-cost")
    return told
