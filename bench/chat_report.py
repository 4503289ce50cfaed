"""What the chat benchmark's runs come to: a table, the JSON, the plot, the last line."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from bench import figures
from bench.chat_systems import System
from bench.results import Outcome

LABELS: Final = {
    System.PUNCTUAL: "Punctual",
    System.RELAY: "Node, relay only",
    System.KEPT: "Node, kept in PostgreSQL",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One system, one round, one rate; times in milliseconds from sent to seen."""

    system: System
    per_second: float
    sent: int
    refused: int
    """Messages that were not acknowledged as sent."""
    expected: int
    """Each message, once for each member of its conversation."""
    seen: int
    wrong: int
    """Seen twice, or without a text."""
    p50: float
    p99: float
    max: float
    acknowledged_p99: float
    """Until the sender knows that it is sent."""
    cpu_seconds: Mapping[str, float]
    """Processor time a second, by process; `clients` is the one that measures."""

    @property
    def lost(self) -> int:
        """What was not as it should be."""
        return self.expected - self.seen + self.refused + self.wrong


class ChatReport:
    """Over all rounds: medians of the times; of what must be exact, the sum."""

    def __init__(self, heard: Sequence[Heard], *, sockets: int, headline: float) -> None:
        """`headline` is the rate of the last line."""
        self._heard = heard
        self._sockets = sockets
        self._headline = headline
        self._rates = sorted({one.per_second for one in heard})

    def table(self) -> str:
        """One line a rate and system, times in milliseconds."""
        head = f"{'a second':>9}  {'':<26}{'lost':>5}{'p50':>8}{'p99':>8}{'max':>8}{'servers':>9}"
        lines = [
            f"{rate:>9g}  {LABELS[system]:<26}{sum(one.lost for one in runs):>5}"
            f"{median(one.p50 for one in runs):>8.1f}{median(one.p99 for one in runs):>8.1f}"
            f"{max(one.max for one in runs):>8.1f}"
            f"{median(_servers(one) for one in runs):>8.0%}"
            for rate in self._rates
            for system in System
            if (runs := self._of(system, rate))
        ]
        note = "servers: processor time of both, of PostgreSQL and of Redis; 100% is one core"
        return "\n".join(["", head, *lines, note, ""])

    def last_line(self) -> str:
        """The line to read."""
        ours = [one for one in self._heard if one.system is System.PUNCTUAL]
        told = [
            f"sockets={self._sockets}",
            f"per_second={self._headline:g}",
            f"sent={sum(one.sent for one in ours)}",
            f"seen={sum(one.seen for one in ours)}",
            f"lost={sum(one.lost for one in ours)}",
            *self._times(System.PUNCTUAL, ""),
            *self._compared(System.RELAY, "node_", "ratio"),
            *self._compared(System.KEPT, "node_kept_", "ratio_kept"),
        ]
        return f"chat: {' '.join(told)}"

    def outcome(self) -> Outcome:
        """All of it."""
        return Outcome(
            name="chat",
            line=self.last_line(),
            is_good=all(one.lost == 0 for one in self._heard if one.system is System.PUNCTUAL),
            told={"sockets": self._sockets, "runs": [asdict(one) for one in self._heard]},
            draw=self._draw,
        )

    def _draw(self) -> None:
        title = f"{self._sockets:,} sockets on two servers: from sent to seen"
        with figures.figure("chat", title=title, x="messages a second", y="p99, ms") as axes:
            for system in System:
                shown = [rate for rate in self._rates if self._of(system, rate)]
                axes.plot(
                    shown,
                    [median(one.p99 for one in self._of(system, rate)) for rate in shown],
                    marker="o",
                    label=LABELS[system],
                )
            axes.set_ylim(bottom=0)

    def _compared(self, beside: System, name: str, ratio: str) -> list[str]:
        """Nothing of systems that did not run."""
        if not self._of(beside, self._headline) or not self._of(System.PUNCTUAL, self._headline):
            return self._times(beside, name)
        share = self._p99(System.PUNCTUAL) / self._p99(beside)
        return [*self._times(beside, name), f"{ratio}={share:.2f}"]

    def _times(self, system: System, name: str) -> list[str]:
        runs = self._of(system, self._headline)
        if not runs:
            return []
        p50 = median(one.p50 for one in runs)
        return [f"{name}p50={p50:.1f}ms", f"{name}p99={self._p99(system):.1f}ms"]

    def _p99(self, system: System) -> float:
        return median(one.p99 for one in self._of(system, self._headline))

    def _of(self, system: System, rate: float) -> list[Heard]:
        return [one for one in self._heard if (one.system, one.per_second) == (system, rate)]


def show(heard: Heard) -> None:
    """A line about one run, as soon as it is over."""
    spent = ", ".join(f"{name} {share:.0%}" for name, share in heard.cpu_seconds.items())
    print(
        f"  {heard.system} {heard.per_second:g}/s: seen {heard.seen} of {heard.expected},"
        f" p50 {heard.p50:.1f} ms, p99 {heard.p99:.1f} ms, max {heard.max:.1f} ms,"
        f" acknowledged p99 {heard.acknowledged_p99:.1f} ms; {spent}",
        flush=True,
    )


def _servers(heard: Heard) -> float:
    return sum(share for name, share in heard.cpu_seconds.items() if name != "clients")
