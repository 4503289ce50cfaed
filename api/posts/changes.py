"""Posts edited, moved, hurried and stopped, as long as nothing of them was sent.

The post is locked first, so that a worker's claim comes wholly before or wholly after.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.service import Caller
from api.posts.contents import wanted_from
from api.posts.forecast import Forecast
from api.posts.planning import PostPlan, plan_post, publish_time_of, require_publishable
from api.posts.problems import ChangedMeanwhile, RevisionMissing, TooLate
from api.posts.schemas import PostAccepted
from api.posts.wanted_schemas import PostChange, PostWanted
from api.problems import NotFound
from domain.deliveries import PostStatus
from domain.lateness import LateChoice
from storage import outbox, posts, timeline
from storage.database import Database
from storage.outbox import OutboxKind
from storage.posts import Post, PublishTime
from storage.timeline import Event


class PostChanges:
    """Changes posts."""

    def __init__(self, database: Database, forecast: Forecast) -> None:
        """Everything it does is in that database; the relay tells Temporal."""
        self._database = database
        self._forecast = forecast

    async def change(
        self, caller: Caller, post_id: UUID, change: PostChange, revision: int | None
    ) -> PostAccepted:
        """Edit or reschedule. `revision` is the one the caller has seen.

        Raises NotFound, RevisionMissing, ChangedMeanwhile, TooLate, InvalidRequest.
        """
        async with self._database.transaction() as session:
            post = await _locked(session, caller, post_id)
            _require_revision(post, revision)
            _require_untouched(post)
            wanted = _merged(post, change)
            publish_time = post.publish_time
            if "publish_at" in change.model_fields_set:
                publish_time = publish_time_of(wanted, datetime.now(UTC))
            plan = await plan_post(session, caller.workspace_id, wanted)
            if publish_time is not None:
                require_publishable(plan)
            await _revise(session, caller, post, plan, publish_time, wanted.priority, wanted.late)
            await _note(session, post, publish_time)
            if publish_time is not None:
                await _tell(session, caller, post.id, OutboxKind.RESCHEDULE_POST, publish_time.at)
            elif post.publish_time is not None:
                gone = [str(delivery.id) for delivery in post.standing_deliveries]
                await _tell_cancelled(session, caller, post.id, gone)
            return await self._answer(session, caller, post_id)

    async def publish_now(self, caller: Caller, post_id: UUID) -> PostAccepted:
        """Move a post to this moment. Raises NotFound, TooLate, InvalidRequest."""
        now = PublishTime(at=datetime.now(UTC))
        async with self._database.transaction() as session:
            post = await _locked(session, caller, post_id)
            _require_untouched(post)
            plan = await plan_post(session, caller.workspace_id, _merged(post, PostChange()))
            require_publishable(plan)
            await _revise(session, caller, post, plan, now, post.priority, post.late)
            await _note(session, post, now)
            await _tell(session, caller, post.id, OutboxKind.RESCHEDULE_POST, now.at, {"now": True})
            return await self._answer(session, caller, post_id)

    async def _answer(self, session: AsyncSession, caller: Caller, post_id: UUID) -> PostAccepted:
        post = await _locked(session, caller, post_id)
        warnings = await self._forecast.of_post(session, post)
        return PostAccepted.of(post).model_copy(update={"warnings": warnings})

    async def cancel(self, caller: Caller, post_id: UUID) -> Post:
        """Stop a post: after this it is never published. Raises NotFound, TooLate.

        Cancelling a cancelled post changes nothing.
        """
        async with self._database.transaction() as session:
            post = await _locked(session, caller, post_id)
            if post.status is PostStatus.CANCELLED:
                return post
            _require_untouched(post)
            chosen = [delivery.id for delivery in post.standing_deliveries]
            await posts.cancel(session, post.id, chosen)
            await timeline.append(session, post.id, Event.CANCELLED)
            if post.publish_time is not None:
                gone = [str(delivery_id) for delivery_id in chosen]
                await _tell_cancelled(session, caller, post.id, gone)
            return await _locked(session, caller, post_id)


async def _locked(session: AsyncSession, caller: Caller, post_id: UUID) -> Post:
    post = await posts.lock(session, caller.workspace_id, post_id)
    if post is None:
        raise NotFound("post", post_id)
    return post


def _require_revision(post: Post, revision: int | None) -> None:
    if revision is None:
        raise RevisionMissing
    if revision != post.revision:
        raise ChangedMeanwhile(post.revision)


def _require_untouched(post: Post) -> None:
    if post.status is PostStatus.CANCELLED:
        raise TooLate.cancelled()
    under_way = [delivery for delivery in post.standing_deliveries if not delivery.movable]
    if under_way:
        raise TooLate.under_way(under_way)


def _merged(post: Post, change: PostChange) -> PostWanted:
    """The whole post as it would be wanted after the change."""
    fields: dict[str, Any] = {
        **wanted_from(post.content),
        "targets": [delivery.account_id for delivery in post.standing_deliveries],
        "priority": post.priority,
        "late_policy": post.late.policy,
        "late_after_seconds": post.late.after_seconds,
    }
    changed = change.model_dump(exclude_unset=True)
    return PostWanted.model_validate({**fields, **changed})


async def _revise(
    session: AsyncSession,
    caller: Caller,
    post: Post,
    plan: PostPlan,
    publish_time: PublishTime | None,
    priority: int,
    late: LateChoice,
) -> None:
    kept = {delivery.account_id for delivery in post.standing_deliveries}
    wanted = {account.id for account in plan.accounts}
    # What was cancelled before makes room where the account is wanted again.
    await posts.remove_deliveries(
        session,
        [
            one.id
            for one in post.current_deliveries
            if (one.account_id in wanted) != (one.account_id in kept)
        ],
    )
    revision = await posts.revise(
        session,
        post,
        content=plan.content,
        publish_time=publish_time,
        priority=priority,
        late=late,
        created_by=caller.actor_id,
    )
    await posts.add_deliveries(
        session,
        post_id=post.id,
        workspace_id=caller.workspace_id,
        revision=revision,
        targets=[target for target in plan.targets if target.account_id not in kept],
        publish_at=publish_time.at if publish_time else None,
    )


async def _note(session: AsyncSession, post: Post, publish_time: PublishTime | None) -> None:
    """Write down what the change came to."""
    details: dict[str, Any] = {"revision": post.revision + 1}
    event = Event.EDITED
    if publish_time != post.publish_time:
        event = Event.SCHEDULED if post.publish_time is None else Event.RESCHEDULED
        details["publish_at"] = publish_time.at if publish_time else None
    await timeline.append(session, post.id, event, details=details)


async def _tell(
    session: AsyncSession,
    caller: Caller,
    post_id: UUID,
    kind: OutboxKind,
    due_at: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    await outbox.put(
        session,
        kind,
        workspace_id=caller.workspace_id,
        post_id=post_id,
        due_at=due_at,
        payload=payload,
    )


async def _tell_cancelled(
    session: AsyncSession, caller: Caller, post_id: UUID, deliveries: list[str]
) -> None:
    await _tell(
        session,
        caller,
        post_id,
        OutboxKind.CANCEL_DELIVERIES,
        datetime.now(UTC),
        {"deliveries": deliveries},
    )
