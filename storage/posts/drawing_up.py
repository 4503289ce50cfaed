"""A new post as it will stand once it is accepted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.content import PostContent
from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.lateness import NO_LATE_CHOICE, LateChoice
from storage.posts.post import Delivery, Post, PublishTime, TargetAccount


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
