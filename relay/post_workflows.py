"""What each kind of outbox item means to Temporal."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
)
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from contracts import search_attributes
from contracts.publishing import (
    FINISHED,
    PUBLISH_POST,
    Cancel,
    DeliveryRef,
    Move,
    PublishPostRequest,
    PublishPostResult,
    Resume,
)
from contracts.task_queues import ORCHESTRATION
from contracts.workflow_ids import post_workflow_id, retry_workflow_id
from domain.deliveries import SETTLED, PostStatus
from domain.preparation import may_need_preparation
from storage.outbox import OutboxItem, OutboxKind
from storage.posts import Delivery, Post

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=8)
"""How long Temporal, or a workflow's worker, may take to answer before the relay tries later."""

LONGEST_LEAD = timedelta(minutes=15)
"""Nothing is held in a worker's memory for longer."""

START_AT_ONCE = timedelta(seconds=1)
"""A workflow that would sleep for less is started without a delay."""


def system_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leads:
    """How long before its publish time a post is worked on."""

    prepare: timedelta
    arm: timedelta
    heartbeat_timeout: timedelta
    armed_per_second: float
    """How many deliveries the system arms in a second; a crowd is armed earlier by its size."""

    def arm_in_crowd(self, before: int) -> timedelta:
        """The lead of a delivery when so many are armed for the same second before it."""
        return min(self.arm + timedelta(seconds=before / self.armed_per_second), LONGEST_LEAD)


class PostWorkflows:
    """Starts and moves the workflows of posts."""

    def __init__(
        self, client: Client, leads: Leads, now: Callable[[], datetime] = system_now
    ) -> None:
        """`client` uses the pydantic data converter; `now` tells its server's time, UTC."""
        self._client = client
        self._leads = leads
        self._now = now

    async def carry_out(self, item: OutboxItem, post: Post, crowd: int = 0) -> bool:
        """Do what the item says to the post as it is now; whether a workflow was started.

        `crowd` is how many posts around the same second were started before this one.
        Raises RPCError or RPCTimeoutOrCancelledError when Temporal does not answer: try again
        later.
        """
        match item.kind:
            case OutboxKind.START_POST:
                return await self._start(post, post_workflow_id(post.id), _waiting(post), crowd)
            case OutboxKind.RETRY_DELIVERY:
                delivery_id = UUID(item.payload["delivery_id"])
                chosen = [
                    one
                    for one in post.current_deliveries
                    if one.id == delivery_id and one.status not in SETTLED
                ]
                return await self._start(post, retry_workflow_id(post.id, delivery_id), chosen)
            case OutboxKind.RESCHEDULE_POST:
                return await self._move(post, crowd, publish_now=item.payload.get("now", False))
            case OutboxKind.CANCEL_DELIVERIES:
                await self._cancel(post, [UUID(one) for one in item.payload["deliveries"]])
                return False
            case OutboxKind.RESUME_DELIVERIES:
                await self._resume(post, [UUID(one) for one in item.payload["deliveries"]])
                return False

    async def _start(
        self, post: Post, workflow_id: str, deliveries: list[Delivery], crowd: int = 0
    ) -> bool:
        """Start a workflow for these deliveries; harmless when one runs, or ran, under the id.

        Temporal starts it when there is something to do: until then it costs no task.
        """
        if not deliveries or post.publish_time is None:
            return False
        publish_at = deliveries[0].publish_at or post.publish_time.at
        networks = sorted({str(delivery.network) for delivery in deliveries})
        request = PublishPostRequest(
            post_id=post.id,
            workspace_id=post.workspace_id,
            publish_at=publish_at,
            deliveries=tuple(_ref(post, delivery) for delivery in deliveries),
            priority=post.priority,
            prepare_lead=self._leads.prepare,
            arm_lead=self._leads.arm_in_crowd(crowd * len(deliveries)),
            heartbeat_timeout=self._leads.heartbeat_timeout,
            version=3,
        )
        delay = request.wake_at() - self._now()
        begins_now = delay <= START_AT_ONCE
        try:
            await self._client.start_workflow(
                PUBLISH_POST,
                request,
                id=workflow_id,
                task_queue=ORCHESTRATION,
                rpc_timeout=PATIENCE,
                result_type=PublishPostResult,
                start_delay=None if begins_now else delay,
                request_eager_start=begins_now,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                priority=Priority(priority_key=post.priority, fairness_key=str(post.workspace_id)),
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(search_attributes.WORKSPACE, str(post.workspace_id)),
                        SearchAttributePair(search_attributes.POST, str(post.id)),
                        SearchAttributePair(search_attributes.NETWORKS, networks),
                        SearchAttributePair(search_attributes.STATUS, str(PostStatus.SCHEDULED)),
                        SearchAttributePair(search_attributes.PUBLISH_AT, publish_at),
                    ]
                ),
                static_summary=f"{', '.join(networks)} at {publish_at:%Y-%m-%d %H:%M:%S} UTC",
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _move(self, post: Post, crowd: int, *, publish_now: bool) -> bool:
        """Tell the running workflow the new time; start one where none runs."""
        waiting = _waiting(post)
        if not waiting or post.publish_time is None:
            return False
        move = Move(
            publish_at=post.publish_time.at,
            deliveries=tuple(_ref(post, delivery) for delivery in waiting),
            arm_lead=self._leads.arm_in_crowd(crowd * len(waiting)),
        )
        name = "publish_now" if publish_now else "reschedule"
        try:
            await self._update(post_workflow_id(post.id), name, move)
        except _NoWorkflow:
            return await self._start(post, post_workflow_id(post.id), waiting, crowd)
        return False

    async def _cancel(self, post: Post, delivery_ids: list[UUID]) -> None:
        for workflow_id, chosen in _by_workflow(post, delivery_ids).items():
            with contextlib.suppress(_NoWorkflow):  # then nothing is left to stop
                await self._update(workflow_id, "cancel", Cancel(deliveries=chosen))

    async def _resume(self, post: Post, delivery_ids: list[UUID]) -> None:
        for workflow_id, chosen in _by_workflow(post, delivery_ids).items():
            with contextlib.suppress(_NoWorkflow):  # then the sweep starts one
                await self._update(workflow_id, "resume", Resume(deliveries=chosen))

    async def _update(self, workflow_id: str, name: str, payload: Move | Cancel | Resume) -> None:
        """Tell a running workflow. Raises WorkflowEnding when it comes too late: try again."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            await handle.execute_update(name, payload, rpc_timeout=PATIENCE)
        except WorkflowUpdateFailedError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == FINISHED:
                raise WorkflowEnding(f"{workflow_id} is about to end") from error
            log.warning("update rejected", workflow_id=workflow_id, reason=str(error.cause))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise _NoWorkflow from error
            raise


class WorkflowEnding(Exception):
    """The workflow takes no more updates; in a moment another can be started."""


class _NoWorkflow(Exception):
    """No workflow runs under the post's id."""


def _waiting(post: Post) -> list[Delivery]:
    """What the post's own workflow has to publish; a retry has one of its own."""
    return [
        one for one in post.current_deliveries if one.status not in SETTLED and not one.is_retry
    ]


def _by_workflow(post: Post, delivery_ids: list[UUID]) -> dict[str, tuple[UUID, ...]]:
    retries = {one.id for one in post.deliveries if one.is_retry}
    own = tuple(one for one in delivery_ids if one not in retries)
    grouped = {post_workflow_id(post.id): own} if own else {}
    for one in retries.intersection(delivery_ids):
        grouped[retry_workflow_id(post.id, one)] = (one,)
    return grouped


def _needs_preparation(post: Post, delivery: Delivery) -> bool:
    return may_need_preparation(delivery.network, post.content.for_network(delivery.network))


def _ref(post: Post, delivery: Delivery) -> DeliveryRef:
    return DeliveryRef(
        delivery_id=delivery.id,
        network=delivery.network,
        prepare=_needs_preparation(post, delivery),
    )
