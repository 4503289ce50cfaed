"""What leaves together at one second: as many at once as there may be connections."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

from activities.waiting import Clock
from domain.networks import Network

MOST_UNDER_WAY = 3_000
"""Requests of one second to one network at once: each has a connection, a port and a file of its
own, and a network that answers in 200 ms is sent 15,000 a second with so many."""

PACED = timedelta(seconds=5)
"""What leaves later than this after its second leaves at its network's pace, and needs no other."""

SHORTEST = timedelta(seconds=2)
"""How long after a crowded second everything else waits for its requests, if it is a small one."""

ANSWERED_PER_SECOND = 3_000.0
"""What two busy cores get through; everything else waits longer for a larger crowd."""


def waited_for(crowd: int) -> timedelta:
    """How long after its second nothing else gets in the way of so many."""
    return max(SHORTEST, timedelta(seconds=crowd / ANSWERED_PER_SECOND))


class Rush:
    """The requests of one second, from the first that leaves to the last that is answered."""

    def __init__(self, at: datetime, crowd: int, clock: Clock) -> None:
        """`crowd` is how many leave at the second `at`, UTC."""
        self._at = at
        self._unanswered = crowd
        self._under_way: Counter[Network] = Counter()
        self._room: dict[Network, asyncio.Event] = {}
        self._over = asyncio.Event()
        patience = (at + waited_for(crowd) - clock()).total_seconds()
        self._end = asyncio.get_running_loop().call_later(max(patience, 0), self._over.set)

    @property
    def is_over(self) -> bool:
        """Whether all of them are answered."""
        return self._unanswered == 0

    async def let_go(self, network: Network, number: int, leaves_at: datetime) -> None:
        """Return when there is room for so many more; they are under way then.

        `leaves_at` is when the first of them leaves, UTC.
        """
        room = self._room.setdefault(network, asyncio.Event())
        is_paced = leaves_at > self._at + PACED
        while not is_paced and 0 < self._under_way[network] > MOST_UNDER_WAY - number:
            room.clear()
            await room.wait()
        self._under_way[network] += number

    def answered(self, network: Network) -> None:
        """One that was let go is over, whatever came of it."""
        self._under_way[network] -= 1
        self._room[network].set()
        self._unanswered -= 1
        if self.is_over:
            self._end.cancel()
            self._over.set()

    async def end(self) -> None:
        """Return when all are answered, or nothing should wait for them any longer."""
        await self._over.wait()
