"""A run cut into stages, and the processor time that each part took in each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.processes import usage_of

IDLE = "idle"
"""The stage in which nothing happens."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Processor seconds of each part in one stretch of the run."""

    name: str
    seconds: float
    cpu: Mapping[str, float]


class Stopwatch:
    """Cuts a run into stages."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        """`pids` are the parts' processes, by name."""
        self._pids = pids
        self._usage = usage_of(pids)
        self._at = datetime.now(UTC)
        self.stages: dict[str, Stage] = {}

    def ends(self, name: str) -> None:
        """What happened since the last stage's end was that stage."""
        now, usage = datetime.now(UTC), usage_of(self._pids)
        spent = {
            part: usage[part].cpu_seconds - self._usage[part].cpu_seconds for part in self._pids
        }
        seconds = (now - self._at).total_seconds()
        self.stages[name] = Stage(name=name, seconds=seconds, cpu=spent)
        self._usage, self._at = usage, now

    def idle_cores(self) -> dict[str, float]:
        """What each part takes while nothing happens."""
        idle = self.stages[IDLE]
        return {part: spent / idle.seconds for part, spent in idle.cpu.items()}

    def cpu_ms(self, deliveries: int) -> dict[str, dict[str, float]]:
        """Of one delivery, by stage and part, without what they take anyway."""
        idle = self.idle_cores()
        return {
            stage.name: {
                part: round(max(0.0, spent - idle[part] * stage.seconds) * 1000 / deliveries, 4)
                for part, spent in stage.cpu.items()
            }
            for stage in self.stages.values()
            if stage.name != IDLE
        }
