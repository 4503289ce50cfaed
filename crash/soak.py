"""`make soak`: posts for minutes on end, while processes die and networks fail by chance.

The product's own processes run, without points to stand at. Exit code 1 when anything is public
twice, or missing without a word.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from crash.customer import CustomerLeft
from crash.lateness import show_lateness
from crash.plants import Plant
from crash.report import show_deaths, tell_post
from crash.scenarios import ALL_NETWORKS
from crash.system import System, running_system
from crash.verdicts import SETTLED, Outcome, judge, line_of
from crash.weather import Weather
from stack.demo_posts import picture
from stack.errors import StackError

ACCOUNTS = 10
"""On each network."""

LEADS_SECONDS = (2.0, 20.0)
"""The shortest and the longest time from a request to its publish time."""

CROWD = 60
"""Posts in a row that leave at one second: more than a worker claims when it comes."""

CROWD_EVERY = 3
"""Of so many rows one is a crowd."""

CROWD_LEAD = timedelta(seconds=5)
"""From the last request of a crowd to its second."""

SETTLE_SECONDS = 180.0
"""After the storm, before a delivery counts as stuck."""

LAST_LOOK_SECONDS = 6.0


class Soak:
    """Posts, and what became of them."""

    def __init__(self, system: System, chance: random.Random, networks: Sequence[str]) -> None:
        """Call `connect` first."""
        self._networks = networks
        self._system = system
        self._customer = system.customer
        self._chance = chance
        self._run = uuid4().hex[:6]
        self._accounts: dict[str, list[str]] = {}
        self._media = ""
        self._mark_of: dict[str, str] = {}
        self._refused: list[str] = []

    async def connect(self) -> None:
        """Connect the accounts that posts go to, and upload their picture."""
        for network in self._networks:
            suffix = ".test" if network == "bluesky" else ""
            self._accounts[network] = [
                await self._customer.connect(network, f"soak{number}{suffix}")
                for number in range(ACCOUNTS)
            ]
        self._media = await self._customer.upload(picture(0))

    async def post(self, count: int, seconds: float) -> None:
        """Schedule so many posts, spread evenly over the time; a part of them leaves in crowds."""
        began, began_at = time.monotonic(), datetime.now(UTC)
        pace = seconds / count
        async with asyncio.TaskGroup() as posting:
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number * pace - time.monotonic()))
                row = number // CROWD
                if row % CROWD_EVERY:
                    lead = timedelta(seconds=self._chance.uniform(*LEADS_SECONDS))
                    publish_at = datetime.now(UTC) + lead
                else:
                    last = timedelta(seconds=(row + 1) * CROWD * pace)
                    publish_at = (began_at + last + CROWD_LEAD).replace(microsecond=0)
                posting.create_task(self._post(number, publish_at))

    async def settled(self) -> dict[str, dict[str, Any]]:
        """Every delivery by its post's mark, once all are settled or it took too long."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            shown = {
                self._mark_of[post["id"]]: dict(post["deliveries"][0])
                async for post in self._customer.posts()
                if post["id"] in self._mark_of
            }
            waiting = sum(one["status"] not in SETTLED for one in shown.values())
            if not waiting or time.monotonic() > deadline:
                return shown
            print(f"  {waiting} of {len(shown)} are not settled yet", flush=True)
            await asyncio.sleep(3)

    async def judge(self, deliveries: Mapping[str, Mapping[str, Any]]) -> list[Outcome]:
        """Count what is public; each bad case is printed."""
        public = await self._customer.public(self._accounts.get("feed", ()))
        outcomes = [Outcome.LOST for _ in self._refused]
        for told in self._refused:
            print(f"BAD lost: {told}")
        for post_id, mark in self._mark_of.items():
            delivery = deliveries[mark]
            verdict = judge(delivery, [public[delivery["network"], mark]])
            outcomes.append(verdict.outcome)
            if verdict.is_bad:
                print(f"\nBAD {verdict.outcome}: {delivery['network']}: {verdict.why}")
                await tell_post(self._customer, post_id, delivery, [mark])
        return outcomes

    async def _post(self, number: int, publish_at: datetime) -> None:
        mark = f"{self._run}-{number}"
        network = self._chance.choice(self._networks)
        body: dict[str, Any] = {
            "text": f"Soaked bread [{mark}]",
            "targets": [self._chance.choice(self._accounts[network])],
            "publish_at": publish_at.isoformat(),
        }
        if network == "instagram":
            body["media"] = [{"media_id": self._media, "alt_text": "Bread"}]
        try:
            self._mark_of[await self._customer.create(body, f"key-{mark}")] = mark
        except CustomerLeft as error:
            self._refused.append(f"{mark}: {error}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Storm:
    """How long and how hard."""

    posts: int
    minutes: float
    networks: Sequence[str]
    seed: int
    kill_every: float
    """Seconds, on average."""


async def run_soak(
    storm: Storm, *, plant: Plant | None = None, verbose: bool = False
) -> list[Outcome]:
    """How the posts ended."""
    chance = random.Random(storm.seed)
    async with running_system(plant=plant, gated=False, verbose=verbose) as system:
        soak = Soak(system, chance, storm.networks)
        weather = Weather(system, chance, storm.networks)
        await soak.connect()
        troubles = [
            asyncio.create_task(weather.kill(storm.kill_every)),
            asyncio.create_task(weather.disturb(1.0)),
        ]
        print(f"{storm.posts} posts in {storm.minutes:g} minutes ...", flush=True)
        await soak.post(storm.posts, storm.minutes * 60)
        await _end(troubles)
        await system.recover()
        await system.customer.sandbox("DELETE", "faults")
        print(f"  {', '.join(f'{n} × {what}' for what, n in sorted(weather.happened.items()))}")
        deliveries = await soak.settled()
        await asyncio.sleep(LAST_LOOK_SECONDS)
        outcomes = await soak.judge(deliveries)
        show_deaths(system.deaths)
        show_lateness(deliveries.values())
        return outcomes


async def _end(troubles: Sequence[asyncio.Task[None]]) -> None:
    for trouble in troubles:
        trouble.cancel()
    for trouble in troubles:
        with suppress(asyncio.CancelledError):
            await trouble


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m crash.soak", description=__doc__)
    parser.add_argument("--posts", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--networks", nargs="+", choices=ALL_NETWORKS, default=ALL_NETWORKS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-every", type=float, default=12.0, help="seconds, on average")
    parser.add_argument("--plant", type=Plant, choices=list(Plant), help="a bug to be found")
    parser.add_argument("--verbose", action="store_true", help="show what the processes print")
    asked = parser.parse_args(arguments)
    storm = Storm(
        posts=asked.posts,
        minutes=asked.minutes,
        networks=asked.networks,
        seed=asked.seed,
        kill_every=asked.kill_every,
    )
    try:
        outcomes = asyncio.run(run_soak(storm, plant=asked.plant, verbose=asked.verbose))
    except StackError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    print(line_of("soak", outcomes), flush=True)
    return 1 if {Outcome.DUPLICATES, Outcome.LOST} & set(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
