"""One scheduled post: sleep, prepare, publish to every account, be moved or stopped meanwhile."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    RetryState,
    is_cancelled_exception,
)

from contracts import search_attributes
from contracts.activity_interfaces import Bookkeeping, Publishing, PublishingAtOnce
from contracts.publishing import (
    FINISHED,
    PUBLISH_POST,
    Cancel,
    DeliveryGivenUp,
    DeliveryRef,
    DeliveryRequest,
    DueDelivery,
    Ending,
    Move,
    Pause,
    PublishOutcome,
    PublishPostRequest,
    PublishPostResult,
    Resume,
)
from domain.deliveries import DeliveryStatus, PostStatus, post_status
from workflows.activity_options import (
    AT_ONCE,
    EXACT_LEAD,
    free_to_repeat,
    look_before_repeating,
    tries_at_once,
    writes_down,
)

JITTER = 0.4
"""How much of the arm lead the post's id takes away, where whoever starts it does not spread."""


@workflow.defn(name=PUBLISH_POST)
class PublishPost:
    """Publishes one post to its accounts at its time."""

    @workflow.init
    def __init__(self, request: PublishPostRequest) -> None:
        """All deliveries are pending; updates may arrive before `run` starts."""
        self._request = request
        self._publish_at = request.publish_at
        self._arm_lead = request.arm_lead
        self._pending = {ref.delivery_id: ref for ref in request.deliveries}
        self._preparing = {ref.delivery_id for ref in request.deliveries if ref.prepare}
        self._statuses: dict[UUID, DeliveryStatus] = {}
        self._dispatched: dict[UUID, workflow.ActivityHandle[PublishOutcome]] = {}
        self._withdrawn: set[UUID] = set()
        self._at_once = {ref.delivery_id for ref in request.deliveries if self._is_due(ref)}
        self._pauses: dict[UUID, Pause] = {}
        self._moves = 0
        self._finished = False
        self._shown = PostStatus.SCHEDULED

    @workflow.run
    async def run(self, request: PublishPostRequest) -> PublishPostResult:  # noqa: ARG002
        """Until every delivery is settled: sleep, prepare ahead, dispatch ahead, see what came."""
        while self._pending:
            moves = self._moves
            self._show(self._status())
            if not await self._sleep_until(self._prepare_at(), moves):
                continue
            await self._prepare_ahead(moves)
            if not await self._sleep_until(self._arm_at(), moves):
                continue
            if self._request.version < EXACT_LEAD:
                self._show(PostStatus.PUBLISHING)
            self._describe("publishing")
            await asyncio.gather(
                *(self._publish(ref, moves) for ref in list(self._pending.values()))
            )
        self._finished = True
        self._show(self._status())
        self._describe("finished")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return PublishPostResult(statuses=self._statuses)

    @workflow.update
    async def reschedule(self, move: Move) -> None:
        """Publish what waits at another time."""
        self._move(move)

    @reschedule.validator
    def _may_reschedule(self, move: Move) -> None:
        self._require_movable(move)

    @workflow.update
    async def publish_now(self, move: Move) -> None:
        """Publish what waits without waiting any longer."""
        self._move(move)

    @publish_now.validator
    def _may_publish_now(self, move: Move) -> None:
        self._require_movable(move)
        if move.publish_at > workflow.now() + timedelta(minutes=1):
            raise ApplicationError("publish_now takes a time that has come", type="FutureTime")

    @workflow.update
    async def resume(self, resume: Resume) -> None:
        """Try these deliveries again at once: what they waited for has come."""
        for delivery_id in resume.deliveries:
            self._withdraw(delivery_id)

    @workflow.update
    async def cancel(self, cancel: Cancel) -> None:
        """Stop these deliveries; whoever asks has made sure that none of them was sent."""
        for delivery_id in cancel.deliveries:
            if self._pending.pop(delivery_id, None) is not None:
                self._statuses[delivery_id] = DeliveryStatus.CANCELLED
                self._withdraw(delivery_id)

    @cancel.validator
    def _may_cancel(self, cancel: Cancel) -> None:
        if not set(cancel.deliveries) & (set(self._pending) | set(self._statuses)):
            raise ApplicationError("none of these deliveries is mine", type="UnknownDelivery")

    def _require_movable(self, move: Move) -> None:
        if self._finished:
            raise ApplicationError("the workflow ends; start another", type=FINISHED)
        if not move.deliveries:
            raise ApplicationError("a move names what is to be published", type="NothingToMove")
        if move.publish_at.tzinfo is None:
            raise ApplicationError("publish_at needs a time zone", type="NaiveTime")

    def _move(self, move: Move) -> None:
        """Withdraw what was dispatched for the old time, and take over what waits now."""
        for delivery_id in self._dispatched:
            self._withdraw(delivery_id)
        kept = {ref.delivery_id: ref for ref in move.deliveries}
        for dropped in self._pending.keys() - kept.keys():
            self._statuses[dropped] = DeliveryStatus.CANCELLED
        for delivery_id in kept:
            self._statuses.pop(delivery_id, None)
        self._pending = kept
        self._preparing = {ref.delivery_id for ref in move.deliveries if ref.prepare}
        self._publish_at = move.publish_at
        self._at_once.clear()  # whoever moves a post waits for the task that takes the move
        if move.arm_lead is not None:
            self._arm_lead = move.arm_lead
        self._moves += 1
        networks = sorted({str(ref.network) for ref in move.deliveries})
        workflow.upsert_search_attributes(
            [
                search_attributes.PUBLISH_AT.value_set(move.publish_at),
                search_attributes.NETWORKS.value_set(networks),
            ]
        )

    def _withdraw(self, delivery_id: UUID) -> None:
        """Call back a dispatch that waits or backs off; one that is sending ends by itself."""
        handle = self._dispatched.get(delivery_id)
        if handle is not None:
            self._withdrawn.add(delivery_id)
            handle.cancel()

    def _prepare_at(self) -> datetime:
        if not self._preparing & set(self._pending):
            return self._arm_at()
        return self._publish_at - max(self._request.prepare_lead, self._arm_lead)

    def _arm_at(self) -> datetime:
        if self._request.version >= EXACT_LEAD:
            return self._publish_at - self._arm_lead
        share = (self._request.post_id.int & 0xFFFF) / 0x10000
        return self._publish_at - self._arm_lead * (1 - JITTER * share)

    async def _sleep_until(self, wake_at: datetime, moves: int) -> bool:
        """False when the post was moved or everything was cancelled before then."""
        remaining = wake_at - workflow.now()
        if remaining > timedelta(0):
            self._describe(f"sleeps until {wake_at:%Y-%m-%d %H:%M:%S} UTC")
            try:
                await workflow.wait_condition(
                    lambda: self._moves != moves or not self._pending,
                    timeout=remaining,
                    timeout_summary=f"until {wake_at:%Y-%m-%d %H:%M:%S} UTC",
                )
            except TimeoutError:
                return True
        return self._moves == moves and bool(self._pending)

    async def _prepare_ahead(self, moves: int) -> None:
        """Transfer media before the moment. What fails here is done, and classed, at the moment."""
        remaining = self._arm_at() - workflow.now()
        refs = [ref for ref in self._pending.values() if ref.delivery_id in self._preparing]
        if not refs or remaining <= timedelta(seconds=1):
            return
        self._describe("prepares media")
        handles = [
            workflow.start_activity_method(
                Publishing.prepare_delivery,
                self._delivery_request(ref),
                **free_to_repeat(self._request, ref, within=remaining),
            )
            for ref in refs
        ]
        await workflow.wait_condition(
            lambda: (
                self._moves != moves
                or not self._pending
                or all(handle.done() for handle in handles)
            )
        )
        for handle in handles:
            handle.cancel()
        await asyncio.gather(*handles, return_exceptions=True)

    async def _publish(self, ref: DeliveryRef, moves: int) -> None:
        """Dispatch one delivery ahead of its second, until it is settled or the post was moved."""
        while self._moves == moves and ref.delivery_id in self._pending:
            outcome = await self._outcome(ref)
            if outcome is None:
                continue
            if outcome.ending is Ending.SETTLED:
                self._pending.pop(ref.delivery_id, None)
                self._statuses[ref.delivery_id] = outcome.status
                return
            if outcome.ending is Ending.HELD:
                # No patch: an ending that no recorded activity ever answered.
                continue
            if self._moves == moves:
                # The database knows of the move already; its update is still on the way.
                self._publish_at = max(self._publish_at, outcome.publish_at)
                self._moves += 1  # nobody else is dispatched before its lead either
            return

    async def _outcome(self, ref: DeliveryRef) -> PublishOutcome | None:
        """How the dispatch ended; None when it was withdrawn."""
        if ref.delivery_id in self._at_once:
            return await self._try_at_once(ref)
        handle = workflow.start_activity_method(
            Publishing.publish_delivery,
            self._delivery_request(ref),
            **look_before_repeating(self._request, ref, self._arm_lead),
        )
        self._dispatched[ref.delivery_id] = handle
        try:
            outcome: PublishOutcome = await handle
        except ActivityError as error:
            if ref.delivery_id in self._withdrawn:
                # A withdrawn dispatch is not retried: whatever it failed with, the next one sees.
                return None
            if is_cancelled_exception(error):
                raise
            return await self._give_up(ref, error)
        finally:
            del self._dispatched[ref.delivery_id]
            self._withdrawn.discard(ref.delivery_id)
        return outcome

    def _is_due(self, ref: DeliveryRef) -> bool:
        """Whether nothing is to be expected but that it is sent now."""
        return (
            self._request.version >= AT_ONCE
            and not ref.prepare
            and self._request.publish_at <= workflow.now()
        )

    async def _try_at_once(self, ref: DeliveryRef) -> PublishOutcome | None:
        """How it ended here; None when its network's queue goes on, or it was withdrawn."""
        self._at_once.remove(ref.delivery_id)
        handle = workflow.start_local_activity_method(
            PublishingAtOnce.publish_at_once,
            DueDelivery(delivery=self._delivery_request(ref), network=ref.network),
            **tries_at_once(),
        )
        self._dispatched[ref.delivery_id] = handle
        try:
            outcome: PublishOutcome = await handle
        except FailureError as error:  # as the activity raised it: Temporal wraps it at queues only
            if ref.delivery_id not in self._withdrawn:
                if is_cancelled_exception(error):
                    raise
                self._pause(ref, error)
            return None
        finally:
            del self._dispatched[ref.delivery_id]
            self._withdrawn.discard(ref.delivery_id)
        return outcome

    def _pause(self, ref: DeliveryRef, error: FailureError) -> None:
        """Have the network's queue wait: there a wait is seen, and holds no task."""
        if isinstance(error, ApplicationError) and error.next_retry_delay is not None:
            until = workflow.now() + error.next_retry_delay
            self._pauses[ref.delivery_id] = Pause(until=until, failure=error.type or "")

    def _give_up(self, ref: DeliveryRef, error: ActivityError) -> Awaitable[PublishOutcome]:
        reason = str(error.cause or error)[:500]
        out_of_time = error.retry_state is RetryState.TIMEOUT
        return workflow.execute_activity_method(
            Bookkeeping.give_up_delivery,
            DeliveryGivenUp(delivery_id=ref.delivery_id, reason=reason, out_of_time=out_of_time),
            **writes_down(),
        )

    def _delivery_request(self, ref: DeliveryRef) -> DeliveryRequest:
        return DeliveryRequest(
            delivery_id=ref.delivery_id,
            post_id=self._request.post_id,
            workspace_id=self._request.workspace_id,
            publish_at=self._publish_at,
            pause=self._pauses.pop(ref.delivery_id, None),
        )

    def _status(self) -> PostStatus:
        waiting = [DeliveryStatus.SCHEDULED for _ in self._pending]
        return post_status([*self._statuses.values(), *waiting])

    def _show(self, status: PostStatus) -> None:
        """Tell the web UI, when it changed."""
        if status is not self._shown:
            self._shown = status
            workflow.upsert_search_attributes([search_attributes.STATUS.value_set(status)])

    def _describe(self, doing: str) -> None:
        workflow.set_current_details(doing)
