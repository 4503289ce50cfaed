"""The rows of a new post, as JSON that PostgreSQL makes rows of."""

from typing import Any
from uuid import UUID

from storage.contents import to_json
from storage.outbox import OutboxKind
from storage.posts.post import Delivery, Post
from storage.timeline import Event


def post_row(post: Post) -> dict[str, Any]:
    """Of `posts`."""
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


def revision_row(post: Post, created_by: UUID) -> dict[str, Any]:
    """Of `post_revisions`: the first one."""
    return {
        "post_id": str(post.id),
        "revision": post.revision,
        "content": to_json(post.content),
        "created_at": post.created_at,
        "created_by": str(created_by),
    }


def delivery_row(post: Post, delivery: Delivery) -> dict[str, Any]:
    """Of `deliveries`."""
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


def event_rows(post: Post) -> list[dict[str, Any]]:
    """Of `timeline`, in order."""
    created = {"post_id": str(post.id), "event": Event.CREATED, "details": {}}
    if post.publish_time is None:
        return [created]
    details = {"publish_at": post.publish_time.at}
    return [created, {"post_id": str(post.id), "event": Event.SCHEDULED, "details": details}]


def outbox_row(post: Post) -> dict[str, Any]:
    """Of `outbox`: its workflow is to be started."""
    return {
        "kind": OutboxKind.START_POST,
        "workspace_id": str(post.workspace_id),
        "subject_id": str(post.id),
        "payload": {},
        "due_at": post.publish_time.at if post.publish_time else post.created_at,
    }
