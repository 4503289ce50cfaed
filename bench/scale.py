"""`make bench-scale`: ever more posts for one same second; how lateness and cost grow.

Half go to Facebook and half to X, as in the burst, on one sandbox: it takes more than 6,000 posts a
second, which is above anything that is measured here.
"""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from bench import figures
from bench.burst_report import show
from bench.command import carry_out, command_line, http_client, punctual_options
from bench.contenders.punctual import publish_with_punctual
from bench.contenders.punctual_system import PunctualOptions
from bench.contenders.run import Run
from bench.load import Load, lead_of
from bench.results import Outcome, bench_folder
from bench.sandboxes import running_sandbox

SIZES = (1_000, 3_000, 10_000, 30_000)


async def run_scale(plan: Sequence[tuple[int, PunctualOptions]], latency_ms: float) -> Outcome:
    """One burst of each size, each on a fresh system."""
    runs: list[Run] = []
    async with http_client() as http:
        for size, options in plan:
            print(f"{size:,} deliveries", flush=True)
            with bench_folder() as folder:
                async with running_sandbox(folder, http, latency_ms=latency_ms) as sandbox:
                    runs.append(
                        await publish_with_punctual(
                            folder, sandbox, Load.of(size), http=http, options=options
                        )
                    )
            show(runs[-1])
    return Outcome(
        name="scale",
        line=_last_line(runs),
        is_good=all(run.is_exact for run in runs),
        told={"runs": [_told(run) for run in runs]},
        draw=partial(_draw, runs),
    )


def _last_line(runs: Sequence[Run]) -> str:
    told = [
        f"n={run.lateness.expected} p99={run.lateness.p99:.3f} last={run.lateness.last:.3f}"
        f" cpu_ms={run.facts['cpu_ms_a_delivery']:.1f}"
        for run in runs
    ]
    missing = sum(run.lateness.expected - run.published for run in runs)
    duplicates = sum(run.lateness.duplicates for run in runs)
    return f"scale: {' | '.join(told)} | missing={missing} duplicates={duplicates}"


def _told(run: Run) -> dict[str, Any]:
    late = run.lateness
    return {
        "n": late.expected,
        "published": run.published,
        "duplicates": late.duplicates,
        "p50": late.p50,
        "p99": late.p99,
        "last": late.last,
        "cpu_seconds_around_the_moment": dict(run.cpu_seconds),
        **run.facts,
    }


def _draw(runs: Sequence[Run]) -> None:
    title = "Lateness of deliveries for one second, all parts on one machine"
    with figures.figure("scale", title=title, x="deliveries", y="seconds") as axes:
        axes.set_xscale("log")
        axes.set_yscale("log")
        sizes = [run.lateness.expected for run in runs]
        for name in ("p50", "p99", "last"):
            axes.plot(sizes, [getattr(run.lateness, name) for run in runs], marker="o", label=name)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 only when everything was published once."""
    parser = command_line("scale", __doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    asked = parser.parse_args(arguments)
    plan = [(size, punctual_options(asked, lead=lead_of(size))) for size in asked.sizes]
    return carry_out(asked, run_scale(plan, asked.latency_ms))


if __name__ == "__main__":
    sys.exit(main())
