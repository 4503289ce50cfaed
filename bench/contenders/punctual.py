"""Punctual: scheduled through its API, and then left alone."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.contenders.punctual_client import PunctualFailed
from bench.contenders.punctual_system import PunctualOptions, running_punctual
from bench.contenders.run import Run
from bench.lateness import judge
from bench.load import Load
from bench.processes import cpu_around, usage_of
from bench.sandboxes import SandboxProcess
from networks.http_client import HttpClient

PATIENCE = timedelta(seconds=240)
"""After the publish time, before what is not settled counts as missing."""

LAST_LOOK = 2.0
"""Seconds before the publish time."""


async def publish_with_punctual(
    folder: Path,
    sandbox: SandboxProcess,
    load: Load,
    *,
    http: HttpClient,
    options: PunctualOptions,
) -> Run:
    """One burst. Raises PunctualFailed, StackError."""
    async with running_punctual(folder, sandbox, http, options) as system:
        client = system.client
        await client.populate(load)
        before = usage_of(system.pids)
        began = time.monotonic()
        publish_at = (datetime.now(UTC) + options.lead).replace(microsecond=0)
        schedule = client.schedule_one_by_one if options.one_by_one else client.schedule
        await schedule(load, publish_at)
        scheduling = time.monotonic() - began
        left = (publish_at - datetime.now(UTC)).total_seconds()
        print(
            f"  {load.deliveries} deliveries created in {scheduling:.1f} s,"
            f" {left:.1f} s before their second",
            flush=True,
        )
        if left <= LAST_LOOK:
            raise PunctualFailed("creating the posts took too long: a longer --lead is needed")
        await asyncio.sleep(left - LAST_LOOK)
        counts = await client.counts()
        print(f"  2 s before: {', '.join(f'{n} {what}' for what, n in counts.items())}", flush=True)
        cpu = await cpu_around(publish_at, system.pids)
        await client.settled(publish_at + PATIENCE)
        after = usage_of(system.pids)
        arrivals = await sandbox.arrivals()
        public = {(one.network, one.mark) for one in arrivals}
        spent = sum(after[name].cpu_seconds - before[name].cpu_seconds for name in before)
        return Run(
            contender="punctual",
            lateness=judge(load.expected, arrivals, publish_at),
            published=len(public & await client.published() & load.expected),
            sends=await sandbox.sends(),
            cpu_seconds=cpu,
            facts={
                "scheduling_seconds": round(scheduling, 2),
                "armed_two_seconds_before": counts["armed"],
                "cpu_ms_a_delivery": round(spent * 1000 / load.deliveries, 2),
            },
        )
