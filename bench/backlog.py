"""`make bench-backlog`: posts that are due already when the worker comes; how fast they go out."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from bench import figures
from bench.bare_temporal import bare_rate
from bench.command import carry_out, command_line, fresh_system, punctual_options
from bench.contenders.punctual_system import PunctualOptions
from bench.lateness import Lateness, judge
from bench.load import Load
from bench.processes import usage_of
from bench.results import Outcome

PATIENCE = timedelta(seconds=600)


async def run_backlog(deliveries: int, options: PunctualOptions, latency_ms: float) -> Outcome:
    """Create them while no worker runs, start it, and count."""
    load = Load.of(deliveries)
    alone = await bare_rate(deliveries // len(load.networks), len(load.networks), latency_ms)
    print(f"  Temporal alone: {alone:.0f} deliveries a second", flush=True)
    async with fresh_system(options, latency_ms=latency_ms) as (system, sandbox):
        client = system.client
        await client.populate(load)
        await system.stack.stop("worker")
        await client.schedule(load, "now")
        print(f"  {deliveries} deliveries are due, and no worker runs", flush=True)
        before = usage_of(system.pids)
        began = datetime.now(UTC)
        clock = time.monotonic()
        await system.stack.start("worker")
        ready = time.monotonic() - clock
        await client.settled(began + PATIENCE)
        after = usage_of(system.pids)
        late = judge(load.expected, await sandbox.arrivals(), began)
        told = len(await client.published())
    spent = {
        name: round(usage.cpu_seconds - (before[name].cpu_seconds if name in before else 0), 2)
        for name, usage in after.items()
    }
    print(f"  CPU seconds: {', '.join(f'{name} {value}' for name, value in spent.items())}")
    line = (
        f"backlog: n={deliveries} published={told} duplicates={late.duplicates}"
        f" deliveries_per_second={rate_of(late):.0f} first={late.seconds[0]:.1f}"
        f" last={late.last:.1f} temporal_alone={alone:.0f} ratio={rate_of(late) / alone:.2f}"
    )
    return Outcome(
        name="backlog",
        line=line,
        is_good=late.is_complete and told == deliveries,
        told={
            "temporal_alone_per_second": round(alone, 1),
            "worker_ready_seconds": round(ready, 2),
            "cpu_seconds": spent,
            "arrivals_by_second": _by_second(late),
        },
        draw=partial(_draw, late),
    )


def rate_of(late: Lateness) -> float:
    """Deliveries a second from the first arrival to the last."""
    span = late.last - late.seconds[0]
    return (late.published - 1) / span if span > 0 else float("nan")


def _by_second(late: Lateness) -> list[int]:
    counts = [0] * (int(late.last) + 1)
    for second in late.seconds:
        counts[max(0, int(second))] += 1
    return counts


def _draw(late: Lateness) -> None:
    title = f"A backlog of {late.expected:,} due deliveries"
    x = "seconds after the worker was started"
    with figures.figure("backlog", title=title, x=x, y="deliveries sent") as axes:
        axes.step(late.seconds, range(1, late.published + 1), where="post")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 only when everything was published once."""
    parser = command_line("backlog", __doc__)
    parser.add_argument("--n", type=int, default=6000, help="deliveries: half Facebook, half X")
    asked = parser.parse_args(arguments)
    return carry_out(asked, run_backlog(asked.n, punctual_options(asked), asked.latency_ms))


if __name__ == "__main__":
    sys.exit(main())
