"""Posts, and sweeps, whose workflows run on the time-skipping server."""

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
    Move,
    PublishPostRequest,
    PublishPostResult,
    Resume,
)
from contracts.sweeping import SWEEP_POSTS, SweepReport, SweepRequest
from contracts.task_queues import ORCHESTRATION
from contracts.workflow_ids import post_workflow_id
from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from tests.workflows.scripted_activities import Call, ScriptedPublishing, ScriptedSweeping, Step

HOUR = timedelta(hours=1)
PREPARE_LEAD = timedelta(minutes=10)
ARM_LEAD = timedelta(minutes=1)
"""Long, so that the seconds of a busy machine do not matter."""
HEARTBEAT_TIMEOUT = timedelta(seconds=20)
AHEAD = timedelta(minutes=10)
"""How far ahead sweeps look."""
PRIORITY = 2
DEADLINE = 45
"""Seconds for what happens within milliseconds; less than a lead."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One target of a scheduled post and the script of its activities."""

    network: Network
    prepare: bool = False
    preparing: Sequence[Step] = ()
    publishing: Sequence[Step] = ()
    at_once: Sequence[Step] = ()
    id: UUID = field(default_factory=new_id)

    @property
    def ref(self) -> DeliveryRef:
        """As its workflow knows it."""
        return DeliveryRef(delivery_id=self.id, network=self.network, prepare=self.prepare)


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
        self._deliveries: dict[UUID, Delivery] = {}
        self._take_over(deliveries)
        self.publish_at = publish_at
        self.workspace_id = workspace_id

    async def ends(self) -> dict[Network, DeliveryStatus]:
        """Let time pass until the workflow is done; how each delivery ended."""
        result = await asyncio.wait_for(self.handle.result(), DEADLINE)
        return {self._deliveries[one].network: end for one, end in result.statuses.items()}

    async def reschedule(
        self, publish_at: datetime, *, deliveries: Sequence[Delivery] | None = None
    ) -> None:
        """Move it; what waits is the same as before unless `deliveries` says otherwise."""
        await self.update("reschedule", self._move(publish_at, deliveries))

    async def publish_now(self) -> datetime:
        """Ask for it at once; when that was."""
        now = await self._environment.get_current_time()
        await self.update("publish_now", self._move(now))
        return now

    async def resume(self, *networks: Network) -> None:
        """Try these deliveries again at once."""
        await self.update("resume", Resume(deliveries=self.ids(*networks)))

    async def cancel(self, *networks: Network) -> None:
        """Stop these deliveries; all without any named."""
        await self.update("cancel", Cancel(deliveries=self.ids(*(networks or Network))))

    async def update(self, name: str, payload: Move | Resume | Cancel) -> None:
        """Any update, as the relay sends it."""
        await asyncio.wait_for(self.handle.execute_update(name, payload), DEADLINE)

    async def sleep_until(self, moment: datetime) -> None:
        """Let time pass until then.

        The server's clock does not jump while an activity runs: no further than one may start.
        """
        await self._environment.sleep(moment - await self._environment.get_current_time())

    async def falls_asleep(self) -> None:
        """Wait until its workflow is asleep: not woken yet, or with its first timer set."""
        async with asyncio.timeout(DEADLINE):
            while True:
                events = (await self.history()).events
                woken = len(events) > 1
                if not woken or any(
                    event.HasField("timer_started_event_attributes") for event in events
                ):
                    return
                await asyncio.sleep(0.02)

    async def backs_off(self, *, activities: int = 1) -> None:
        """Wait until so many activities run, all have failed once, and its workflow is at rest."""
        async with asyncio.timeout(DEADLINE):
            while True:
                pending = (await self.handle.describe()).raw_description.pending_activities
                failed = len(pending) == activities and all(one.attempt > 1 for one in pending)
                if failed and await self._is_at_rest():
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

    async def networks_shown(self) -> Sequence[str]:
        """Where an operator finds it going to by now."""
        attributes = (await self.handle.describe()).typed_search_attributes
        return attributes[search_attributes.NETWORKS]

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

    async def _is_at_rest(self) -> bool:
        """Whether no workflow task is under way; the test server may lose an update sent then."""
        kinds = [str(event.WhichOneof("attributes")) for event in (await self.history()).events]
        steps = [kind for kind in kinds if kind.startswith("workflow_task_")]
        return steps[-1] == "workflow_task_completed_event_attributes"

    def _move(self, publish_at: datetime, deliveries: Sequence[Delivery] | None = None) -> Move:
        if deliveries is not None:
            self._take_over(deliveries)
        return Move(publish_at=publish_at, deliveries=tuple(one.ref for one in self._waiting))

    def _take_over(self, deliveries: Sequence[Delivery]) -> None:
        """From now on these wait; one that was dropped stays known, and so does its script."""
        for one in deliveries:
            if one.id not in self._deliveries:
                self._publishing.preparing[one.id] = list(one.preparing)
                self._publishing.publishing[one.id] = list(one.publishing)
                self._publishing.at_once[one.id] = list(one.at_once)
            self._deliveries[one.id] = one
        self._waiting = list(deliveries)


class Sweep:
    """One sweep whose workflow was started."""

    def __init__(self, handle: WorkflowHandle[object, SweepReport]) -> None:
        """`handle` is its workflow's."""
        self.handle = handle

    async def ends(self) -> SweepReport:
        """Let time pass until the workflow is done; what it found."""
        return await asyncio.wait_for(self.handle.result(), DEADLINE)

    async def history(self) -> WorkflowHistory:
        """What the server keeps of it."""
        return await self.handle.fetch_history()


class Posts:
    """Schedules posts, and sweeps, and starts their workflows."""

    def __init__(
        self,
        environment: WorkflowEnvironment,
        publishing: ScriptedPublishing,
        sweeping: ScriptedSweeping,
    ) -> None:
        """`publishing` and `sweeping` take the scripts."""
        self._environment = environment
        self._publishing = publishing
        self._sweeping = sweeping

    async def schedule(
        self,
        *deliveries: Delivery,
        ahead: timedelta = HOUR,
        post_id: UUID | None = None,
        prepare_lead: timedelta = PREPARE_LEAD,
        arm_lead: timedelta = ARM_LEAD,
        version: int = 3,
    ) -> ScheduledPost:
        """Start a post's workflow as the relay does, to be published `ahead` from now.

        Version 1 is how relays before this one did: without a delay.
        """
        publish_at = await self._environment.get_current_time() + ahead
        post_id = post_id or post_without_jitter()
        workspace_id = new_id()
        request = PublishPostRequest(
            post_id=post_id,
            workspace_id=workspace_id,
            publish_at=publish_at,
            deliveries=tuple(one.ref for one in deliveries),
            priority=PRIORITY,
            prepare_lead=prepare_lead,
            arm_lead=arm_lead,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            version=version,
        )
        delay = request.wake_at() - await self._environment.get_current_time()
        networks = sorted({str(one.network) for one in deliveries})
        handle = await self._environment.client.start_workflow(
            PUBLISH_POST,
            request,
            id=post_workflow_id(post_id),
            task_queue=ORCHESTRATION,
            result_type=PublishPostResult,
            start_delay=delay if version > 1 and delay > timedelta(seconds=1) else None,
            priority=Priority(priority_key=PRIORITY, fairness_key=str(workspace_id)),
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(search_attributes.NETWORKS, networks),
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

    def are_held(self, *deliveries: Delivery, times: int) -> None:
        """Say how often each is found held when its time to give up has come."""
        for delivery in deliveries:
            self._publishing.held[delivery.id] = times

    async def sweep(self, *steps: SweepReport | Exception, cron: str = "") -> Sweep:
        """Start a sweep, again as `cron` says, whose activity reports, or raises, these in turn."""
        self._sweeping.steps = list(steps)
        handle = await self._environment.client.start_workflow(
            SWEEP_POSTS,
            SweepRequest(ahead=AHEAD),
            id=str(new_id()),
            task_queue=ORCHESTRATION,
            result_type=SweepReport,
            cron_schedule=cron,
        )
        return Sweep(handle)

    async def let_pass(self, time: timedelta) -> None:
        """So much, on the server's clock."""
        await self._environment.sleep(time)

    @property
    def swept(self) -> list[SweepRequest]:
        """What the activity of sweeps was called with."""
        return self._sweeping.requests
