"""Processors that parts share or have to themselves, and the two ways in which work queues here."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

import simpy

from bench.simulation.costs import Costs, Part
from bench.simulation.system import System

SLICE = 0.005
"""Seconds that a part keeps a core that others want, as a kernel's scheduler would give it."""

Step = Generator[simpy.Event, Any, None]
"""Something that takes simulated time."""


class Machines:
    """The cores of a system."""

    def __init__(self, world: simpy.Environment, system: System, costs: Costs) -> None:
        """Parts that share cores also share them with what idling takes."""
        self._world = world
        self._slowness = 1.0
        self._slice: float | None = None
        self._cores: dict[Part, simpy.Resource] = {}
        if system.shared_cores is None:
            self._cores = {
                Part.POSTGRES: simpy.Resource(world, system.postgres_cores),
                Part.TEMPORAL: simpy.Resource(world, system.temporal_cores),
                Part.API: simpy.Resource(world, system.api_cores),
                Part.WORKER: simpy.Resource(world, system.workers),
            }
            return
        shared = simpy.Resource(world, int(system.shared_cores))
        self._cores = dict.fromkeys(Part, shared)
        self._slice = SLICE
        self._slowness = system.shared_cores / (system.shared_cores - costs.idle_cores)

    def work(self, part: Part, seconds: float) -> Step:
        """Take a core for so long; networks of a real system take none of ours."""
        cores = self._cores.get(part)
        if cores is None:
            return
        left = seconds * self._slowness
        while left > 1e-9:
            now = left if self._slice is None else min(left, self._slice)
            with cores.request() as core:
                yield core
                yield self._world.timeout(now)
            left -= now


class GroupCommits:
    """Like `storage/group_commit.py`: what waits while one commits goes into the next."""

    def __init__(
        self, world: simpy.Environment, commit: Callable[[int], Step], *, most: int
    ) -> None:
        """`commit` takes the time of a transaction over so many items."""
        self._world = world
        self._commit = commit
        self._most = most
        self._waiting: list[tuple[int, simpy.Event]] = []
        self._runs = False

    def add(self, items: int) -> simpy.Event:
        """Happens when they are committed."""
        done = self._world.event()
        self._waiting.append((items, done))
        if not self._runs:
            self._runs = True
            self._world.process(self._run())
        return done

    def _run(self) -> Step:
        while self._waiting:
            batch = [self._waiting.pop(0)]
            size = batch[0][0]
            while self._waiting and size + self._waiting[0][0] <= self._most:
                batch.append(self._waiting.pop(0))
                size += batch[-1][0]
            yield from self._commit(size)
            for _, done in batch:
                done.succeed()
        self._runs = False


def chunks(number: int, size: int) -> Iterator[int]:
    """So many, in pieces of that size and a last one."""
    for first in range(0, number, size):
        yield min(size, number - first)
