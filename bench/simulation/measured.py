"""What was measured, beside what the model says of it: the kept runs of the other benchmarks.

None of these figures is an input of the model: its costs come from `make bench-cost` alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bench.load import lead_of
from bench.results import kept
from bench.simulation.costs import RELAY_SHARE, Costs, Part, Stage
from bench.simulation.model import Answer, fall_asleep, publish
from bench.simulation.system import System

FIGURE = re.compile(r"(\w+)=([\d.]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One figure, measured and simulated."""

    what: str
    size: int
    """Deliveries, or posts."""
    unit: str
    measured: float
    simulated: float

    @property
    def is_p99(self) -> bool:
        """Whether it is a crowd's."""
        return self.what.endswith("p99")

    @property
    def error(self) -> float:
        """Of the simulated one, as a share of the measured one."""
        return self.simulated / self.measured - 1


def points(costs: Costs) -> Iterator[Point]:
    """Every figure that is kept and that the model speaks of."""
    yield from _burst(costs)
    yield from _scale(costs)
    yield from _backlog(costs)
    yield from _sleepers(costs)
    yield from _accept(costs)


def _burst(costs: Costs) -> Iterator[Point]:
    for run in kept("burst").get("runs", []):
        if run["contender"] == "punctual":
            late = run["lateness_seconds_by_percent"]
            number = run["published"]
            answer = publish(System.one_machine(), costs, number, lead=20 + number / 50)
            yield from _lateness(f"burst {number:,}", answer, late[50], late[99], late[100])


def _scale(costs: Costs) -> Iterator[Point]:
    for run in kept("scale").get("runs", []):
        answer = publish(
            System.one_machine(), costs, run["n"], lead=lead_of(run["n"]).total_seconds()
        )
        yield from _lateness(f"scale {run['n']:,}", answer, run["p50"], run["p99"], run["last"])


def _lateness(name: str, answer: Answer, p50: float, p99: float, last: float) -> Iterator[Point]:
    for percent, label, measured in ((50, "p50", p50), (99, "p99", p99), (100, "last", last)):
        yield Point(
            what=f"{name}, {label}",
            size=answer.deliveries,
            unit="s",
            measured=measured,
            simulated=answer.lateness(percent),
        )


def _backlog(costs: Costs) -> Iterator[Point]:
    if told := _last_line("backlog"):
        answer = publish(System.one_machine(), costs, int(told["n"]), lead=0)
        yield Point(
            what=f"backlog {told['n']:,.0f}, deliveries a second",
            size=answer.deliveries,
            unit="/s",
            measured=told["deliveries_per_second"],
            simulated=answer.per_second,
        )


def _sleepers(costs: Costs) -> Iterator[Point]:
    if told := _last_line("sleepers"):
        answer = fall_asleep(System.one_machine(), costs, int(told["n"]))
        yield Point(
            what=f"sleepers {told['n']:,.0f}, until all sleep",
            size=answer.deliveries,
            unit="s",
            measured=told["started_seconds"],
            simulated=answer.started,
        )

        due = int(told["due"])
        woken = publish(System.one_machine(), costs, due, lead=30 + due / 25)
        yield Point(
            what=f"woken {due:,}, p99",
            size=due,
            unit="s",
            measured=told["p99"],
            simulated=woken.lateness(99),
        )


def _accept(costs: Costs) -> Iterator[Point]:
    """Posts of one delivery, in bulk: no worker runs, so its API process sets the pace."""
    if told := _last_line("accept"):
        api = costs.of(Stage.TAKING_IN, Part.API)
        postgres = costs.of(Stage.TAKING_IN, Part.POSTGRES) * (1 - RELAY_SHARE)
        yield Point(
            what="bulk rows, a second",
            size=1,
            unit="/s",
            measured=told["bulk_rows_per_second"],
            simulated=min(1 / api, 2 / (api + postgres)),
        )


def _last_line(name: str) -> dict[str, float]:
    """The figures in a kept run's last line; none when no run is kept."""
    return {key: float(value) for key, value in FIGURE.findall(kept(name).get("line", ""))}
