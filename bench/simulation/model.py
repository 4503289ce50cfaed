"""One crowd on its way through a system: taken in, started, armed, claimed, sent, recorded.

Time runs in seconds from the creation of the first post. There is no chance in it: the same
system and the same costs always give the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

import simpy

from bench.contenders.punctual_client import ROWS_OF_A_REQUEST
from bench.simulation.costs import RELAY_SHARE, Costs, Part, Stage
from bench.simulation.machines import Machines, Step, chunks
from bench.simulation.system import System
from bench.simulation.worker import CHUNK, Networks, WorkerProcess
from relay import outbox_relay
from relay.post_workflows import Leads

PATIENCE = 3600.0
"""Seconds after the publish time, when what has not left has not left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of a crowd."""

    deliveries: int
    arrivals: Sequence[tuple[float, int]]
    """Seconds after the publish time, and how many requests reached their network then; in order.
    """
    recorded: int
    """How many have a receipt."""
    started: float
    """When the last post had its workflow, in seconds after the first was created."""

    @property
    def sent(self) -> int:
        """How many requests left."""
        return sum(number for _, number in self.arrivals)

    def lateness(self, percent: float) -> float:
        """By nearest rank, as in `bench/lateness.py`; infinite when so many never left."""
        wanted = self.deliveries * percent / 100
        sums = accumulate(number for _, number in self.arrivals)
        return next(
            (at for (at, _), so_far in zip(self.arrivals, sums, strict=True) if so_far >= wanted),
            float("inf"),
        )

    @property
    def per_second(self) -> float:
        """From the first arrival to the last."""
        return (self.sent - 1) / (self.arrivals[-1][0] - self.arrivals[0][0])


def publish(system: System, costs: Costs, deliveries: int, *, lead: float) -> Answer:
    """So many deliveries for one second, `lead` seconds after the first post is created.

    A `lead` of zero is a backlog: everything was created before, and is due.
    """
    world = simpy.Environment()
    crowd = _Crowd(world, system, costs, deliveries, second=lead)
    world.run(until=lead + PATIENCE)
    return crowd.answer()


def fall_asleep(system: System, costs: Costs, posts: int) -> Answer:
    """So many posts of one delivery that are not due for long."""
    world = simpy.Environment()
    crowd = _Crowd(world, system, costs, posts, second=1e9)
    world.run(until=crowd.all_started)
    return crowd.answer()


class _Crowd:
    """Deliveries of one second, from their creation on."""

    def __init__(
        self,
        world: simpy.Environment,
        system: System,
        costs: Costs,
        deliveries: int,
        *,
        second: float,
    ) -> None:
        self._world = world
        self._system = system
        self._costs = costs
        self._deliveries = deliveries
        self._second = second
        self._machines = Machines(world, system, costs)
        networks = Networks(world, system)
        self._workers = [
            WorkerProcess(world, self._machines, networks, costs, system, second=second)
            for _ in range(system.workers)
        ]
        self._leads = Leads(
            prepare=timedelta(0),
            arm=timedelta(seconds=system.arm_lead),
            armed_per_second=system.armed_per_second,
            heartbeat_timeout=timedelta(0),
        )
        self._outbox = simpy.Container(world)
        self._started = 0
        self._started_at = 0.0
        if second:
            world.process(self._create())
        else:
            self._outbox.put(deliveries)
        self.all_started = world.all_of(
            [
                world.process(self._relay(worker))
                for worker in self._workers
                for _ in range(outbox_relay.AT_ONCE // CHUNK)
            ]
        )

    def answer(self) -> Answer:
        return Answer(
            deliveries=self._deliveries,
            arrivals=sorted(one for worker in self._workers for one in worker.arrivals),
            recorded=sum(worker.recorded for worker in self._workers),
            started=self._started_at,
        )

    def _create(self) -> Step:
        for number in chunks(self._deliveries, ROWS_OF_A_REQUEST):
            for part, share in ((Part.API, 1.0), (Part.POSTGRES, 1 - RELAY_SHARE)):
                cpu = number * share * self._costs.of(Stage.TAKING_IN, part)
                yield from self._machines.work(part, cpu)
            yield self._world.timeout(self._costs.commit)
            yield self._outbox.put(number)

    def _relay(self, worker: WorkerProcess) -> Step:
        """From the outbox to Temporal, and then each on its own way."""
        while self._started < self._deliveries:
            number = min(CHUNK, self._deliveries - self._started)
            before = self._started
            self._started += number
            yield self._outbox.get(number)
            for part, share in ((Part.POSTGRES, RELAY_SHARE), (Part.TEMPORAL, 1.0)):
                cpu = number * share * self._costs.of(Stage.TAKING_IN, part)
                yield from self._machines.work(part, cpu)
            with worker.loop.request() as turn:
                yield turn
                cpu = number * self._costs.of(Stage.TAKING_IN, Part.WORKER)
                yield from self._machines.work(Part.WORKER, cpu)
            self._started_at = self._world.now
            self._world.process(self._hand_over(number, before))

    def _hand_over(self, number: int, before: int) -> Step:
        """When its time has come, Temporal gives it to a worker."""
        lead = self._leads.arm_in_crowd(before).total_seconds()
        yield self._world.timeout(max(0.0, self._second - lead - self._world.now))
        yield from self._machines.work(
            Part.TEMPORAL, number * self._costs.of(Stage.ARMING, Part.TEMPORAL)
        )
        for offset, size in enumerate(chunks(number, -(-number // self._system.networks))):
            place = before // CHUNK + offset
            worker = self._workers[before // CHUNK % len(self._workers)]
            self._world.process(worker.arm(size, place % self._system.networks))
