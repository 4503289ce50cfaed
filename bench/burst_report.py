"""What a burst's runs come to: a table, the JSON, the plot, the last line."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from bench import figures
from bench.contenders.run import Run
from bench.lateness import percentile
from bench.results import Outcome

PUNCTUAL = "punctual"
COMPARED = "bullmq200"


class BurstReport:
    """Over all rounds: medians of the times; of what must be exact, the worst."""

    def __init__(self, runs: Sequence[Run]) -> None:
        """At least one is Punctual's."""
        self._runs: dict[str, list[Run]] = {}
        for run in runs:
            self._runs.setdefault(run.contender, []).append(run)

    def table(self) -> str:
        """One line a contender, times in seconds after the publish time."""
        head = f"{'':<12}{'published':>10}{'twice':>7}{'p50':>9}{'p99':>9}{'last':>9}"
        lines = [
            f"{name:<12}{min(run.published for run in runs):>10}"
            f"{max(run.lateness.duplicates for run in runs):>7}"
            f"{self._median(name, 50):>9.3f}{self._median(name, 99):>9.3f}"
            f"{self._median(name, 100):>9.3f}"
            for name, runs in self._runs.items()
        ]
        return "\n".join(["", head, *lines, ""])

    def last_line(self) -> str:
        """The line to read."""
        ours = self._runs[PUNCTUAL]
        last = self._median(PUNCTUAL, 100)
        told = [
            f"n={ours[0].lateness.expected}",
            f"published={min(run.published for run in ours)}",
            f"duplicates={max(run.lateness.duplicates for run in ours)}",
            f"p50={self._median(PUNCTUAL, 50):.3f}",
            f"p99={self._median(PUNCTUAL, 99):.3f}",
            f"last={last:.3f}",
        ]
        if COMPARED in self._runs:
            theirs = self._median(COMPARED, 100)
            told += [
                f"bullmq20_last={self._median('bullmq20', 100):.3f}",
                f"bullmq200_last={theirs:.3f}",
                f"ratio={theirs / last:.1f}",
            ]
        return f"burst: {' '.join(told)}"

    def outcome(self) -> Outcome:
        """All of it."""
        return Outcome(
            name="burst",
            line=self.last_line(),
            is_good=all(run.is_exact for run in self._runs[PUNCTUAL]),
            told={"runs": [_told(run) for runs in self._runs.values() for run in runs]},
            draw=self._draw,
        )

    def _draw(self) -> None:
        expected = self._runs[PUNCTUAL][0].lateness.expected
        figures.lateness_curves(
            "burst",
            title=f"{expected:,} deliveries for one second, all parts on one machine",
            seconds={
                _label(name): [second for run in runs for second in run.lateness.seconds]
                for name, runs in self._runs.items()
            },
        )

    def _median(self, name: str, percent: float) -> float:
        return median(percentile(run.lateness.seconds, percent) for run in self._runs[name])


def show(run: Run) -> None:
    """A few lines about one run, as soon as it is over."""
    late = run.lateness
    first = late.seconds[0] if late.seconds else float("nan")
    print(
        f"  {run.contender}: published {run.published} of {late.expected},"
        f" {late.duplicates} twice, {run.sends} requests;"
        f" first {first:.3f} s, p50 {late.p50:.3f} s, p99 {late.p99:.3f} s, last {late.last:.3f} s"
    )
    spent = ", ".join(f"{name} {seconds:.2f}" for name, seconds in run.cpu_seconds.items())
    print(f"    CPU seconds from 0.5 s before to 1.5 s after: {spent}", flush=True)


def _label(name: str) -> str:
    jobs = name.removeprefix("bullmq")
    return f"BullMQ, {jobs} jobs a queue" if jobs != name else "Punctual"


def _told(run: Run) -> dict[str, Any]:
    late = run.lateness
    return {
        "contender": run.contender,
        "published": run.published,
        "duplicates": late.duplicates,
        "requests": run.sends,
        "lateness_seconds_by_percent": [
            round(percentile(late.seconds, percent), 4) for percent in range(101)
        ],
        "p99.9": round(percentile(late.seconds, 99.9), 4),
        "cpu_seconds_around_the_moment": dict(run.cpu_seconds),
        "facts": asdict(run)["facts"],
    }
