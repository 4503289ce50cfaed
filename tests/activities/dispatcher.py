"""Dispatches activities as Temporal would, without waiting for what they wait for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.accounts import Accounts
from activities.bookkeeping import DeliveryBookkeeping
from activities.departures import CLAIMED_PER_SECOND, CROWD, Departures
from activities.pieces import MediaSource, Pieces
from activities.publishing import NetworkPublishing
from activities.refusals import Refusals
from activities.sending import Sender
from activities.settling import Settler
from contracts.publishing import DeliveryGivenUp, DeliveryRequest, PublishOutcome
from domain.networks import Network
from domain.retry import LookupPlan, RetryPlan
from networks.protocol import NetworkAdapter
from storage.account_access import AccountStore
from storage.admission import Admission
from storage.database import Database
from storage.posts import Delivery
from storage.publishing import PublishingStore
from storage.vault import TokenVault
from tests.patience import PATIENCE

MOST_DISPATCHES = 20
"""After so many a delivery is going round in circles."""

NOTICE = timedelta(milliseconds=60)
"""The heartbeat timeout: the activity beats three times as often."""

Jump = Callable[[timedelta], Awaitable[None]]


class JumpingClock:
    """Shows the real time until it is told to jump ahead, or to stand."""

    def __init__(self) -> None:
        """No jump yet."""
        self._ahead = timedelta(0)
        self._stands_at: datetime | None = None

    def __call__(self) -> datetime:
        """The present moment, UTC."""
        return self._stands_at or datetime.now(UTC) + self._ahead

    def jump(self, ahead: timedelta) -> None:
        """Let that much time pass at once."""
        self._ahead += ahead
        if self._stands_at is not None:
            self._stands_at += ahead

    def stand(self, moment: datetime) -> None:
        """Show that moment, however long a busy machine takes, until time goes on."""
        self._stands_at = moment

    def go_on(self) -> None:
        """Let time pass from there."""
        self._ahead = self() - datetime.now(UTC)
        self._stands_at = None


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One time that an activity asked to be dispatched again later."""

    type: str
    seconds: float
    message: str


@dataclass(kw_only=True)
class Dispatched:
    """How a delivery ended, and what it waited for on the way."""

    outcome: PublishOutcome
    waits: list[Wait] = field(default_factory=list)

    @property
    def waited(self) -> list[tuple[str, float]]:
        """The waits as (failure type, seconds)."""
        return [(one.type, one.seconds) for one in self.waits]


class Dispatcher:
    """The activities over the real store and the given adapters."""

    def __init__(
        self,
        *,
        database: Database,
        vault: TokenVault,
        adapters: Mapping[Network, NetworkAdapter],
        media: MediaSource,
        also_jump: Jump | None = None,
        crowd: int = CROWD,
        claimed_per_second: float = CLAIMED_PER_SECOND,
        admission: Admission | None = None,
    ) -> None:
        """`crowd` is how many of one second are claimed ahead, at `claimed_per_second`.

        `also_jump` moves the networks' clock along with the worker's.
        """
        self.clock = JumpingClock()
        self.store = PublishingStore(database, admission)
        self.departures = Departures(
            self.store, adapters, self.clock, crowd=crowd, claimed_per_second=claimed_per_second
        )
        self._also_jump = also_jump
        accounts = Accounts(AccountStore(database), vault)
        pieces = Pieces(media)
        refusals = Refusals(
            store=self.store, accounts=accounts, retries=RetryPlan(), clock=self.clock
        )
        self.publishing = NetworkPublishing(
            adapters=adapters,
            store=self.store,
            accounts=accounts,
            pieces=pieces,
            refusals=refusals,
            settler=Settler(
                adapters=adapters,
                store=self.store,
                accounts=accounts,
                pieces=pieces,
                refusals=refusals,
                lookups=LookupPlan(),
                clock=self.clock,
            ),
            sender=Sender(
                adapters=adapters,
                store=self.store,
                departures=self.departures,
                pieces=pieces,
                refusals=refusals,
                lookups=LookupPlan(),
                clock=self.clock,
            ),
            clock=self.clock,
        )
        self._bookkeeping = DeliveryBookkeeping(self.store, self.clock)

    def request(self, delivery: Delivery) -> DeliveryRequest:
        """A dispatch for the time that the delivery has now."""
        assert delivery.publish_at is not None
        return DeliveryRequest(
            delivery_id=delivery.id,
            post_id=delivery.post_id,
            workspace_id=delivery.account_id,
            publish_at=delivery.publish_at,
        )

    def environment(self, attempt: int = 1) -> ActivityEnvironment:
        """What one dispatch runs in."""
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt, heartbeat_timeout=NOTICE)
        return environment

    async def prepare(self, delivery: Delivery, attempt: int = 1) -> None:
        """One dispatch of prepare_delivery."""
        environment = self.environment(attempt)
        await environment.run(self.publishing.prepare_delivery, self.request(delivery))

    async def publish_once(
        self, delivery: Delivery, environment: ActivityEnvironment | None = None
    ) -> PublishOutcome:
        """One dispatch of publish_delivery."""
        return await (environment or self.environment()).run(
            self.publishing.publish_delivery, self.request(delivery)
        )

    async def publish(self, delivery: Delivery, *, before_each: Jump | None = None) -> Dispatched:
        """Dispatch until it is settled; each wait that is asked for passes at once."""
        waits: list[Wait] = []
        for attempt in range(1, MOST_DISPATCHES):
            try:
                outcome = await self.publish_once(delivery, self.environment(attempt))
            except ApplicationError as error:
                delay = error.next_retry_delay or timedelta(0)
                waits.append(
                    Wait(type=str(error.type), seconds=delay.total_seconds(), message=str(error))
                )
                await self.pass_time(delay)
                if before_each is not None:
                    await before_each(delay)
            else:
                return Dispatched(outcome=outcome, waits=waits)
        raise AssertionError(f"not settled after {MOST_DISPATCHES} dispatches: {waits}")

    async def pass_time(self, time: timedelta) -> None:
        """Let time pass at once, here and at the networks."""
        self.clock.jump(time)
        if self._also_jump is not None:
            await self._also_jump(time)

    async def give_up(
        self, delivery: Delivery, reason: str = "too many crashes", *, out_of_time: bool = False
    ) -> PublishOutcome:
        """What the workflow asks for when publishing ended without an outcome."""
        given_up = DeliveryGivenUp(delivery_id=delivery.id, reason=reason, out_of_time=out_of_time)
        return await self.environment().run(self._bookkeeping.give_up_delivery, given_up)


async def eventually(is_so: Callable[[], Awaitable[bool]], limit: float = PATIENCE) -> None:
    """Return once it is so. Fails when that takes longer than `limit` seconds."""
    async with asyncio.timeout(limit):
        while True:
            if await is_so():
                return
            await asyncio.sleep(0.005)
