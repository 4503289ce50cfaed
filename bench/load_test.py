"""`make load-test`: people who sign in, scroll, post, talk and look what is new, all at once.

Each round is the whole system as `make up` starts it, on a fresh data folder; what differs are
Redis and the feed cache, in all four combinations. Locust's users live in one process of their own
(`bench/social/`), each with a real Socket.IO connection. A wrong answer is an error like none at
all, a message that somebody did not see likewise, and so is a scheduled post that did not go out.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from bench.children import running
from bench.command import carry_out, http_client
from bench.lateness import percentile
from bench.load_report import LoadReport, Round, Scheduled, Variant, show
from bench.redis_server import redis_child
from bench.results import Outcome, bench_folder
from bench.social.plan import Plan, Resident
from bench.social.population import OFFICE, settle_people
from bench.social.samples import Recording, read_recording
from runtime.settings import Settings
from stack.children import Child
from stack.ports import HOST, Ports
from stack.running import Stack, running_stack
from storage.database import Database
from storage.users.passwords import Passwords

VARIANTS: Final = {
    "plain": Variant(redis=False, feed_cache=False),
    "cache": Variant(redis=False, feed_cache=True),
    "redis": Variant(redis=True, feed_cache=False),
    "both": Variant(redis=True, feed_cache=True),
}

PARTS: Final = ("postgres", "temporal", "sandbox", "api", "worker")
"""Whose processor time is told."""
ROUND_AT_MOST: Final = 900.0
"""Seconds of the people's process."""
LATE_AT_MOST: Final = 60.0
"""Seconds after the round in which the last scheduled post has to be out."""

_SCHEDULED: Final = """
    SELECT status, CAST(extract(epoch FROM sent_at - publish_at) AS float8) AS late
    FROM deliveries"""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What each round is. Times in seconds."""

    people: int
    pace: float
    """From one act of a person to the next."""
    seconds: float
    settle: float
    arrive_per_second: float


async def measure(
    load: Load, variants: Iterable[Variant], *, settings: Mapping[str, str], verbose: bool
) -> Outcome:
    """Round after round."""
    report = LoadReport(people=load.people)
    for variant in variants:
        print(f"{variant.label} ...", flush=True)
        one = await _round(load, variant, settings=settings, verbose=verbose)
        show(one)
        report.add(one)
    print(report.table(), flush=True)
    return report.outcome()


async def _round(
    load: Load, variant: Variant, *, settings: Mapping[str, str], verbose: bool
) -> Round:
    async with AsyncExitStack() as opened:
        folder = opened.enter_context(bench_folder())
        chosen, pids = dict(settings), {}
        if variant.redis:
            port = Ports.free().sandbox
            redis = redis_child(folder / "data", port)
            children = await opened.enter_async_context(running(folder / "redis", [redis]))
            chosen |= {"REDIS_URL": f"redis://{HOST}:{port}/0"}
            pids["redis"] = children.pid(redis.name)
        stack = await opened.enter_async_context(
            running_stack(
                folder / "home",
                Ports.free(),
                quiet=not verbose,
                overrides={**variant.settings, **chosen},
            )
        )
        pids |= {name: stack.pid(name) for name in PARTS}
        plan = await _plan(load, stack, pids)
        recording = await _live(plan, folder / "people", verbose=verbose)
        scheduled = await _scheduled(stack.addresses.database)
    return Round.of(variant, recording, people=load.people, scheduled=scheduled)


async def _plan(load: Load, stack: Stack, pids: Mapping[str, int]) -> Plan:
    """Register everybody."""
    password = secrets.token_urlsafe()
    return Plan(
        api=stack.addresses.api,
        password=password,
        residents=await _residents(load.people, stack, password),
        arrive_per_second=load.arrive_per_second,
        pace=load.pace,
        settle=load.settle,
        seconds=load.seconds,
        pids=pids,
    )


async def _residents(people: int, stack: Stack, password: str) -> tuple[Resident, ...]:
    async with _database(stack) as database, http_client() as http:
        return await settle_people(
            database,
            http,
            api=stack.addresses.api,
            people=people,
            password_hash=await _hash(password),
        )


@asynccontextmanager
async def _database(stack: Stack) -> AsyncIterator[Database]:
    database = Database(stack.addresses.database, pool_size=4)
    try:
        yield database
    finally:
        await database.close()


async def _hash(password: str) -> str:
    """At the cost that it has by default."""
    costs = Settings.model_fields
    passwords = Passwords(
        memory_kib=costs["password_hash_memory_kib"].default,
        passes=costs["password_hash_passes"].default,
        at_once=1,
    )
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


async def _live(plan: Plan, folder: Path, *, verbose: bool) -> Recording:
    """Run the people's process to its end."""
    planned, recorded = folder / "plan.json", folder / "recording.json"
    await asyncio.to_thread(plan.write, planned)
    people = Child(
        name="people",
        command=(sys.executable, "-m", "bench.social", str(planned), str(recorded)),
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        runs_once=True,
        ready_seconds=ROUND_AT_MOST,
    )
    async with running(folder, [people], verbose=verbose):
        return await asyncio.to_thread(read_recording, recorded)


async def _scheduled(database_url: str) -> Scheduled:
    """What became of the posts that were scheduled, once all are out or had their time."""
    connection = await asyncpg.connect(database_url)
    try:
        deadline = time.monotonic() + LATE_AT_MOST
        while True:
            rows = await connection.fetch(_SCHEDULED)
            late = sorted(row["late"] for row in rows if row["status"] == "published")
            if len(late) == len(rows) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.5)
    finally:
        await connection.close()
    return Scheduled(asked=len(rows), published=len(late), p99=percentile(late, 99))


def main() -> int:
    """1 when there was any error."""
    parser = argparse.ArgumentParser(prog="python -m bench.load_test", description=__doc__)
    parser.add_argument("--people", type=int, default=500, help=f"a multiple of {OFFICE}")
    parser.add_argument("--pace", type=float, default=8.0, help="seconds between a person's acts")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long it is measured")
    parser.add_argument("--settle", type=float, default=5.0, help="seconds before that")
    parser.add_argument("--arrive", type=float, default=12.0, help="sign in each second")
    parser.add_argument("--rounds", type=int, default=1, help="of each variant")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings")
    parser.add_argument("--keep", action="store_true", help="write its JSON and its plot")
    parser.add_argument("--verbose", action="store_true", help="show what the processes print")
    asked = parser.parse_args()
    if asked.people < OFFICE or asked.people % OFFICE:
        parser.error(f"--people has to be a multiple of {OFFICE}")
    load = Load(
        people=asked.people,
        pace=asked.pace,
        seconds=asked.seconds,
        settle=asked.settle,
        arrive_per_second=asked.arrive,
    )
    variants = [VARIANTS[name] for _ in range(asked.rounds) for name in asked.variants]
    settings = dict(pair.split("=", 1) for pair in asked.set)
    return carry_out(asked, measure(load, variants, settings=settings, verbose=asked.verbose))


if __name__ == "__main__":
    sys.exit(main())
