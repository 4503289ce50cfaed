"""`make simulate-scale`: what was measured, simulated; then days of a million posts and more.

The model has its costs from the kept run of `make bench-cost`. First it says what the other kept
runs were like, which it never saw. Then it says what nobody here can measure.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from activities.departures import CLAIMED_PER_SECOND
from bench import figures, pages, results
from bench.simulation import tables
from bench.simulation.costs import Costs, Footprint, NotMeasured
from bench.simulation.days import Cell, needs
from bench.simulation.measured import Point, points
from bench.simulation.model import Answer, publish
from bench.simulation.system import System

CELL = Cell(crowd=80_000, postgres_cores=8, api_cores=4, workers=20, claimed_per_second=600)
"""An installation for a million posts a day: 80,000 deliveries in its fullest second."""
LEAD = 1800.0
"""Seconds from the first post's creation to that second: everything sleeps by then."""

WORKERS = (10, 20, 40)
SIZES = (300, 1_000, 3_000, 10_000, 30_000)
DAYS = (1_000_000, 10_000_000, 100_000_000)


def simulate(*, keep: bool) -> str:
    """Print every table; the last line. Raises NotMeasured."""
    costs, footprint = Costs.measured(), Footprint.measured()
    known = list(points(costs))
    small = {n: publish(System.one_machine(), costs, n, lead=20 + n / 75) for n in SIZES}
    cells = {f"{workers} workers": _cell_of(workers, costs) for workers in WORKERS}
    usual = cells[f"{CELL.workers} workers"]
    doubted = {
        f"{CELL.workers} workers, if everything costs {factor} as much": _cell_of(
            CELL.workers, costs.times(share)
        )
        for factor, share in (("half", 0.5), ("twice", 2.0))
    }
    days = [needs(posts, CELL, costs, footprint) for posts in DAYS]
    told = {
        "costs": tables.of_costs(costs),
        "footprint": tables.of_footprint(footprint),
        "points": tables.of_points(known),
        "crowds": tables.of_crowds(
            "deliveries of one second on 2 cores, simulated",
            {f"{number:,}": answer for number, answer in small.items()},
        ),
        "workers": tables.of_crowds(f"{CELL.crowd:,} deliveries of one second", cells | doubted),
        "days": tables.of_days(days, costs, footprint),
    }
    print("\n\n".join(told.values()), flush=True)
    line = _last_line(known, usual, days[-1].cells, days[-1].cores)
    if keep:
        results.keep(
            "simulation",
            {
                "line": line,
                "points": [asdict(point) | {"error": point.error} for point in known],
                "days": [asdict(day) for day in days],
            },
        )
        pages.fill("scaling", told)
        _draw(known, small, cells)
    return line


def _cell_of(workers: int, costs: Costs) -> Answer:
    """The installation with so many workers, which claim as much together as its own do.

    Fewer claim as much as one core can.
    """
    share = min(CLAIMED_PER_SECOND, CELL.claimed_per_second * CELL.workers / workers)
    cell = replace(CELL, workers=workers, claimed_per_second=share)
    return publish(cell.system(costs), costs, cell.crowd, lead=LEAD)


def _last_line(known: Sequence[Point], usual: Answer, cells: int, cores: int) -> str:
    errors = [abs(point.error) for point in known]
    return (
        f"simulate-scale: points={len(known)} median_error={median(errors):.2f}"
        f" worst_error={max(errors):.2f} crowd={CELL.crowd} workers={CELL.workers}"
        f" p99={usual.lateness(99):.3f} hundred_million_a_day:"
        f" installations={cells} cores={cores}"
    )


def _draw(known: Sequence[Point], small: Mapping[int, Answer], cells: Mapping[str, Answer]) -> None:
    title = "How late deliveries of one second are (p99)"
    with figures.figure("scaling", title=title, x="deliveries", y="seconds") as axes:
        axes.set_xscale("log")
        axes.set_yscale("log")
        late = [answer.lateness(99) for answer in small.values()]
        axes.plot(list(small), late, label="2 cores for everything: simulated")
        measured = [(point.size, point.measured) for point in known if point.is_p99]
        axes.plot(*zip(*measured, strict=True), "o", label="2 cores for everything: measured")
        for name, answer in cells.items():
            label = f"one installation, {name}: simulated"
            axes.plot([answer.deliveries], [answer.lateness(99)], "s", label=label)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when there was something to simulate from."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write its JSON, page and plot")
    asked: Any = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        line = simulate(keep=asked.keep)
    except NotMeasured as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{line} seconds={time.monotonic() - began:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
