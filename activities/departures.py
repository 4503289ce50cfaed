"""Everything that leaves at one second: claimed together shortly before it, let go when it comes.

A crowd cannot be claimed at its second without being late. So it is claimed ahead, in departures of
one transaction each. A departure is released by one small write when its second has come; until
then none of its requests left, for certain, so a worker that dies before has sent nothing.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from temporalio.exceptions import ApplicationError

from activities.rush import MOST_UNDER_WAY, Rush
from activities.seats import Seat, Second, fair_departures
from activities.waiting import LOOK, PLANNED, Clock, wait_until
from contracts.failures import FailureType
from domain.ids import new_id
from domain.networks import Network
from networks.protocol import Evidence, NetworkAdapter, Target
from storage.claims import Claim
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.publishing import PublishingStore

log = structlog.get_logger(__name__)

CROWD = 25
"""Fewer than these leave in time when they are claimed at their second."""

CLAIMED_PER_SECOND = 1000.0
"""What two busy cores claim; a crowd is claimed ahead by as long as it takes."""

SHORTEST_AHEAD = timedelta(milliseconds=500)
LONGEST_AHEAD = timedelta(seconds=30)
"""What is claimed can no longer be changed: never for longer than this before its time."""

RELEASED_AHEAD = timedelta(milliseconds=20)
"""What the first release may take."""

RELEASE_LIFETIME = timedelta(seconds=15)
"""After its second a departure is left to be revoked: released then, what is no longer sent because
its claim grew too old could not be told from what was."""

TAKEN_OVER = timedelta(milliseconds=200)
"""Until another worker is asked for what one that stops hands on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Departure:
    """What was claimed together, all for one network."""

    id: UUID
    network: Network
    won: Sequence[tuple[Seat, OpenAttempt]]


class Departures:
    """Holds what is armed in this process, by the second at which it leaves."""

    def __init__(
        self,
        store: PublishingStore,
        adapters: Mapping[Network, NetworkAdapter],
        clock: Clock,
        *,
        crowd: int = CROWD,
        claimed_per_second: float = CLAIMED_PER_SECOND,
    ) -> None:
        """`store` keeps the claims; so many of one second, or more, are claimed ahead.

        `claimed_per_second` is what this process gets through while all others claim too.
        """
        self._adapters = adapters
        self._store = store
        self._clock = clock
        self._crowd = crowd
        self._claimed_per_second = claimed_per_second
        self._seconds: dict[datetime, Second] = {}
        self._rushes: dict[datetime, Rush] = {}
        self._is_stopping = False

    def book(self, state: DeliveryState, target: Target, part: int, evidence: Evidence) -> Seat:
        """Take a place; one whose time has come is claimed at once. None is free when stopping."""
        second = self._seconds.get(state.publish_at)
        if second is None:
            second = self._seconds[state.publish_at] = Second(at=state.publish_at)
        seat = second.book(state, target, part, evidence)
        if self._is_stopping:
            self._hand_on(seat)
        elif second.departing is None:
            self._set_timer(second)
        return seat

    def stop(self) -> None:
        """Hand on what nobody has begun to claim; what is claimed leaves at its second."""
        self._is_stopping = True
        for seat in self.waiting(None):
            self._hand_on(seat)

    def waiting(self, post_ids: Collection[UUID] | None) -> list[Seat]:
        """The seats that nobody has begun to claim: of these posts, or of all for None."""
        return [
            seat
            for second in self._seconds.values()
            for seat in second.waiting
            if post_ids is None or seat.state.post_id in post_ids
        ]

    def send_back(self, seats: Iterable[Seat]) -> None:
        """Let them look at their deliveries again, as who lost a claim does."""
        for seat in seats:
            if seat.give_up():
                seat.claimed.set_result(None)

    def _hand_on(self, seat: Seat) -> None:
        if seat.give_up():
            error = ApplicationError(
                "The worker stops before the publish time; another one takes over.",
                type=FailureType.WORKER_STOPPING,
                category=PLANNED,
                next_retry_delay=TAKEN_OVER,
            )
            seat.fail(error)

    def answered(self, publish_at: datetime, network: Network) -> None:
        """One of the requests that left together is over, whatever came of it."""
        if (rush := self._rushes.get(publish_at)) is not None:
            rush.answered(network)
            if rush.is_over:
                del self._rushes[publish_at]

    async def after_rush(self, publish_at: datetime) -> None:
        """Return when the requests of that second are answered: nothing else is urgent before.

        Not much later than they should be, however slow the network is.
        """
        if (rush := self._rushes.get(publish_at)) is not None:
            await rush.end()

    def _set_timer(self, second: Second) -> None:
        """Depart earlier the more there is to claim."""
        if second.timer is not None:
            second.timer.cancel()
        wait = (second.at - self._ahead(second) - self._clock()).total_seconds()
        if wait <= 0:
            second.departing = asyncio.create_task(self._depart(second))
            return
        loop = asyncio.get_running_loop()
        second.timer = loop.call_later(min(wait, LOOK.total_seconds()), self._set_timer, second)

    def _ahead(self, second: Second) -> timedelta:
        if second.booked < self._crowd:
            return RELEASED_AHEAD
        needed = timedelta(seconds=second.booked / self._claimed_per_second)
        return min(SHORTEST_AHEAD + needed, LONGEST_AHEAD)

    async def _depart(self, second: Second) -> None:
        warming = asyncio.create_task(self._warm(list(second.waiting)))
        departures = await self._claim_ahead(second)
        await wait_until(second.at - RELEASED_AHEAD, self._clock)
        warming.cancel()  # a slow server must not make anybody late
        leaving = asyncio.create_task(self._let_go(second.at, departures))
        del self._seconds[second.at]
        late = list(second.waiting)
        second.waiting.clear()
        await wait_until(second.at, self._clock)
        await asyncio.gather(leaving, *(self._claim_now(seat) for seat in late))

    async def _claim_ahead(self, second: Second) -> list[_Departure]:
        """Departures in the order of leaving; what comes while a crowd is claimed comes along."""
        claimed = []
        while len(second.waiting) and self._may_claim_ahead(second):
            for seats in fair_departures(second.waiting):
                if not self._may_claim_ahead(second):
                    break  # what is left leaves on time no more; what is claimed shall
                present = [seat for seat in seats if seat.give_up()]
                if present and (departure := await self._claim_together(present)).won:
                    claimed.append(departure)
        return claimed

    async def _warm(self, seats: Sequence[Seat]) -> None:
        """Open connections for a crowd: thousands at its second would keep it from leaving."""
        crowds: Counter[tuple[Network, str | None]] = Counter()
        targets = {}
        for seat in seats:
            server = (seat.state.network, seat.target.base_url)
            crowds[server] += 1
            targets[server] = seat.target
        await asyncio.gather(
            *(
                self._adapters[server[0]].warm(targets[server], min(number, MOST_UNDER_WAY))
                for server, number in crowds.items()
                if number >= self._crowd
            )
        )

    def _may_claim_ahead(self, second: Second) -> bool:
        return second.booked >= self._crowd and self._clock() < second.at - RELEASED_AHEAD

    async def _claim_together(self, seats: Sequence[Seat]) -> _Departure:
        """Those that won compose their requests now; the others learn why they did not."""
        departure_id, network = new_id(), seats[0].state.network
        claims = [
            Claim(
                state=seat.state,
                part=seat.part,
                evidence=seat.evidence,
                leaves_at=seat.second.at,
                departure_id=departure_id,
            )
            for seat in seats
        ]
        try:
            answers = await self._store.claim_together(claims)
        except Exception as error:  # noqa: BLE001  it belongs to those who wait
            for seat in seats:
                seat.fail(error)
            return _Departure(id=departure_id, network=network, won=())
        won = []
        for seat, answer in zip(seats, answers, strict=True):
            if isinstance(answer, OpenAttempt):
                won.append((seat, answer))
            seat.claimed.set_result(answer)
        return _Departure(id=departure_id, network=network, won=won)

    async def _let_go(self, leaves_at: datetime, departures: Sequence[_Departure]) -> None:
        """All of them, in their order at each network."""
        crowd = sum(len(departure.won) for departure in departures)
        if not crowd:
            return
        rush = self._rushes[leaves_at] = Rush(leaves_at, crowd, self._clock)
        lanes: defaultdict[Network, list[_Departure]] = defaultdict(list)
        for departure in departures:
            lanes[departure.network].append(departure)

        async def release(lane: Sequence[_Departure]) -> None:
            for departure in lane:
                first = departure.won[0][1].started_at
                await rush.let_go(departure.network, len(departure.won), first)
                await self._release(departure, leaves_at)

        await asyncio.gather(*(release(lane) for lane in lanes.values()))

    async def _release(self, departure: _Departure, leaves_at: datetime) -> None:
        """Let its requests go; none, when it was revoked meanwhile or this process stood still."""
        won = departure.won
        try:
            is_released = (
                self._clock() - leaves_at <= RELEASE_LIFETIME
                and await self._store.release(departure.id)
            )
        except Exception as error:  # noqa: BLE001  it belongs to those who wait
            for seat, _ in won:
                seat.fail(error)
            is_released = False
        else:
            for seat, _ in won:
                seat.released.set_result(is_released)
        if not is_released:
            log.warning("departure not released", departure_id=str(departure.id), attempts=len(won))

    async def _claim_now(self, seat: Seat) -> None:
        try:
            now = max(seat.second.at, self._clock())
            claimed = await self._store.claim(seat.state, seat.part, seat.evidence, now)
        except Exception as error:  # noqa: BLE001  it belongs to the one who waits
            seat.fail(error)
        else:
            seat.claimed.set_result(claimed)
            seat.released.set_result(True)
