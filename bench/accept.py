"""`make bench-accept`: how fast posts are taken in, beside an endpoint that does nothing.

100 connections each send the next request when the last one is answered. No worker runs meanwhile:
the outbox waits for it, and only the taking in is measured.
"""

import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

from bench import figures
from bench.children import running
from bench.command import carry_out, command_line, fresh_system, punctual_options
from bench.concurrency import each
from bench.contenders.node_project import installed_node, run_script
from bench.contenders.punctual_client import ROWS_OF_A_REQUEST, PunctualClient
from bench.contenders.punctual_system import PunctualOptions
from bench.lateness import percentile
from bench.load import Load, LoadPost
from bench.noop_api import NOOP_PATH
from bench.processes import usage_of
from bench.redis_server import redis_child
from bench.results import Outcome, bench_folder
from stack.ports import Ports

CONNECTIONS = 100
WARM_SECONDS = 2.0
USERS = 250
"""So many that no account is planned beyond its quota: whose is full gets a forecast with each."""
AHEAD = timedelta(days=30)
"""Publish times: nothing of it is due while it is measured."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What came of asking for a while."""

    per_second: float
    p50_ms: float
    p99_ms: float
    api_cpu_ms: float
    """Of the API's process, a request."""


async def run_accept(options: PunctualOptions, seconds: float, rows: int, users: int) -> Outcome:
    """Measure one after the other on the same system."""
    load = Load.of(users * 2, posts_of_a_user=1)
    async with fresh_system(options, latency_ms=0) as (system, _):
        client = system.client
        await client.populate(load)
        await system.stack.stop("worker")
        posts = list(load.posts())
        api = system.stack.pid("api")
        noop = await _pace(lambda n: _noop(client, posts[n % users]), seconds, api)
        taken = await _pace(lambda n: _post(client, posts[n % users], n), seconds, api)
        bulk = await _bulk_rate(client, rows)
    bullmq = await _bullmq_rates(rows)
    line = (
        f"accept: posts_per_second={taken.per_second:.0f} noop_per_second={noop.per_second:.0f}"
        f" ratio={taken.per_second / noop.per_second:.2f} p99_ms={taken.p99_ms:.0f}"
        f" bulk_rows_per_second={bulk:.0f} bullmq_add_per_second={bullmq['add_per_second']:.0f}"
        f" bullmq_bulk_per_second={bullmq['bulk_per_second']:.0f}"
    )
    print(f"  API's CPU a request: no-op {noop.api_cpu_ms:.2f} ms, post {taken.api_cpu_ms:.2f} ms")
    rates = {
        "no-op": noop.per_second,
        "POST /v1/posts": taken.per_second,
        "bulk rows": bulk,
        "BullMQ add": bullmq["add_per_second"],
        "BullMQ addBulk": bullmq["bulk_per_second"],
    }
    return Outcome(
        name="accept",
        line=line,
        is_good=taken.per_second > 0,
        told={"noop": asdict(noop), "posts": asdict(taken), "per_second": rates},
        draw=partial(_draw, rates),
    )


async def _pace(ask: Callable[[int], Awaitable[None]], seconds: float, api: int) -> Pace:
    """CONNECTIONS at once, for so long; the first moments do not count.

    `api` is the process that answers.
    """
    numbers = count()
    cpu_before = usage_of({"api": api})["api"].cpu_seconds
    begins = time.perf_counter() + WARM_SECONDS
    ends = begins + seconds
    took: list[float] = []

    async def connection(_: int) -> None:
        while (asked := time.perf_counter()) < ends:
            await ask(next(numbers))
            if asked >= begins:
                took.append(time.perf_counter() - asked)

    await each(CONNECTIONS, range(CONNECTIONS), connection)
    measured = time.perf_counter() - begins
    spent = usage_of({"api": api})["api"].cpu_seconds - cpu_before
    took.sort()
    return Pace(
        per_second=len(took) / measured,
        p50_ms=percentile(took, 50) * 1000,
        p99_ms=percentile(took, 99) * 1000,
        api_cpu_ms=spent * 1000 / next(numbers),
    )


async def _noop(client: PunctualClient, post: LoadPost) -> None:
    body = client.body(post, datetime.now(UTC) + AHEAD)
    await client.ask("POST", NOOP_PATH, client.key_of(post.user), body)


async def _post(client: PunctualClient, post: LoadPost, number: int) -> None:
    body = client.body(post, datetime.now(UTC) + AHEAD) | {"text": f"{post.text} {number}"}
    await client.ask("POST", "/v1/posts", client.key_of(post.user), body)


async def _bulk_rate(client: PunctualClient, rows: int) -> float:
    """Posts a second by bulk requests of their largest size, each row one delivery."""
    load = Load.of(
        rows, networks=("x",), posts_of_a_user=ROWS_OF_A_REQUEST // 10, users_of_a_workspace=10
    )
    await client.populate(load)
    began = time.perf_counter()
    await client.schedule(load, datetime.now(UTC) + AHEAD)
    return rows / (time.perf_counter() - began)


async def _bullmq_rates(jobs: int) -> dict[str, float]:
    node = await installed_node()
    port = Ports.free().sandbox
    asked = {"jobs": jobs, "atOnce": CONNECTIONS, "bulk": ROWS_OF_A_REQUEST}
    with bench_folder() as folder:
        async with running(folder / "redis", [redis_child(folder / "data", port)]):
            environment = {**os.environ, "REDIS_PORT": str(port), "NODE_ENV": "production"}
            return await run_script(node, "add.mjs", environment, asked)


def _draw(rates: dict[str, float]) -> None:
    with figures.figure("accept", title="Taken in", x="", y="a second") as axes:
        bars = axes.bar(list(rates), list(rates.values()), color=figures.COLOURS)
        axes.bar_label(bars, fmt="{:,.0f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when everything was answered as it should be, and something was."""
    parser = command_line("accept", __doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each endpoint")
    parser.add_argument("--rows", type=int, default=20_000, help="in bulk, and BullMQ's jobs")
    parser.add_argument("--users", type=int, default=USERS, help="who take turns at posting")
    asked = parser.parse_args(arguments)
    options = punctual_options(asked, commands={"api": (sys.executable, "-m", "bench.noop_api")})
    return carry_out(asked, run_accept(options, asked.seconds, asked.rows, asked.users))


if __name__ == "__main__":
    sys.exit(main())
