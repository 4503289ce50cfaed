"""New posts, with everything that belongs to them, written in one statement.

However many posts there are, and whatever they go to, it is one round trip: the API's hot path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from domain.content import PostContent
from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.lateness import NO_LATE_CHOICE, LateChoice
from storage import outbox
from storage.contents import to_json
from storage.idempotency import KeptAnswer
from storage.outbox import OutboxKind
from storage.posts.post import Delivery, Post, PublishTime, TargetAccount
from storage.timeline import Event
from storage.waking import wake_after_commit


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstAnswer:
    """What is answered again to whoever asks again with the same key."""

    key: str
    kept: KeptAnswer = field(repr=False)


def draw_up(
    *,
    workspace_id: UUID,
    content: PostContent,
    targets: Sequence[TargetAccount],
    publish_time: PublishTime | None,
    priority: int,
    at: datetime,
    late: LateChoice = NO_LATE_CHOICE,
    batch_id: UUID | None = None,
) -> Post:
    """A new post as it will stand once it is accepted; a draft has no publish time.

    `at` is the moment of the request, UTC.
    """
    post_id = new_id()
    return Post(
        id=post_id,
        workspace_id=workspace_id,
        batch_id=batch_id,
        revision=1,
        status=PostStatus.DRAFT if publish_time is None else PostStatus.SCHEDULED,
        content=content,
        publish_time=publish_time,
        priority=priority,
        late=late,
        created_at=at,
        updated_at=at,
        deliveries=tuple(_delivery(post_id, target, publish_time) for target in targets),
    )


async def accept(
    session: AsyncSession,
    posts: Sequence[Post],
    *,
    created_by: UUID,
    first_answer: FirstAnswer | None = None,
) -> Mapping[str, Any] | None:
    """Insert drawn-up posts with their first revisions, deliveries, events and outbox rows.

    With a first answer, returns it as it will be found again (jsonb has an order of keys of its
    own), or None when another request with the key was first: roll back. Waits while that other
    request's transaction is still open.
    """
    scheduled = [post for post in posts if post.publish_time is not None]
    written = await session.execute(
        _ACCEPT,
        {
            "posts": [_post_row(post) for post in posts],
            "revisions": [_revision_row(post, created_by) for post in posts],
            "deliveries": [_delivery_row(post, one) for post in posts for one in post.deliveries],
            "events": [event for post in posts for event in _event_rows(post)],
            "outbox": [_outbox_row(post) for post in scheduled],
            "answers": [_answer_row(posts[0].workspace_id, first_answer)] if first_answer else [],
        },
    )
    if scheduled:
        wake_after_commit(session, outbox.CHANNEL)
    answer: Mapping[str, Any] | None = written.scalar_one_or_none()
    return answer


_ROWS: Final = ("posts", "revisions", "deliveries", "events", "outbox", "answers")

_ACCEPT: Final = (
    text("""
    WITH new_posts AS (
        INSERT INTO posts (id, workspace_id, batch_id, revision, status, publish_at, wall_time,
                           time_zone, priority, late_policy, late_after_seconds, created_at,
                           updated_at)
        SELECT id, workspace_id, batch_id, revision, status, publish_at, wall_time,
               time_zone, priority, late_policy, late_after_seconds, created_at, updated_at
        FROM jsonb_populate_recordset(NULL::posts, :posts)
    ), new_revisions AS (
        INSERT INTO post_revisions (post_id, revision, content, created_at, created_by)
        SELECT post_id, revision, content, created_at, created_by
        FROM jsonb_populate_recordset(NULL::post_revisions, :revisions)
    ), new_deliveries AS (
        INSERT INTO deliveries (id, root_id, post_id, workspace_id, account_id, network, status,
                                revision, publish_at)
        SELECT id, root_id, post_id, workspace_id, account_id, network, status,
               revision, publish_at
        FROM jsonb_populate_recordset(NULL::deliveries, :deliveries)
    ), new_events AS (
        INSERT INTO timeline (post_id, event, details)
        SELECT post_id, event, details
        FROM jsonb_populate_recordset(NULL::timeline, :events)
    ), to_do AS (
        INSERT INTO outbox (kind, workspace_id, subject_id, payload, due_at)
        SELECT kind, workspace_id, subject_id, payload, due_at
        FROM jsonb_populate_recordset(NULL::outbox, :outbox)
    ), kept AS (
        INSERT INTO idempotency_keys (workspace_id, key, fingerprint, status_code, answer)
        SELECT workspace_id, key, fingerprint, status_code, answer
        FROM jsonb_populate_recordset(NULL::idempotency_keys, :answers)
        ON CONFLICT DO NOTHING
        RETURNING answer
    )
    SELECT answer FROM kept
""")
    .bindparams(*(bindparam(name, type_=JSONB) for name in _ROWS))
    .columns(answer=JSONB)
)
"""Foreign keys are compared at the end of the statement, so its parts need no order."""


def _delivery(post_id: UUID, target: TargetAccount, publish_time: PublishTime | None) -> Delivery:
    delivery_id = new_id()
    return Delivery(
        id=delivery_id,
        root_id=delivery_id,
        post_id=post_id,
        account_id=target.account_id,
        network=target.network,
        handle=target.handle,
        status=DeliveryStatus.SCHEDULED,
        publish_at=publish_time.at if publish_time else None,
        deferred_until=None,
        reason=None,
        remote_id=None,
        permalink=None,
        sent_at=None,
        superseded=False,
    )


def _post_row(post: Post) -> dict[str, Any]:
    time = post.publish_time
    return {
        "id": str(post.id),
        "workspace_id": str(post.workspace_id),
        "batch_id": str(post.batch_id) if post.batch_id else None,
        "revision": post.revision,
        "status": post.status,
        "publish_at": time.at if time else None,
        "wall_time": time.wall_time if time else None,
        "time_zone": time.time_zone if time else None,
        "priority": post.priority,
        "late_policy": post.late.policy,
        "late_after_seconds": post.late.after_seconds,
        "created_at": post.created_at,
        "updated_at": post.updated_at,
    }


def _revision_row(post: Post, created_by: UUID) -> dict[str, Any]:
    return {
        "post_id": str(post.id),
        "revision": post.revision,
        "content": to_json(post.content),
        "created_at": post.created_at,
        "created_by": str(created_by),
    }


def _delivery_row(post: Post, delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "root_id": str(delivery.root_id),
        "post_id": str(post.id),
        "workspace_id": str(post.workspace_id),
        "account_id": str(delivery.account_id),
        "network": delivery.network,
        "status": delivery.status,
        "revision": post.revision,
        "publish_at": delivery.publish_at,
    }


def _event_rows(post: Post) -> list[dict[str, Any]]:
    created = {"post_id": str(post.id), "event": Event.CREATED, "details": {}}
    if post.publish_time is None:
        return [created]
    details = {"publish_at": post.publish_time.at}
    return [created, {"post_id": str(post.id), "event": Event.SCHEDULED, "details": details}]


def _outbox_row(post: Post) -> dict[str, Any]:
    return {
        "kind": OutboxKind.START_POST,
        "workspace_id": str(post.workspace_id),
        "subject_id": str(post.id),
        "payload": {},
        "due_at": post.publish_time.at if post.publish_time else post.created_at,
    }


def _answer_row(workspace_id: UUID, first: FirstAnswer) -> dict[str, Any]:
    return {
        "workspace_id": str(workspace_id),
        "key": first.key,
        "fingerprint": f"\\x{first.kept.fingerprint.hex()}",
        "status_code": first.kept.status_code,
        "answer": first.kept.answer,
    }
