"""The body of the sweep: what should run is compared with what runs."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from contracts import search_attributes
from contracts.activity_interfaces import Sweeping
from contracts.publishing import PUBLISH_POST
from contracts.sweeping import DeliveryPlace, SweepPlace, SweepReport, SweepRequest
from contracts.workflow_ids import post_workflow_id, retry_workflow_id
from storage import due, outbox
from storage.claims import forget_departures
from storage.database import Database
from storage.due import DueDelivery
from storage.idempotency import forget_keys
from storage.notifications.forgetting import forget_causes, forget_read
from storage.outbox import OutboxKind

log = structlog.get_logger(__name__)

LIMIT = 1000
"""Deliveries, and workflows, that one sweep looks at; the next one goes on from there."""

ENDING = timedelta(minutes=5)
"""After its publish time a workflow may still be about to end by itself."""

DEPARTURES_KEPT = timedelta(days=8)
"""Longer than any delivery is tried for."""

NOTIFICATIONS_KEPT = timedelta(days=90)
"""After they were read, and what is not told again: a quarter, beyond which nobody leafs back."""

KEYS_KEPT = timedelta(days=30)
"""Idempotency keys: far longer than any client asks again for."""

_FORGOTTEN = (
    (forget_departures, DEPARTURES_KEPT),
    (forget_keys, KEYS_KEPT),
    (forget_read, NOTIFICATIONS_KEPT),
    (forget_causes, NOTIFICATIONS_KEPT),
)

FORGETTING = 50
"""Transactions of one kind in a sweep, while there is more: faster than such rows come."""

AT_ONCE = 10
"""Questions to Temporal at the same time."""


class PostSweeping(Sweeping):
    """Repairs both ways: posts without a workflow, workflows without a post."""

    def __init__(self, database: Database, client: Client, *, limit: int = LIMIT) -> None:
        """`client` is asked what runs; what is missing goes through the outbox like any start."""
        self._database = database
        self._client = client
        self._limit = limit

    @activity.defn
    async def sweep_posts(self, request: SweepRequest) -> SweepReport:
        """Look at what is due by now or soon; thousands may wait for long, and hide nobody."""
        before = datetime.now(UTC) + request.ahead
        async with self._database.transaction() as session:
            deliveries = await due.list_due(
                session, before=before, limit=self._limit, after=_after(request)
            )
        stray = await self._without_workflow(deliveries)
        await self._restart(stray)
        running, next_page = await self._running_posts(
            datetime.now(UTC) - ENDING, request.after.workflows
        )
        stopped = await self._stop_idle(running)
        await self._forget_old()
        report = SweepReport(
            due=len(deliveries),
            restarted=len({one.post_id for one in stray}),
            stopped=stopped,
            reached=SweepPlace(
                delivery=_place(deliveries[-1]) if len(deliveries) == self._limit else None,
                workflows=next_page,
            ),
        )
        if report.restarted or report.stopped:
            log.warning("swept", restarted=report.restarted, stopped=report.stopped)
        return report

    async def _forget_old(self) -> None:
        """Remove what nobody asks for any more, some of each kind in a transaction of its own."""
        now = datetime.now(UTC)
        for forget, kept in _FORGOTTEN:
            for _ in range(FORGETTING):
                async with self._database.transaction() as session:
                    if await forget(session, before=now - kept, limit=LIMIT) < LIMIT:
                        break

    async def _without_workflow(self, deliveries: Collection[DueDelivery]) -> list[DueDelivery]:
        slots = asyncio.Semaphore(AT_ONCE)
        asked: dict[str, asyncio.Task[bool]] = {}
        for one in deliveries:
            name = _workflow_id(one)
            if name not in asked:
                asked[name] = asyncio.create_task(self._runs(name, slots))
        await asyncio.gather(*asked.values())
        return [one for one in deliveries if not asked[_workflow_id(one)].result()]

    async def _runs(self, workflow_id: str, slots: asyncio.Semaphore) -> bool:
        async with slots:
            activity.heartbeat()
            try:
                found = await self._client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
            return found.status is WorkflowExecutionStatus.RUNNING

    async def _restart(self, stray: Collection[DueDelivery]) -> None:
        """Put them into the outbox again; a start that was only late is harmless."""
        posts: set[UUID] = set()
        for one in stray:
            if not one.is_retry and one.post_id in posts:
                continue
            posts.add(one.post_id)
            async with self._database.transaction() as session:
                await outbox.put(
                    session,
                    OutboxKind.RETRY_DELIVERY if one.is_retry else OutboxKind.START_POST,
                    workspace_id=one.workspace_id,
                    post_id=one.post_id,
                    due_at=one.publish_at,
                    payload={"delivery_id": str(one.delivery_id)} if one.is_retry else {},
                )

    async def _stop_idle(self, running: Sequence[tuple[UUID, str]]) -> int:
        """End workflows whose post has nothing left to publish, or is no more."""
        if not running:
            return 0
        async with self._database.transaction() as session:
            busy = await due.posts_with_work(session, [post_id for post_id, _ in running])
        idle = [workflow_id for post_id, workflow_id in running if post_id not in busy]
        for workflow_id in idle:
            handle = self._client.get_workflow_handle(workflow_id)
            try:
                await handle.terminate("every delivery of its post is settled")
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
        return len(idle)

    async def _running_posts(
        self, before: datetime, page: str | None
    ) -> tuple[list[tuple[UUID, str]], str | None]:
        """Posts due before then with their workflows' ids; the word for the page after this one."""
        query = (
            f"WorkflowType = '{PUBLISH_POST}' AND ExecutionStatus = 'Running'"
            f" AND {search_attributes.PUBLISH_AT.name} < '{before.isoformat()}'"
        )
        found = self._client.list_workflows(
            query, page_size=self._limit, next_page_token=b64decode(page) if page else None
        )
        await found.fetch_next_page()
        running = [
            (UUID(post), execution.id)
            for execution in found.current_page or ()
            if (post := execution.typed_search_attributes.get(search_attributes.POST))
        ]
        following = found.next_page_token
        return running, b64encode(following).decode() if following else None


def _after(request: SweepRequest) -> tuple[datetime, UUID] | None:
    place = request.after.delivery
    return (place.publish_at, place.delivery_id) if place else None


def _place(one: DueDelivery) -> DeliveryPlace:
    return DeliveryPlace(publish_at=one.publish_at, delivery_id=one.delivery_id)


def _workflow_id(one: DueDelivery) -> str:
    if one.is_retry:
        return retry_workflow_id(one.post_id, one.delivery_id)
    return post_workflow_id(one.post_id)
