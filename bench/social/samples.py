"""What was asked and how long the answers took; percentiles of it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.lateness import percentile

GROUPS: Final = ("auth", "feed", "posts", "chat", "notifications")
"""What people ask, by the part of the API."""
SEEN: Final = "seen"
"""A message on another's socket: nothing that is asked, so it does not count as a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One request, one event of a socket, or one message that somebody saw."""

    group: str
    name: str
    due: float
    """When it was to begin, in seconds of a clock of its own."""
    ms: float
    """From then to the end of its answer."""
    error: str | None = None
    """What was wrong with the answer."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What the people's process leaves behind."""

    began: float
    ended: float
    """What was due from the one moment to the other is measured."""
    arrived: int
    """People who signed in, connected, and stayed."""
    samples: tuple[Sample, ...]
    began_late_ms: tuple[float, ...]
    """How much later than planned people began what they did: part of the samples' times too."""
    cpu_seconds: Mapping[str, float]
    """Of each process, between those moments."""

    def write(self, file: Path) -> None:
        """To be read with `read_recording`."""
        file.write_text(json.dumps(asdict(self)))


def read_recording(file: Path) -> Recording:
    """The recording in that file."""
    told = json.loads(file.read_text())
    samples = tuple(Sample(**one) for one in told["samples"])
    late = tuple(told["began_late_ms"])
    return Recording(**{**told, "samples": samples, "began_late_ms": late})


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one group; times in milliseconds, NaN where nothing was measured."""

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    longest: float
    errors: int
    """Of the whole round, arrival included."""


def figures_by_group(recording: Recording) -> dict[str, Figures]:
    """Of each group, of what was `seen`, and of `all` that was asked."""
    asked = [one for one in recording.samples if one.group != SEEN]
    seen = [one for one in recording.samples if one.group == SEEN]
    groups = {group: [one for one in asked if one.group == group] for group in GROUPS}
    return {
        name: _figures(samples, recording)
        for name, samples in {**groups, SEEN: seen, "all": asked}.items()
    }


def figures_by_name(recording: Recording) -> dict[str, Figures]:
    """Of each single kind of request."""
    kinds = sorted({(one.group, one.name) for one in recording.samples})
    return {
        f"{group}: {name}": _figures(
            [one for one in recording.samples if (one.group, one.name) == (group, name)], recording
        )
        for group, name in kinds
    }


def wrong_answers(samples: Iterable[Sample]) -> Counter[str]:
    """What was wrong, how often."""
    return Counter(f"{one.group}, {one.name}: {one.error}" for one in samples if one.error)


def _figures(samples: Sequence[Sample], recording: Recording) -> Figures:
    times = sorted(one.ms for one in samples if recording.began <= one.due < recording.ended)
    return Figures(
        requests=len(times),
        per_second=len(times) / (recording.ended - recording.began),
        p50=percentile(times, 50),
        p95=percentile(times, 95),
        p99=percentile(times, 99),
        longest=percentile(times, 100),
        errors=sum(one.error is not None for one in samples),
    )
