"""`make bench-cost`: what one post costs each part, stage by stage.

Processor time, rows and bytes in PostgreSQL, events and writes in Temporal. The simulation of
larger systems (`make simulate-scale`) has its costs from here, and none from any lateness.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
from temporalio.client import Client

from bench import figures
from bench.command import carry_out, command_line, http_client, punctual_options
from bench.contenders.punctual_client import PunctualClient, PunctualFailed
from bench.contenders.punctual_system import PunctualOptions, PunctualSystem, running_punctual
from bench.growth import Growth
from bench.lateness import judge
from bench.load import Load
from bench.results import Outcome, bench_folder
from bench.sandboxes import SandboxProcess, running_sandbox
from bench.sleepers import ASLEEP
from bench.stages import IDLE, Stopwatch
from runtime.settings import Settings
from stack.services import NAMESPACE

IDLE_SECONDS = 8.0
STARTS_A_SECOND = 40
"""No slower, or the posts are not asleep before the first is armed."""
PATIENCE = timedelta(seconds=120)

BEFORE_CLAIMS = 3.0
"""Seconds before the publish time: what is armed is armed, and no claim has begun."""
BEFORE_SENDING = 0.1
AFTER_SENDING = 0.4
"""Seconds after it: from then on is looked for the first receipt, which follows the last answer."""


async def run_cost(deliveries: int, options: PunctualOptions, latency_ms: float) -> Outcome:
    """One burst, with a look at every part after each stage."""
    load = Load.of(deliveries)
    posts = len(list(load.posts()))
    with bench_folder() as folder:
        async with (
            http_client() as http,
            running_sandbox(folder, http, latency_ms=latency_ms) as sandbox,
            running_punctual(folder, sandbox, http, options) as system,
        ):
            await system.client.populate(load)
            growth = Growth(system, http)
            await growth.begin()
            stopwatch, late = await _publish(system, sandbox, load)
            postgres = await growth.of_postgres(posts)
            temporal = await growth.of_temporal(posts)
    cpu = stopwatch.cpu_ms(deliveries)
    whole = sum(sum(parts.values()) for parts in cpu.values())
    return Outcome(
        name="cost",
        line=(
            f"cost: deliveries={deliveries} cpu_ms={whole:.2f}"
            f" postgres_bytes_a_post={postgres['packed_bytes']}"
            f" temporal_events_a_post={temporal['events']:.1f}"
            f" state_transitions_a_post={temporal['state_transitions']:.1f}"
            f" store_requests_a_post={sum(temporal['store_requests'].values()):.1f}"
            f" actions_a_post={sum(temporal['actions'].values()):.2f}"
        ),
        is_good=late,
        told={
            "deliveries": deliveries,
            "posts": posts,
            "stage_seconds": {
                stage.name: round(stage.seconds, 2) for stage in stopwatch.stages.values()
            },
            "idle_cores": {k: round(v, 4) for k, v in stopwatch.idle_cores().items()},
            "cpu_ms_a_delivery": cpu,
            "postgres_a_post": postgres,
            "temporal_a_post": temporal,
        },
        draw=partial(_draw, cpu),
    )


async def _publish(
    system: PunctualSystem, sandbox: SandboxProcess, load: Load
) -> tuple[Stopwatch, bool]:
    """Everything at one second; whether everything became public once. Raises PunctualFailed."""
    lead, armed_per_second = _arming()
    crowd = timedelta(seconds=load.deliveries / armed_per_second) + lead
    starting = timedelta(seconds=10 + load.deliveries / STARTS_A_SECOND)
    idle = timedelta(seconds=IDLE_SECONDS)
    publish_at = (datetime.now(UTC) + starting + idle + crowd).replace(microsecond=0)
    stopwatch = Stopwatch(system.pids)
    await system.client.schedule(load, publish_at)
    await _all_started(system.stack.addresses.database, publish_at - crowd - idle)
    stopwatch.ends("taking in")
    await asyncio.sleep(IDLE_SECONDS)
    stopwatch.ends(IDLE)
    for name, offset, status in (
        ("arming", -BEFORE_CLAIMS, "armed"),
        ("claiming", -BEFORE_SENDING, "sending"),
    ):
        await asyncio.sleep((publish_at - datetime.now(UTC)).total_seconds() + offset)
        stopwatch.ends(name)
        _require_all(load, await system.client.counts(), status)
    await asyncio.sleep((publish_at - datetime.now(UTC)).total_seconds() + AFTER_SENDING)
    await _first_receipt(system.client, publish_at + PATIENCE)
    stopwatch.ends("sending")
    await system.client.settled(publish_at + PATIENCE)
    await _all_ended(system.stack.addresses.temporal, publish_at + PATIENCE)
    stopwatch.ends("recording")
    late = judge(load.expected, await sandbox.arrivals(), publish_at)
    told = len(await system.client.published())
    print(f"  p99 {late.p99:.3f} s, last {late.last:.3f} s", flush=True)
    return stopwatch, late.is_complete and told == load.deliveries


def _arming() -> tuple[timedelta, float]:
    """The settings' defaults, which the run keeps."""
    fields = Settings.model_fields
    lead = timedelta(seconds=fields["arm_lead_seconds"].default)
    return lead, float(fields["armed_per_second"].default)


async def _all_started(database: str, until: datetime) -> None:
    """Return when each post has its workflow. Raises PunctualFailed."""
    connection = await asyncpg.connect(database)
    try:
        while waiting := await connection.fetchval("SELECT count(*) FROM outbox"):
            if datetime.now(UTC) > until:
                raise PunctualFailed(f"{waiting} posts have no workflow yet")
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


def _require_all(load: Load, counts: Counter[str], status: str) -> None:
    """Costs of stages that run into each other are nobody's. Raises PunctualFailed."""
    if counts[status] < load.deliveries:
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise PunctualFailed(f"this machine is too busy to measure costs: {told}, not all {status}")


async def _first_receipt(client: PunctualClient, until: datetime) -> None:
    """Return when something is published. Raises PunctualFailed."""
    while datetime.now(UTC) < until:
        if (await client.counts())["published"]:
            return
        await asyncio.sleep(0.02)
    raise PunctualFailed("nothing is published")


async def _all_ended(temporal: str, until: datetime) -> None:
    """Return when no post's workflow runs any more. Raises PunctualFailed."""
    client = await Client.connect(temporal, namespace=NAMESPACE)
    while running := (await client.count_workflows(ASLEEP)).count:
        if datetime.now(UTC) > until:
            raise PunctualFailed(f"{running} workflows still run")
        await asyncio.sleep(0.5)


def _draw(cpu: Mapping[str, Mapping[str, float]]) -> None:
    title = "Processor time of one delivery, by stage and part"
    with figures.figure("cost", title=title, x="", y="milliseconds") as axes:
        bottom = [0.0] * len(cpu)
        for part in next(iter(cpu.values())):
            heights = [parts[part] for parts in cpu.values()]
            axes.bar(list(cpu), heights, bottom=bottom, label=part)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 only when everything was published once."""
    parser = command_line("cost", __doc__)
    parser.add_argument("--n", type=int, default=2000, help="deliveries: half Facebook, half X")
    asked = parser.parse_args(arguments)
    return carry_out(asked, run_cost(asked.n, punctual_options(asked), asked.latency_ms))


if __name__ == "__main__":
    sys.exit(main())
