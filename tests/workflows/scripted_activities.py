"""Activity bodies that do what a test says instead of publishing."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from contracts.activity_interfaces import Bookkeeping, Publishing, PublishingAtOnce, Sweeping
from contracts.failures import FailureType
from contracts.publishing import (
    DeliveryGivenUp,
    DeliveryRequest,
    DueDelivery,
    Ending,
    Pause,
    PublishOutcome,
)
from contracts.sweeping import SweepReport, SweepRequest
from domain.deliveries import DeliveryStatus

Step = Callable[[DeliveryRequest], Awaitable[PublishOutcome]]
"""What one run of an activity does; preparing forgets the outcome."""

BEAT = 0.02
"""Seconds between the heartbeats of a held activity."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run of an activity, as its body saw it."""

    activity: str
    delivery_id: UUID
    publish_at: datetime
    """What the request said."""
    at: datetime
    """The server's time."""
    attempt: int
    task_queue: str
    pause: Pause | None


class ScriptedPublishing(Publishing, PublishingAtOnce):
    """Runs the next step of the delivery's script; without one it publishes at once."""

    def __init__(self, clock: Callable[[], Awaitable[datetime]]) -> None:
        """`clock` is the server's."""
        self._clock = clock
        self.calls: list[Call] = []
        self.given_up: list[DeliveryGivenUp] = []
        self.held: dict[UUID, int] = defaultdict(int)
        """How often a delivery is found held when it is given up."""
        self.preparing: dict[UUID, list[Step]] = defaultdict(list)
        self.publishing: dict[UUID, list[Step]] = defaultdict(list)
        self.at_once: dict[UUID, list[Step]] = defaultdict(list)

    @activity.defn
    async def prepare_delivery(self, request: DeliveryRequest) -> None:
        """The next step of preparing."""
        await self._run("prepare_delivery", request, self.preparing[request.delivery_id])

    @activity.defn
    async def publish_delivery(self, request: DeliveryRequest) -> PublishOutcome:
        """The next step of publishing."""
        return await self._run("publish_delivery", request, self.publishing[request.delivery_id])

    @activity.defn
    async def publish_at_once(self, due: DueDelivery) -> PublishOutcome:
        """The next step of publishing what is due already."""
        request = due.delivery
        return await self._run("publish_at_once", request, self.at_once[request.delivery_id])

    async def _run(self, name: str, request: DeliveryRequest, steps: list[Step]) -> PublishOutcome:
        info = activity.info()
        self.calls.append(
            Call(
                activity=name,
                delivery_id=request.delivery_id,
                publish_at=request.publish_at,
                at=await self._clock(),
                attempt=info.attempt,
                task_queue=info.task_queue,
                pause=request.pause,
            )
        )
        step = steps.pop(0) if steps else settled(DeliveryStatus.PUBLISHED)
        return await step(request)


class ScriptedBookkeeping(Bookkeeping):
    """Closes as failed whatever is given up."""

    def __init__(self, publishing: ScriptedPublishing) -> None:
        """`publishing` keeps what was given up beside its calls, and how often that is held."""
        self._publishing = publishing

    @activity.defn
    async def give_up_delivery(self, given_up: DeliveryGivenUp) -> PublishOutcome:
        """Failed, as a delivery without an open attempt is, unless it is said to be held."""
        self._publishing.given_up.append(given_up)
        last = next(
            call
            for call in reversed(self._publishing.calls)
            if call.delivery_id == given_up.delivery_id
        )
        if self._publishing.held[given_up.delivery_id] > 0:
            self._publishing.held[given_up.delivery_id] -= 1
            return PublishOutcome(
                ending=Ending.HELD, status=DeliveryStatus.DEFERRED, publish_at=last.publish_at
            )
        return PublishOutcome(
            ending=Ending.SETTLED, status=DeliveryStatus.FAILED, publish_at=last.publish_at
        )


class ScriptedSweeping(Sweeping):
    """Reports what the script says; an exception in it is raised."""

    def __init__(self) -> None:
        """The script is empty."""
        self.steps: list[SweepReport | Exception] = []
        self.requests: list[SweepRequest] = []

    @activity.defn
    async def sweep_posts(self, request: SweepRequest) -> SweepReport:
        """The next step."""
        self.requests.append(request)
        match self.steps.pop(0):
            case SweepReport() as report:
                return report
            case error:
                raise error


def settled(status: DeliveryStatus) -> Step:
    """It ends for good."""

    async def step(request: DeliveryRequest) -> PublishOutcome:
        return PublishOutcome(ending=Ending.SETTLED, status=status, publish_at=request.publish_at)

    return step


def superseded(*, by: datetime) -> Step:
    """The database already knows another publish time."""

    async def step(request: DeliveryRequest) -> PublishOutcome:
        return PublishOutcome(
            ending=Ending.SUPERSEDED, status=DeliveryStatus.SCHEDULED, publish_at=by
        )

    return step


def comes_back(failure: FailureType, *, after: timedelta) -> Step:
    """It has to wait, and says how long."""

    async def step(request: DeliveryRequest) -> PublishOutcome:
        raise ApplicationError("not now", type=failure, next_retry_delay=after)

    return step


def has_no_room() -> Step:
    """It leaves it to another queue."""

    async def step(request: DeliveryRequest) -> PublishOutcome:
        raise ApplicationError("not here", type=FailureType.ELSEWHERE)

    return step


def breaks() -> Step:
    """It fails with something that no repetition cures."""

    async def step(request: DeliveryRequest) -> PublishOutcome:
        raise ApplicationError("no such delivery", type="UnknownDelivery", non_retryable=True)

    return step


class Held:
    """A step that stays in the middle until the test lets it go on, or it is withdrawn."""

    def __init__(self, *, then: Step | None = None, when_withdrawn: Step | None = None) -> None:
        """`when_withdrawn` is what it does instead of ending as cancelled."""
        self._then = then or settled(DeliveryStatus.PUBLISHED)
        self._when_withdrawn = when_withdrawn
        self._released = asyncio.Event()
        self.reached = asyncio.Event()
        self.withdrawn = asyncio.Event()

    def release(self) -> None:
        """Go on."""
        self._released.set()

    async def __call__(self, request: DeliveryRequest) -> PublishOutcome:
        """Wait, heartbeating."""
        self.reached.set()
        released = asyncio.create_task(self._released.wait())
        try:
            while not released.done():
                if not activity.info().is_local:
                    activity.heartbeat()
                await asyncio.wait({released}, timeout=BEAT)
        except asyncio.CancelledError:
            self.withdrawn.set()
            if self._when_withdrawn is None:
                raise
            return await self._when_withdrawn(request)
        finally:
            released.cancel()
        return await self._then(request)
