"""BullMQ with Redis and PostgreSQL doing the same work, set up as its documentation says.

One queue a network, and for each queue one Node process, so that both cores are used; delayed jobs
added in bulk; connections open before the moment; Redis with an append-only file.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.children import running
from bench.concurrency import each
from bench.contenders.node_project import FOLDER, installed_node, run_script
from bench.contenders.run import Run
from bench.lateness import judge
from bench.load import Load
from bench.processes import cpu_around, usage_of
from bench.redis_server import redis_child
from bench.sandboxes import SandboxProcess
from stack.children import Child
from stack.ports import Ports
from stack.running import running_stack

PATIENCE = timedelta(seconds=120)
"""After the publish time, before what is not published counts as missing."""
OPEN = "SELECT count(*) FROM deliveries WHERE status <> 'published'"
PUBLISHED = "SELECT network, text FROM deliveries WHERE status = 'published'"


class BullMQFailed(Exception):
    """It could not be set up; the text says why."""


@dataclass(frozen=True, kw_only=True)
class BullMQOptions:
    """How it is run."""

    concurrency: int
    """Jobs at once of each queue."""
    lead: timedelta
    """From the first job added to the publish time."""
    verbose: bool = False

    @property
    def name(self) -> str:
        """In tables and files."""
        return f"bullmq{self.concurrency}"


async def publish_with_bullmq(
    folder: Path, sandbox: SandboxProcess, load: Load, *, options: BullMQOptions
) -> Run:
    """One burst. Raises BullMQFailed, NodeNotUsable, StackError."""
    node = await installed_node()
    home = folder / options.name
    async with AsyncExitStack() as opened:
        ports = Ports.free()
        stack = await opened.enter_async_context(
            running_stack(home / "postgres", ports, only=("postgres",), quiet=not options.verbose)
        )
        redis_port = ports.temporal  # free, and nobody else's here
        database = stack.addresses.database
        environment = {
            **os.environ,
            "REDIS_PORT": str(redis_port),
            "DATABASE_URL": database,
            "SANDBOX_URL": sandbox.url,
            "NODE_ENV": "production",
        }
        redis = await opened.enter_async_context(
            running(home / "redis", [redis_child(home / "data", redis_port)])
        )
        jobs = await _jobs(sandbox, load)
        publish_at = (datetime.now(UTC) + options.lead).replace(microsecond=0)
        timed = await run_script(
            node, "schedule.mjs", environment, {**jobs, "publishAt": _ms(publish_at)}
        )
        workers = await opened.enter_async_context(
            running(
                home / "workers",
                [_worker(node, network, environment, options, home) for network in load.networks],
                verbose=options.verbose,
            )
        )
        left = (publish_at - datetime.now(UTC)).total_seconds()
        if left < 1:
            raise BullMQFailed(f"{options.name} was ready {1 - left:.1f} s late: --lead is short")
        pids = {child: workers.pid(child) for child in map(_name, load.networks)}
        pids |= {"redis": redis.pid("redis"), "postgres": stack.pid("postgres")}
        pids["sandbox"] = sandbox.pid
        before = usage_of(pids)
        cpu = await cpu_around(publish_at, pids)
        await _settled(database, publish_at + PATIENCE)
        after = usage_of(pids)
        arrivals = await sandbox.arrivals()
        told = await _published(database, load)
        public = {(one.network, one.mark) for one in arrivals}
        spent = sum(after[name].cpu_seconds - before[name].cpu_seconds for name in pids)
        return Run(
            contender=options.name,
            lateness=judge(load.expected, arrivals, publish_at),
            published=len(public & told),
            sends=await sandbox.sends(),
            cpu_seconds=cpu,
            facts={**timed, "cpu_ms_a_delivery": round(spent * 1000 / load.deliveries, 2)},
        )


async def _jobs(sandbox: SandboxProcess, load: Load) -> dict[str, Any]:
    """Rows of accounts and deliveries, with an account at the sandbox behind each of the first."""

    async def connect(key: tuple[str, str]) -> dict[str, Any]:
        made = await sandbox.account(*key)
        token = made["credentials"]["access_token"]
        return {"network": key[0], "remote_id": made["account_id"], "token": token}

    keys = [(network, user.handle) for user in load.users for network in load.networks]
    accounts = [
        {"id": number, **row} for number, row in enumerate(await each(16, keys, connect), start=1)
    ]
    id_of = {key: account["id"] for key, account in zip(keys, accounts, strict=True)}
    wanted = [(post, network) for post in load.posts() for network in load.networks]
    deliveries = [
        {
            "id": number,
            "account_id": id_of[network, post.user.handle],
            "network": network,
            "text": post.text,
        }
        for number, (post, network) in enumerate(wanted, start=1)
    ]
    return {"accounts": accounts, "deliveries": deliveries}


def _worker(
    node: str, network: str, environment: Mapping[str, str], options: BullMQOptions, home: Path
) -> Child:
    file = home / f"{network}.ready"

    async def ready() -> bool:
        return file.exists()

    own = {
        "NETWORK": network,
        "CONCURRENCY": str(options.concurrency),
        "READY_FILE": str(file),
    }
    return Child(
        name=_name(network),
        command=(node, "worker.mjs"),
        env={**environment, **own},
        cwd=FOLDER,
        ready=ready,
    )


def _name(network: str) -> str:
    return f"bullmq-{network}"


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


async def _settled(database: str, until: datetime) -> None:
    connection = await asyncpg.connect(database)
    try:
        while datetime.now(UTC) < until:
            if not await connection.fetchval(OPEN):
                return
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


async def _published(database: str, load: Load) -> set[tuple[str, str]]:
    """What its database calls published, by network and mark."""
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch(PUBLISHED)
    finally:
        await connection.close()
    marks = {post.text: post.mark for post in load.posts()}
    return {(row["network"], marks[row["text"]]) for row in rows}
