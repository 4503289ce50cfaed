"""Updates that make no sense, or come too late, are refused with a reason."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from contracts.publishing import FINISHED, Cancel, Move, Resume
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from tests.workflows import scenarios
from tests.workflows.lingering_publish_post import LingeringPublishPost
from tests.workflows.scheduled_posts import HOUR, Delivery, Posts, ScheduledPost
from tests.workflows.temporal_server import scripted_workers


async def _refusal(post: ScheduledPost, name: str, payload: Move | Resume | Cancel) -> str | None:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await post.update(name, payload)
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.type


async def test_updates_that_make_no_sense(posts: Posts) -> None:
    delivery = Delivery(network=Network.X)
    post = await posts.schedule(delivery)
    waiting = (delivery.ref,)
    zoned = post.publish_at + HOUR
    naive = datetime.fromisoformat("2030-01-01T09:00:00")
    refused: list[tuple[str, Move | Cancel, str]] = [
        ("reschedule", Move(publish_at=naive, deliveries=waiting), "NaiveTime"),
        ("publish_now", Move(publish_at=naive, deliveries=waiting), "NaiveTime"),
        ("publish_now", Move(publish_at=zoned, deliveries=waiting), "FutureTime"),
        ("reschedule", Move(publish_at=zoned, deliveries=()), "NothingToMove"),
        ("publish_now", Move(publish_at=post.publish_at - HOUR, deliveries=()), "NothingToMove"),
        ("cancel", Cancel(deliveries=(uuid4(),)), "UnknownDelivery"),
        ("cancel", Cancel(deliveries=()), "UnknownDelivery"),
    ]
    for name, payload, reason in refused:
        assert await _refusal(post, name, payload) == reason
    await post.ends()
    [call] = post.calls()
    assert call.publish_at == post.publish_at


async def test_a_move_that_comes_when_the_workflow_ends(
    time_skipping: WorkflowEnvironment,
) -> None:
    delivery = Delivery(network=Network.X)
    async with scripted_workers(time_skipping, LingeringPublishPost) as posts:
        post = await posts.schedule(delivery)
        await post.handle.start_update("linger", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        await post.cancel()
        now = await time_skipping.get_current_time()
        for name, publish_at in (("reschedule", now + HOUR), ("publish_now", now)):
            move = Move(publish_at=publish_at, deliveries=(delivery.ref,))
            assert await _refusal(post, name, move) == FINISHED
        await post.cancel()
        await post.resume(Network.X)
        await post.handle.signal("let_go")
        assert await post.ends() == {Network.X: DeliveryStatus.CANCELLED}
    assert post.calls() == []


async def test_an_update_that_comes_after_the_end(posts: Posts) -> None:
    post = await scenarios.published(posts)
    with pytest.raises(RPCError) as caught:
        await post.reschedule(post.publish_at + timedelta(days=1))
    assert caught.value.status is RPCStatusCode.NOT_FOUND
