"""What goes wrong by chance during a soak: processes die, networks fail."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

from crash.system import System

VICTIMS = ("api", "worker", "temporal", "postgres")

LONGEST_PAUSE_SECONDS = 2.0
"""Between a death and the restart."""

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "drop_before_commit"},
    {"kind": "drop_after_commit"},
    {"kind": "error_after_commit"},
    {"kind": "late_answer", "seconds": 4.0},
    {"kind": "malformed_json"},
    {"kind": "latency", "seconds": 1.5},
    {"kind": "rate_limited", "retry_after_seconds": 2},
    {"kind": "answer", "status": 503},
)


GRAPH = frozenset({"facebook", "instagram"})
"""They name the time to wait in minutes: too long for a soak."""


class Weather:
    """Seeded, so that the same seed plans the same storms."""

    def __init__(self, system: System, chance: random.Random, networks: Sequence[str]) -> None:
        """Nothing happens before `kill` or `disturb` runs."""
        self._networks = [network for network in networks if network != "feed"]
        self._system = system
        self._chance = chance
        self.happened: Counter[str] = Counter()

    async def kill(self, every: float) -> None:
        """SIGKILL one part after the other, `every` so many seconds on average, for ever."""
        deck: list[str] = []
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * every)
            deck = deck or self._chance.sample(VICTIMS, k=len(VICTIMS))
            victim = deck.pop()
            self.happened[f"SIGKILL {victim}"] += 1
            pause = self._chance.uniform(0, LONGEST_PAUSE_SECONDS)
            await self._system.restart(victim, pause=pause)

    async def disturb(self, every: float) -> None:
        """Order one fault of one network after the other, for ever."""
        while self._networks:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * every)
            network, fault = self._chance.choice(self._networks), self._chance.choice(FAULTS)
            if network in GRAPH and fault["kind"] == "rate_limited":
                continue
            order = {
                **fault,
                "network": network,
                "operation": "publish",
                "times": self._chance.randint(1, 3),
            }
            self.happened[f"network {fault['kind']}"] += 1
            await self._system.customer.sandbox("POST", "faults", order)
