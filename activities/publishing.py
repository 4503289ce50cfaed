"""One delivery on its network's queue: settle, arm, wait for the second, send."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.accounts import Accounts
from activities.observing import UNOBSERVED, Observer
from activities.pieces import Pieces
from activities.refusals import Refusals
from activities.sending import Sender
from activities.settling import Settler
from activities.waiting import PLANNED, Clock, see_it_through, wait_for_claim
from contracts.activity_interfaces import Publishing
from contracts.publishing import DeliveryRequest, Ending, Pause, PublishOutcome
from domain.deliveries import SETTLED, WAITING, DeliveryStatus
from domain.networks import Network
from networks.errors import NetworkError
from networks.protocol import NetworkAdapter, Target
from storage.delivery_state import DeliveryState
from storage.outcomes import IllegalTransition
from storage.publishing import PublishingStore


class NetworkPublishing(Publishing):
    """The bodies of preparing and publishing, the same for every network."""

    def __init__(
        self,
        *,
        adapters: Mapping[Network, NetworkAdapter],
        store: PublishingStore,
        accounts: Accounts,
        pieces: Pieces,
        refusals: Refusals,
        settler: Settler,
        sender: Sender,
        clock: Clock,
        told: Observer = UNOBSERVED,
    ) -> None:
        """Built once for each worker process; holds nothing of a delivery between calls."""
        self._adapters = adapters
        self._store = store
        self._accounts = accounts
        self._pieces = pieces
        self._refusals = refusals
        self._settler = settler
        self._sender = sender
        self._clock = clock
        self._told = told

    @activity.defn
    async def prepare_delivery(self, request: DeliveryRequest) -> None:
        """Transfer media ahead of time. What is not ready by then is prepared at the moment."""
        _bind(request)
        state = await self._store.start_preparing(request.delivery_id, request.publish_at)
        if state.status is not DeliveryStatus.PREPARING or state.publish_at > request.publish_at:
            return
        await see_it_through(asyncio.create_task(self._prepare_ahead(state)))

    @activity.defn
    async def publish_delivery(self, request: DeliveryRequest) -> PublishOutcome:
        """Go on from whatever the database says, until the delivery is settled or was moved.

        What has to wait is raised as ApplicationError with the time to come back.
        """
        _bind(request)
        if request.pause is not None:
            self._wait_first(request.pause)
        while True:
            state = await self._store.arm(request.delivery_id, request.publish_at)
            if state.status in SETTLED:
                return self._settled(state)
            if state.publish_at > request.publish_at and state.status in WAITING:
                return _outcome(Ending.SUPERSEDED, state)
            try:
                is_published = await self._advance(state)
            except IllegalTransition:
                # Somebody else moved it on meanwhile: what the database says now counts.
                continue
            if is_published:
                return self._settled(replace(state, status=DeliveryStatus.PUBLISHED))

    def _settled(self, state: DeliveryState) -> PublishOutcome:
        self._told.ended(state.network, state.status)
        return _outcome(Ending.SETTLED, state)

    def _wait_first(self, pause: Pause) -> None:
        """Raise what an earlier dispatch raised, while the time to come back is not there."""
        if (wait := pause.until - self._clock()) > timedelta(0):
            raise ApplicationError(
                f"Waits until {pause.until:%Y-%m-%d %H:%M:%S} UTC.",
                type=pause.failure,
                category=PLANNED,
                next_retry_delay=wait,
            )

    async def _advance(self, state: DeliveryState) -> bool:
        """Whether all of it is published now; otherwise the database says how it stands."""
        if state.status is DeliveryStatus.DEFERRED:
            # Arming left it so: it is late, and its author wants to be asked.
            await self._refusals.awaits_decision()
        if state.open_attempt is None:
            return await self._publish(state)
        await see_it_through(asyncio.create_task(self._settler.settle(state, state.open_attempt)))
        return False

    async def _publish(self, state: DeliveryState) -> bool:
        ready = await see_it_through(asyncio.create_task(self._make_ready(state)))
        if ready is None:
            return False
        if activity.is_cancelled():
            raise asyncio.CancelledError
        state, target = ready
        remaining = self._pieces.remaining(state)
        seat = self._sender.book(state, target, remaining[0])
        await wait_for_claim(seat.claimed, seat.give_up)
        sending = self._sender.send_parts(state, target, remaining, seat)
        return await see_it_through(asyncio.create_task(sending))

    async def _make_ready(self, state: DeliveryState) -> tuple[DeliveryState, Target] | None:
        """All that can be done before the second; None when the delivery was given up over it."""
        try:
            state = await self._renew(state)
            state = await self._prepare(state)
            return state, self._accounts.target(state.network, state.account)
        except NetworkError as error:
            await self._refusals.before_attempt(state, self._adapters[state.network], error)
            return None

    async def _prepare_ahead(self, state: DeliveryState) -> None:
        try:
            state = await self._renew(state)
            await self._prepare(state)
        except NetworkError as error:
            await self._refusals.ahead_of_time(state, self._adapters[state.network], error)

    async def _renew(self, state: DeliveryState) -> DeliveryState:
        adapter = self._adapters[state.network]
        needed_at = max(state.publish_at, self._clock())
        return replace(
            state, account=await self._accounts.renewed(adapter, state.account, needed_at)
        )

    async def _prepare(self, state: DeliveryState) -> DeliveryState:
        """Prepare every part that is not yet prepared from this revision. Raises NetworkError."""
        adapter = self._adapters[state.network]
        missing = [
            piece
            for piece in self._pieces.remaining(state)
            if piece.index not in state.prepared and adapter.needs_preparation(piece)
        ]
        if not missing:
            return state
        target = self._accounts.target(state.network, state.account)
        for piece in missing:
            fresh = await adapter.prepare(target, piece)
            kept = await self._store.keep_prepared(state, piece.index, fresh)
            state = state.with_prepared(piece.index, kept)
        return state


def _outcome(ending: Ending, state: DeliveryState) -> PublishOutcome:
    return PublishOutcome(ending=ending, status=state.status, publish_at=state.publish_at)


def _bind(request: DeliveryRequest) -> None:
    info = activity.info()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        post_id=str(request.post_id),
        delivery_id=str(request.delivery_id),
        workspace_id=str(request.workspace_id),
        workflow_id=info.workflow_id,
        attempt=info.attempt,
    )
