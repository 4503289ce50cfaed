"""One worker process: arms, waits, claims ahead, lets go, sends, records: `activities` in time."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import simpy

from activities import departures, rush, seats, waiting
from bench.simulation.costs import PACED_SHARE, SENT_SHARE, Costs, Part, Stage
from bench.simulation.machines import GroupCommits, Machines, Step, chunks
from bench.simulation.system import System
from storage import group_commit

CHUNK = 10
"""Requests that leave one after the other without a look at anything else."""

AHEAD = departures.RELEASED_AHEAD.total_seconds()


class Networks:
    """What all workers share of each network: its pace, and the lock on it."""

    def __init__(self, world: simpy.Environment, system: System) -> None:
        """Nothing has left yet."""
        self.locks = [simpy.Resource(world) for _ in range(system.networks)]
        self._free = [0.0] * system.networks
        self._step = 1 / system.rate_per_second

    def moments(self, network: int, number: int, earliest: float) -> float:
        """When the first of them may leave; the others follow at the network's pace."""
        first = max(self._free[network], earliest)
        self._free[network] = first + number * self._step
        return first

    def place(self, number: int) -> float:
        """Seconds after the first."""
        return number * self._step


class WorkerProcess:
    """Holds what is armed for one second."""

    def __init__(
        self,
        world: simpy.Environment,
        machines: Machines,
        networks: Networks,
        costs: Costs,
        system: System,
        *,
        second: float,
    ) -> None:
        """`second` is the publish time of everything that it will arm."""
        self._world = world
        self._machines = machines
        self._networks = networks
        self._costs = costs
        self._system = system
        self._second = second
        self.loop = simpy.Resource(world)
        """Its event loop; a relay beside it takes turns with it."""
        self._waiting: Counter[int] = Counter()
        self._booked = 0
        self._crowd = 0
        self._departed = False
        self._rush_over = world.event()
        self._arming = GroupCommits(world, self._arm, most=group_commit.MOST)
        self._claiming = GroupCommits(world, self._claim_mixed, most=group_commit.MOST)
        self._recording = GroupCommits(world, self._record, most=group_commit.MOST)
        self.arrivals: list[tuple[float, int]] = []
        """When requests reached the network, and how many did at once."""
        self.recorded = 0
        world.process(self._depart())

    def arm(self, number: int, network: int) -> Step:
        """Take so many deliveries of a network, and hold them until their second."""
        yield from self._spend(Part.WORKER, Stage.ARMING, number)
        yield self._arming.add(number)
        if self._departed:
            yield from self._claim_late(number, network)
        else:
            self._waiting[network] += number
            self._booked += number

    def _depart(self) -> Step:
        """`Departures._depart`: claim ahead by the number that waits, release at the second."""
        while (wait := self._second - self._ahead() - self._world.now) > 0:
            yield self._world.timeout(min(wait, waiting.LOOK.total_seconds()))
        claimed: list[tuple[int, int, float]] = []
        while self._may_claim_ahead():
            for network, number in self._departures():
                self._waiting[network] -= number
                yield from self._claim(number, [network])
                moment = self._networks.moments(network, number, self._second)
                claimed.append((network, number, moment))
        yield self._world.timeout(max(0.0, self._second - AHEAD - self._world.now))
        self._crowd = sum(number for _, number, _ in claimed)
        self._world.process(self._watch_rush())
        for _, number, moment in claimed:
            yield self._world.timeout(self._costs.commit)
            self._leave(number, moment, in_crowd=True)
        self._departed = True
        late, self._waiting = self._waiting, Counter()
        yield self._world.timeout(max(0.0, self._second - self._world.now))
        for network, number in late.items():
            self._world.process(self._claim_late(number, network))

    def _ahead(self) -> float:
        if self._booked < departures.CROWD:
            return AHEAD
        needed = self._booked / self._system.claimed_per_second
        shortest = departures.SHORTEST_AHEAD.total_seconds()
        return min(shortest + needed, departures.LONGEST_AHEAD.total_seconds())

    def _may_claim_ahead(self) -> bool:
        is_crowd = self._booked >= departures.CROWD
        return is_crowd and self._waiting.total() > 0 and self._world.now < self._second - AHEAD

    def _departures(self) -> Iterator[tuple[int, int]]:
        """What waits now, in departures of each network in turn."""
        left = Counter(self._waiting)
        while left.total():
            for network in range(self._system.networks):
                if number := min(left[network], seats.MOST):
                    left[network] -= number
                    yield network, number

    def _claim_late(self, number: int, network: int) -> Step:
        """Claimed at its second, or after it, with whatever else is late."""
        yield self._claiming.add(number)
        moment = self._networks.moments(network, number, max(self._second, self._world.now))
        self._leave(number, moment, in_crowd=False)

    def _claim_mixed(self, number: int) -> Step:
        yield from self._claim(number, range(self._system.networks))

    def _claim(self, number: int, networks: Iterable[int]) -> Step:
        """A transaction. One at a time of a network gets past the question for its pace."""
        yield from self._spend(Part.WORKER, Stage.CLAIMING, number)
        yield from self._spend(Part.POSTGRES, Stage.CLAIMING, number * (1 - PACED_SHARE))
        with ExitStack() as locked:
            for network in networks:
                yield locked.enter_context(self._networks.locks[network].request())
            yield from self._spend(Part.POSTGRES, Stage.CLAIMING, number * PACED_SHARE)
            yield self._world.timeout(self._costs.commit)

    def _leave(self, number: int, moment: float, *, in_crowd: bool) -> None:
        sent = 0
        for size in chunks(number, CHUNK):
            at = moment + self._networks.place(sent)
            self._world.process(self._send(size, at, in_crowd=in_crowd))
            sent += size

    def _send(self, number: int, moment: float, *, in_crowd: bool) -> Step:
        """Requests, their answers, their receipts."""
        yield self._world.timeout(max(0.0, moment - self._world.now))
        yield from self._spend(Part.WORKER, Stage.SENDING, number * SENT_SHARE)
        self._world.process(self._spend(Part.POSTGRES, Stage.SENDING, number))
        yield from self._spend(Part.NETWORK, Stage.SENDING, number)
        self.arrivals.append((self._world.now - self._second, number))
        yield self._world.timeout(self._system.latency)
        yield from self._spend(Part.WORKER, Stage.SENDING, number * (1 - SENT_SHARE))
        if in_crowd:
            self._crowd -= number
            if not self._crowd and not self._rush_over.triggered:
                self._rush_over.succeed()
        yield self._rush_over
        yield self._recording.add(number)
        self.recorded += number

    def _watch_rush(self) -> Step:
        """Everything else waits for the crowd's answers, and not for ever."""
        if self._crowd:
            patience = rush.waited_for(self._crowd).total_seconds()
            yield self._world.timeout(max(0.0, self._second + patience - self._world.now))
        if not self._rush_over.triggered:
            self._rush_over.succeed()

    def _arm(self, number: int) -> Step:
        yield from self._spend(Part.POSTGRES, Stage.ARMING, number)
        yield self._world.timeout(self._costs.commit)

    def _record(self, number: int) -> Step:
        for part in (Part.API, Part.TEMPORAL):
            self._world.process(self._spend(part, Stage.RECORDING, number))
        yield from self._spend(Part.WORKER, Stage.RECORDING, number)
        yield from self._spend(Part.POSTGRES, Stage.RECORDING, number)
        yield self._world.timeout(self._costs.commit)

    def _spend(self, part: Part, stage: Stage, number: float) -> Step:
        """That part's time for so many deliveries; Python does one thing at a time."""
        seconds = number * self._costs.of(stage, part)
        if part is not Part.WORKER:
            yield from self._machines.work(part, seconds)
            return
        with self.loop.request() as turn:
            yield turn
            yield from self._machines.work(part, seconds)
