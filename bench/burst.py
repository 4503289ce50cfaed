"""`make bench-burst`: thousands of posts for one same second, and when each one is out."""

import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench import burst_report
from bench.command import carry_out, command_line, http_client, punctual_options
from bench.contenders.bullmq import BullMQOptions, publish_with_bullmq
from bench.contenders.punctual import publish_with_punctual
from bench.contenders.punctual_system import PunctualOptions
from bench.contenders.run import Run
from bench.load import Load
from bench.results import Outcome, bench_folder
from bench.sandboxes import SandboxProcess, running_sandbox
from networks.http_client import HttpClient

CONCURRENCIES = (10, 20, 200)
"""BullMQ's jobs at once, of each network's queue."""

Contender = Callable[[Path, SandboxProcess, Load], Awaitable[Run]]


@dataclass(frozen=True, kw_only=True)
class BurstOptions:
    """What the command was told."""

    deliveries: int
    rounds: int
    latency_ms: float
    punctual: PunctualOptions
    bullmq: tuple[BullMQOptions, ...]


async def run_burst(options: BurstOptions) -> Outcome:
    """Each contender in each round, on a database and networks that nobody used before."""
    runs: list[Run] = []
    async with http_client() as http:
        for number in range(1, options.rounds + 1):
            print(f"Round {number} of {options.rounds}", flush=True)
            load = Load.of(options.deliveries)
            for contend in _contenders(options, http):
                with bench_folder() as folder:
                    async with running_sandbox(
                        folder, http, latency_ms=options.latency_ms
                    ) as sandbox:
                        runs.append(await contend(folder, sandbox, load))
                burst_report.show(runs[-1])
    report = burst_report.BurstReport(runs)
    print(report.table())
    return report.outcome()


def _contenders(options: BurstOptions, http: HttpClient) -> Iterator[Contender]:
    yield partial(publish_with_punctual, http=http, options=options.punctual)
    for bullmq in options.bullmq:
        yield partial(publish_with_bullmq, options=bullmq)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 only when Punctual published everything once."""
    parser = command_line("burst", __doc__)
    parser.add_argument("--n", type=int, default=3000, help="deliveries: half Facebook, half X")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--lead", type=float, help="seconds from creating to publishing")
    parser.add_argument("--one-by-one", action="store_true", help="create posts without bulk")
    parser.add_argument("--skip-bullmq", action="store_true")
    asked = parser.parse_args(arguments)
    options = BurstOptions(
        deliveries=asked.n,
        rounds=asked.rounds,
        latency_ms=asked.latency_ms,
        punctual=punctual_options(
            asked,
            lead=timedelta(seconds=asked.lead or 20 + asked.n / 50),
            one_by_one=asked.one_by_one,
        ),
        bullmq=tuple(
            BullMQOptions(
                concurrency=concurrency,
                lead=timedelta(seconds=12 + asked.n / 1000),
                verbose=asked.verbose,
            )
            for concurrency in (() if asked.skip_bullmq else CONCURRENCIES)
        ),
    )
    return carry_out(asked, run_burst(options))


if __name__ == "__main__":
    sys.exit(main())
