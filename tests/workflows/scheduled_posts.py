"""Posts whose workflows run on the time-skipping server."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment

from contracts import search_attributes
from contracts.publishing import (
    PUBLISH_POST,
    Cancel,
    DeliveryGivenUp,
    DeliveryRef,
    PublishNow,
    PublishPostRequest,
    PublishPostResult,
    Reschedule,
)
from contracts.task_queues import ORCHESTRATION
from contracts.workflow_ids import post_workflow_id
from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from tests.workflows.scripted_activities import Call, ScriptedPublishing, Step

HOUR = timedelta(hours=1)
PREPARE_LEAD = timedelta(minutes=10)
ARM_LEAD = timedelta(minutes=1)
"""Long, so that the seconds of a busy machine do not matter."""
HEARTBEAT_TIMEOUT = timedelta(seconds=20)
PRIORITY = 2
DEADLINE = 15
"""Seconds for what happens within milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One target of a scheduled post and the script of its activities."""

    network: Network
    prepare: bool = False
    preparing: Sequence[Step] = ()
    publishing: Sequence[Step] = ()
    id: UUID = field(default_factory=new_id)


def post_without_jitter() -> UUID:
    """The id of a post that is dispatched exactly its lead ahead: its last bits are zero."""
    return UUID(int=new_id().int & ~0xFFFF)


class ScheduledPost:
    """One post whose workflow was started."""

    def __init__(
        self,
        environment: WorkflowEnvironment,
        publishing: ScriptedPublishing,
        handle: WorkflowHandle[object, PublishPostResult],
        deliveries: Sequence[Delivery],
        publish_at: datetime,
        workspace_id: UUID,
    ) -> None:
        """`publish_at` is what it was started with."""
        self._environment = environment
        self._publishing = publishing
        self.handle = handle
        self._deliveries = {delivery.id: delivery for delivery in deliveries}
        self.publish_at = publish_at
        self.workspace_id = workspace_id

    async def ends(self) -> dict[Network, DeliveryStatus]:
        """Let time pass until the workflow is done; how each delivery ended."""
        result = await asyncio.wait_for(self.handle.result(), DEADLINE)
        return {self._deliveries[one].network: end for one, end in result.statuses.items()}

    async def reschedule(
        self, publish_at: datetime, *, prepare: Sequence[Network] | None = None
    ) -> None:
        """Move it; what was prepared is prepared again unless `prepare` says otherwise."""
        wanted = {one.network for one in self._deliveries.values() if one.prepare}
        ids = self.ids(*(wanted if prepare is None else prepare))
        await self.update("reschedule", Reschedule(publish_at=publish_at, prepare=ids))

    async def publish_now(self) -> datetime:
        """Ask for it at once; when that was."""
        now = await self._environment.get_current_time()
        await self.update("publish_now", PublishNow(publish_at=now))
        return now

    async def cancel(self, *networks: Network) -> None:
        """Stop these deliveries; all without any named."""
        await self.update("cancel", Cancel(deliveries=self.ids(*(networks or Network))))

    async def update(self, name: str, payload: Reschedule | PublishNow | Cancel) -> None:
        """Any update, as the relay sends it."""
        await asyncio.wait_for(self.handle.execute_update(name, payload), DEADLINE)

    async def sleep_until(self, moment: datetime) -> None:
        """Let time pass until then.

        The server's clock does not jump while an activity runs: no further than one may start.
        """
        await self._environment.sleep(moment - await self._environment.get_current_time())

    async def falls_asleep(self) -> None:
        """Wait until its workflow has set its first timer."""
        async with asyncio.timeout(DEADLINE):
            while True:
                events = (await self.history()).events
                if any(event.HasField("timer_started_event_attributes") for event in events):
                    return
                await asyncio.sleep(0.02)

    async def backs_off(self) -> None:
        """Wait until an activity's first try has failed."""
        async with asyncio.timeout(DEADLINE):
            while True:
                described = await self.handle.describe()
                if any(one.attempt > 1 for one in described.raw_description.pending_activities):
                    return
                await asyncio.sleep(0.02)

    async def status_shown(self) -> PostStatus:
        """What an operator finds it by now."""
        attributes = (await self.handle.describe()).typed_search_attributes
        return PostStatus(attributes[search_attributes.STATUS])

    async def publish_at_shown(self) -> datetime:
        """The time that an operator finds it by now."""
        attributes = (await self.handle.describe()).typed_search_attributes
        return attributes[search_attributes.PUBLISH_AT]

    async def history(self) -> WorkflowHistory:
        """What the server keeps of it."""
        return await self.handle.fetch_history()

    def ids(self, *networks: Network) -> tuple[UUID, ...]:
        """Its deliveries to these networks."""
        return tuple(one.id for one in self._deliveries.values() if one.network in networks)

    def calls(self, activity: str = "publish_delivery") -> list[Call]:
        """The runs of its activities of that name, first one first."""
        return [
            call
            for call in self._publishing.calls
            if call.delivery_id in self._deliveries and call.activity == activity
        ]

    @property
    def given_up(self) -> list[DeliveryGivenUp]:
        """Its deliveries that were given up."""
        return [one for one in self._publishing.given_up if one.delivery_id in self._deliveries]


class Posts:
    """Schedules posts and starts their workflows."""

    def __init__(self, environment: WorkflowEnvironment, publishing: ScriptedPublishing) -> None:
        """`publishing` takes the scripts."""
        self._environment = environment
        self._publishing = publishing

    async def schedule(
        self,
        *deliveries: Delivery,
        ahead: timedelta = HOUR,
        post_id: UUID | None = None,
        prepare_lead: timedelta = PREPARE_LEAD,
        arm_lead: timedelta = ARM_LEAD,
    ) -> ScheduledPost:
        """Start a post's workflow as the relay does, to be published `ahead` from now."""
        publish_at = await self._environment.get_current_time() + ahead
        post_id = post_id or post_without_jitter()
        workspace_id = new_id()
        for delivery in deliveries:
            self._publishing.preparing[delivery.id] = list(delivery.preparing)
            self.script(delivery, publishing=delivery.publishing)
        request = PublishPostRequest(
            post_id=post_id,
            workspace_id=workspace_id,
            publish_at=publish_at,
            deliveries=tuple(
                DeliveryRef(delivery_id=one.id, network=one.network, prepare=one.prepare)
                for one in deliveries
            ),
            priority=PRIORITY,
            prepare_lead=prepare_lead,
            arm_lead=arm_lead,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
        )
        handle = await self._environment.client.start_workflow(
            PUBLISH_POST,
            request,
            id=post_workflow_id(post_id),
            task_queue=ORCHESTRATION,
            result_type=PublishPostResult,
            priority=Priority(priority_key=PRIORITY, fairness_key=str(workspace_id)),
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(search_attributes.STATUS, str(PostStatus.SCHEDULED)),
                    SearchAttributePair(search_attributes.PUBLISH_AT, publish_at),
                ]
            ),
        )
        return ScheduledPost(
            self._environment, self._publishing, handle, deliveries, publish_at, workspace_id
        )

    def script(self, delivery: Delivery, *, publishing: Sequence[Step]) -> None:
        """Say what publishing it does, for steps that depend on the post's times."""
        self._publishing.publishing[delivery.id] = list(publishing)
