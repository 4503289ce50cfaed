"""`make bench-feed`: home feeds a second, kept and read anew, beside a bare FastAPI endpoint.

The bare endpoint answers the same bytes and does nothing else. One process of each kind serves;
they are measured in turns, so that a busy machine is busy for all of them. No Redis is on. Besides:
how long a reader waits who follows 5,000 accounts, and how soon a post of somebody with 100,000
followers is in their feeds.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from bench import figures, machine, results
from bench.bare_api import BARE_PATH
from bench.children import running
from bench.concurrency import each
from bench.feed_crowd import ORDINARY_FANS, Crowd, Somebody, gather_crowd
from bench.lateness import percentile
from networks.http_client import HttpClient
from stack.children import Child
from stack.errors import StackError
from stack.ports import HOST, Ports
from stack.readiness import http_answers
from stack.running import Stack, running_stack
from storage.database import Database
from storage.feed import home
from storage.tables import HomeEntryRow
from storage.users.access_tokens import AccessTokens

CONNECTIONS: Final = 64
ROUNDS: Final = 3
ROUND_SECONDS: Final = 5.0
HEAVY_REQUESTS: Final = 300
HEAVY_AT_ONCE: Final = 2
HOME: Final = "/v1/feed/home"


@dataclass(frozen=True, kw_only=True)
class Served:
    """One process under load, and who asks it for what."""

    url: str
    tokens: Sequence[str | None]


class Bench:
    """The running parts and the measurements."""

    def __init__(self, http: HttpClient, database: Database, crowd: Crowd) -> None:
        """`database` is the one behind the API processes."""
        self._http = http
        self._database = database
        self._crowd = crowd

    async def get(self, url: str, token: str | None) -> bytes:
        """The body of an answer. Raises RuntimeError for another than 200."""
        answer = await self._http.request("GET", url, bearer=token)
        if answer.status != 200:
            raise RuntimeError(f"{url}: {answer.status} {answer.body[:300]!r}")
        return answer.body

    async def per_second(self, served: Served) -> float:
        """CONNECTIONS at once, each asks again when it is answered."""
        numbers = count()
        begins = time.perf_counter()
        ends = begins + ROUND_SECONDS

        async def connection(_: int) -> int:
            asked = 0
            while time.perf_counter() < ends:
                await self.get(served.url, served.tokens[next(numbers) % len(served.tokens)])
                asked += 1
            return asked

        asked = await each(CONNECTIONS, range(CONNECTIONS), connection)
        return sum(asked) / (time.perf_counter() - begins)

    async def heavy_ms(self, api: str) -> list[float]:
        """How long each page took of a reader who follows every author, read anew."""

        async def once(_: int) -> float:
            began = time.perf_counter()
            await self.get(f"{api}{HOME}", self._crowd.heavy.token)
            return (time.perf_counter() - began) * 1000

        return list(await each(HEAVY_AT_ONCE, range(HEAVY_REQUESTS), once))

    async def star_ms(self, api: str) -> float:
        """From the request to publish until the last of the fans who are asked reads the post."""
        began = time.perf_counter()
        post = await self._publish(api, self._crowd.star)
        for fan in self._crowd.fans:
            await self._until_read(fan, post)
        return (time.perf_counter() - began) * 1000

    async def local_ms(self, api: str) -> float:
        """From the request to publish until it is written to each of ORDINARY_FANS feeds."""
        began = time.perf_counter()
        post = await self._publish(api, self._crowd.local)
        written = select(func.count()).where(HomeEntryRow.post_id == post)
        reached = 0
        while reached <= ORDINARY_FANS:  # and the author's own
            async with self._database.transaction() as session:
                reached = await session.scalar(written) or 0
            await asyncio.sleep(0.02)
        return (time.perf_counter() - began) * 1000

    async def _publish(self, api: str, author: Somebody) -> UUID:
        answer = await self._http.request(
            "POST", f"{api}/v1/feed/posts", bearer=author.token, json={"text": "News. #bread"}
        )
        if answer.status != 201:
            raise RuntimeError(f"publishing: {answer.status} {answer.body[:300]!r}")
        return UUID(str(answer.object["id"]))

    async def _until_read(self, reader: UUID, post: UUID) -> None:
        while True:
            async with self._database.transaction() as session:
                entries = await home.list_home(session, reader, before=None, limit=1)
            if post in {entry.post_id for entry in entries}:
                return
            await asyncio.sleep(0.001)


async def run() -> int:
    """Start everything, measure, keep, draw and print."""
    known = machine.facts()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(results.bench_folder())
        system = await stack.enter_async_context(
            running_stack(folder / "home", Ports.free(), only={"postgres", "migrations"})
        )
        database = Database(system.addresses.database, pool_size=4)
        stack.push_async_callback(database.close)
        http = HttpClient(timeout=timedelta(seconds=60), allow_private_addresses=True)
        stack.push_async_callback(http.close)
        print("Filling the feed ...", flush=True)
        keys = system.settings["AUTH_SIGNING_KEYS"].split(",")
        crowd = await gather_crowd(database, AccessTokens(keys, lifetime=timedelta(hours=1)))
        bench = Bench(http, database, crowd)
        ports = Ports.free()
        apis = [_api(system, ports.api, cached=True), _api(system, ports.sandbox, cached=False)]
        await stack.enter_async_context(running(folder / "apis", apis))
        cached, uncached = (f"http://{HOST}:{port}" for port in (ports.api, ports.sandbox))
        body = folder / "body.json"
        body.write_bytes(await bench.get(f"{cached}{HOME}", crowd.readers[0].token))
        await stack.enter_async_context(
            running(folder / "bare", [_bare(ports.worker_health, body)])
        )
        tokens = [reader.token for reader in crowd.readers]
        served = {
            "bare": Served(url=f"http://{HOST}:{ports.worker_health}{BARE_PATH}", tokens=[None]),
            "cached": Served(url=f"{cached}{HOME}", tokens=tokens),
            "uncached": Served(url=f"{uncached}{HOME}", tokens=tokens),
        }
        rates: dict[str, list[float]] = {name: [] for name in served}
        for _ in range(ROUNDS):
            for name, one in served.items():
                rates[name].append(await bench.per_second(one))
        heavy = sorted(await bench.heavy_ms(uncached))
        star, local = await bench.star_ms(cached), await bench.local_ms(cached)
        size = body.stat().st_size
    _report(known, rates, heavy, star_ms=star, local_ms=local, body_bytes=size)
    return 0


def _report(
    known: Mapping[str, object],
    rates: Mapping[str, list[float]],
    heavy: list[float],
    *,
    star_ms: float,
    local_ms: float,
    body_bytes: int,
) -> None:
    middle = {name: median(each_round) for name, each_round in rates.items()}
    p99 = percentile(heavy, 99)
    line = (
        f"feed: cached={middle['cached']:.0f}/s uncached={middle['uncached']:.0f}/s"
        f" bare={middle['bare']:.0f}/s ratio={middle['cached'] / middle['bare']:.2f}"
        f" home_5000_p99={p99:.0f}ms fan_out_100k={star_ms:.0f}ms"
    )
    results.keep(
        "feed",
        {
            "machine": known,
            "line": line,
            "rounds": {
                name: [round(rate) for rate in each_round] for name, each_round in rates.items()
            },
            "body_bytes": body_bytes,
            "home_5000_ms": {"p50": round(percentile(heavy, 50), 1), "p99": round(p99, 1)},
            "fan_out_100000_on_read_ms": round(star_ms, 1),
            "fan_out_5000_on_write_ms": round(local_ms, 1),
        },
    )
    with figures.figure("feed", title="Home feeds", x="", y="a second") as axes:
        names = ("bare", "cached", "uncached")
        bars = axes.bar(names, [middle[name] for name in names], color=figures.COLOURS)
        axes.bar_label(bars, fmt="{:.0f}")
    print(
        f"  a post of somebody with 5,000 followers is in all of their feeds in {local_ms:.0f} ms"
    )
    print(line, flush=True)


def _api(system: Stack, port: int, *, cached: bool) -> Child:
    name = "cached" if cached else "uncached"
    settings = {
        "API_PORT": str(port),
        "API_RATE_PER_MINUTE": "0",
        "FEED_CACHE_ENABLED": str(cached).lower(),
        "LOG_FORMAT": "json",  # a line for each request, as in production
        "REDIS_ENABLED": "false",
    }
    return Child(
        name=name,
        command=(sys.executable, "-m", "api"),
        env={**os.environ, **system.settings, **settings},
        ready=http_answers(port, "/readyz"),
    )


def _bare(port: int, body: Path) -> Child:
    return Child(
        name="bare",
        command=(sys.executable, "-m", "bench.bare_api", str(port), str(body)),
        env=dict(os.environ),
        ready=http_answers(port, BARE_PATH),
    )


def main() -> int:
    """1 when something does not start."""
    try:
        return asyncio.run(run())
    except StackError as error:
        print(f"bench-feed: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
