"""A place in a departure: what is armed waits in it, is claimed ahead, and leaves at its second."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from domain.networks import Network
from networks.protocol import Evidence, Target
from storage.claims import Claimed
from storage.delivery_state import DeliveryState

MOST = 200
"""Claims of one departure: so many are in doubt together when a worker dies in its middle."""


@dataclass(eq=False, kw_only=True, slots=True)
class Seat:
    """One part that waits for its second."""

    state: DeliveryState
    target: Target
    part: int
    evidence: Evidence
    second: "Second"
    claimed: "asyncio.Future[Claimed]"
    """Done when it is claimed, up to half a minute ahead: the attempt, or why there is none."""
    released: "asyncio.Future[bool]"
    """Done when the second has come: whether the attempt may be sent."""

    def give_up(self) -> bool:
        """Leave the queue again; False when it is being claimed: then it has to go."""
        was_waiting = self in self.second.waiting
        self.second.waiting.pop(self, None)
        return was_waiting

    def fail(self, error: Exception) -> None:
        """Whoever waits here is told why it goes no further."""
        waited_for = self.released if self.claimed.done() else self.claimed
        waited_for.set_exception(error)


@dataclass(eq=False, kw_only=True, slots=True)
class Second:
    """One publish time, and what waits for it in this process."""

    at: datetime
    """UTC."""
    waiting: dict[Seat, None] = field(default_factory=dict)
    """In the order of booking; two dispatches of one delivery may both be here."""
    booked: int = 0
    timer: asyncio.TimerHandle | None = None
    departing: "asyncio.Task[None] | None" = None

    def book(self, state: DeliveryState, target: Target, part: int, evidence: Evidence) -> Seat:
        """One more that waits."""
        loop = asyncio.get_running_loop()
        seat = Seat(
            state=state,
            target=target,
            part=part,
            evidence=evidence,
            second=self,
            claimed=loop.create_future(),
            released=loop.create_future(),
        )
        self.waiting[seat] = None
        self.booked += 1
        return seat


def fair_departures(waiting: Iterable[Seat]) -> Iterator[list[Seat]]:
    """In fair order: the urgent first, then the workspaces in turn; each of one network."""
    together: defaultdict[Network, list[Seat]] = defaultdict(list)
    for seat in _in_turn(waiting):
        departure = together[seat.state.network]
        departure.append(seat)
        if len(departure) == MOST:
            yield together.pop(seat.state.network)
    yield from together.values()


def _in_turn(waiting: Iterable[Seat]) -> Iterator[Seat]:
    queues: defaultdict[int, defaultdict[UUID, list[Seat]]]
    queues = defaultdict(lambda: defaultdict(list))
    for seat in waiting:
        queues[seat.state.priority][seat.state.workspace_id].append(seat)
    for _, by_workspace in sorted(queues.items()):
        for turn in zip_longest(*by_workspace.values()):
            yield from (seat for seat in turn if seat is not None)
