"""`make bench-sleepers`: a hundred thousand sleeping posts: their cost, a restart, and then some.

Each is one workflow that sleeps for a month. After everything was stopped and started again, some
of them are moved to one same second, and have to be on time.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from temporalio.client import Client
from temporalio.service import RPCError

from bench import figures
from bench.command import carry_out, command_line, fresh_system, punctual_options
from bench.concurrency import each
from bench.contenders.punctual_client import REQUESTS_AT_ONCE, PunctualClient, PunctualFailed
from bench.contenders.punctual_system import PunctualOptions, PunctualSystem
from bench.lateness import Lateness, judge
from bench.load import Load, LoadPost
from bench.processes import usage_of
from bench.results import Outcome
from stack.services import NAMESPACE

ASLEEP = "WorkflowType = 'PublishPost' AND ExecutionStatus = 'Running'"
SLEEP = timedelta(days=30)
REST_SECONDS = 10.0
"""After the last start, before memory is looked at."""
STARTS_A_SECOND = 20
"""Slower than that, and something is wrong."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How the number of sleeping posts grew: seconds since the first was created, and how many."""

    points: tuple[tuple[float, int], ...]
    created_seconds: float

    @property
    def started_seconds(self) -> float:
        """Until all of them slept."""
        return self.points[-1][0]


async def run_sleepers(sleepers: int, due: int, options: PunctualOptions) -> Outcome:
    """Put them to sleep, restart everything, wake some."""
    load = Load.of(
        sleepers, networks=("x",), posts_of_a_user=max(1, sleepers // 500), users_of_a_workspace=10
    )
    async with fresh_system(options, latency_ms=200) as (system, sandbox):
        await system.client.populate(load)
        before = usage_of(system.pids)
        growth = await _put_to_sleep(system, load)
        await asyncio.sleep(REST_SECONDS)
        after = usage_of(system.pids)
        memory = {
            name: round((usage.memory_bytes - before[name].memory_bytes) / sleepers)
            for name, usage in after.items()
        }
        print(f"  bytes of memory a post: {memory}", flush=True)
        restart = await _restart(system, sleepers)
        print(f"  all healthy {restart:.1f} s after the start", flush=True)
        woken = oldest_and_youngest(load, due)
        publish_at = await _wake(system.client, woken)
        await _published(system.client, len(woken), publish_at + timedelta(seconds=120))
        expected = {("x", post.mark) for post in woken}
        late = judge(expected, await sandbox.arrivals(), publish_at)
    return Outcome(
        name="sleepers",
        line=_line(sleepers, growth, memory, restart, late),
        is_good=late.is_complete,
        told={
            "memory_bytes_a_post": memory,
            "memory_bytes": {name: usage.memory_bytes for name, usage in after.items()},
            "created_seconds": growth.created_seconds,
            "started_seconds": growth.started_seconds,
        },
        draw=partial(_draw, growth, sleepers),
    )


def _line(
    sleepers: int, growth: Growth, memory: dict[str, int], restart: float, late: Lateness
) -> str:
    whole = sum(memory.values())
    return (
        f"sleepers: n={sleepers} started_seconds={growth.started_seconds:.0f}"
        f" memory_bytes_per_post={whole} temporal={memory['temporal']} worker={memory['worker']}"
        f" postgres={memory['postgres']} healthy_after_restart_seconds={restart:.1f}"
        f" due={late.expected} published={late.published} duplicates={late.duplicates}"
        f" p99={late.p99:.3f} last={late.last:.3f}"
    )


def oldest_and_youngest(load: Load, number: int) -> list[LoadPost]:
    """So many posts, of as many users as there are: no account is asked beyond its quota."""
    posts = list(load.posts())
    young = number // 2
    return posts[: number - young] + posts[len(posts) - young :]


async def _put_to_sleep(system: PunctualSystem, load: Load) -> Growth:
    """Create them all, and return when each has its workflow. Raises PunctualFailed."""
    began = time.monotonic()
    creating = asyncio.create_task(system.client.schedule(load, datetime.now(UTC) + SLEEP))
    points = [(0.0, 0)]
    created = 0.0
    limit = 120 + load.deliveries / STARTS_A_SECOND
    while points[-1][1] < load.deliveries:
        await asyncio.sleep(1)
        points.append((time.monotonic() - began, await _asleep(system)))
        if not created and creating.done():
            creating.result()
            created = time.monotonic() - began
            print(f"  {load.deliveries} posts created in {created:.0f} s", flush=True)
        if points[-1][0] > limit:
            raise PunctualFailed(f"only {points[-1][1]} workflows run after {limit:.0f} s")
    print(f"  all asleep after {points[-1][0]:.0f} s", flush=True)
    return Growth(points=tuple(points), created_seconds=created or points[-1][0])


async def _asleep(system: PunctualSystem) -> int:
    client = await Client.connect(system.stack.addresses.temporal, namespace=NAMESPACE)
    return (await client.count_workflows(ASLEEP)).count


async def _restart(system: PunctualSystem, sleepers: int) -> float:
    """Stop every part and start it; seconds until all answer, and Temporal counts every post."""
    await system.stack.stop_all()
    began = time.monotonic()
    await system.stack.start_all()
    while time.monotonic() - began < 120:
        try:
            if await _asleep(system) >= sleepers:
                return time.monotonic() - began
        except RPCError:
            pass  # it serves, and is still busy with its start
        await asyncio.sleep(0.2)
    raise PunctualFailed("the sleeping posts are not all there after the restart")


async def _wake(client: PunctualClient, woken: Sequence[LoadPost]) -> datetime:
    """Move them to one same second; which one."""
    ids = client.post_ids()
    ahead = timedelta(seconds=30 + len(woken) / 25)
    publish_at = (datetime.now(UTC) + ahead).replace(microsecond=0)

    async def move(post: LoadPost) -> None:
        await client.move(post.user, ids[post.mark], publish_at)

    await each(REQUESTS_AT_ONCE, woken, move)
    left = (publish_at - datetime.now(UTC)).total_seconds()
    print(f"  {len(woken)} moved to one second, {left:.1f} s before it", flush=True)
    return publish_at


async def _published(client: PunctualClient, wanted: int, until: datetime) -> None:
    """Return when so many are published, or at `until`."""
    while datetime.now(UTC) < until:
        if (await client.counts())["published"] >= wanted:
            return
        await asyncio.sleep(1)


def _draw(growth: Growth, sleepers: int) -> None:
    title = f"{sleepers:,} posts put to sleep"
    with figures.figure("sleepers", title=title, x="seconds", y="sleeping workflows") as axes:
        axes.plot(*zip(*growth.points, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 only when every woken post was published once."""
    parser = command_line("sleepers", __doc__)
    parser.add_argument("--n", type=int, default=100_000, help="sleeping posts")
    parser.add_argument("--due", type=int, default=1_000, help="of them, woken after the restart")
    asked = parser.parse_args(arguments)
    return carry_out(asked, run_sleepers(asked.n, asked.due, punctual_options(asked)))


if __name__ == "__main__":
    sys.exit(main())
