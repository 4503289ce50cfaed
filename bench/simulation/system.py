"""A system to be simulated: its machines and the settings that matter."""

from dataclasses import dataclass, replace
from typing import Self

from runtime.settings import NetworkLimits, Settings

LATENCY = 0.2
"""Seconds from a request to its answer, as the benchmarks' networks take."""


def _default(name: str) -> float:
    return float(Settings.model_fields[name].default)


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """Where the parts run, and how they are set."""

    shared_cores: float | None = None
    """Cores that all parts share; None when each has its own."""
    postgres_cores: int = 1
    temporal_cores: int = 1
    api_cores: int = 1
    workers: int = 1
    """Processes; each takes one core at most, for Python runs on one."""
    networks: int = 2
    latency: float = LATENCY
    arm_lead: float = _default("arm_lead_seconds")
    armed_per_second: float = _default("armed_per_second")
    claimed_per_second: float = _default("claimed_per_second")
    """By one worker."""
    rate_per_second: float = float(NetworkLimits.model_fields["rate_per_second"].default)
    """Of each network."""

    @classmethod
    def one_machine(cls, cores: float = 2.0) -> Self:
        """What the benchmarks run on."""
        return cls(shared_cores=cores)

    def with_workers(self, workers: int) -> "System":
        """The same with so many worker processes."""
        return replace(self, workers=workers)
