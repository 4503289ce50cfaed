"""What is due when its workflow starts: published within the task that begins it."""

from datetime import timedelta

from temporalio.api.enums.v1 import EventType

from contracts.failures import FailureType
from contracts.task_queues import ORCHESTRATION, publish_queue
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from tests.workflows import scenarios
from tests.workflows.scenarios import DUE
from tests.workflows.scheduled_posts import Delivery, Posts, ScheduledPost


async def _number_of(post: ScheduledPost, kind: "EventType.ValueType") -> int:
    return [event.event_type for event in (await post.history()).events].count(kind)


async def test_what_is_due_is_published_by_the_worker_that_begins_it(posts: Posts) -> None:
    post = await scenarios.published_at_once(posts)
    assert [call.task_queue for call in post.calls("publish_at_once")] == [ORCHESTRATION] * 2
    assert post.calls() == []
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}


async def test_it_costs_one_task_however_many_deliveries(posts: Posts) -> None:
    post = await scenarios.published_at_once(posts)
    assert await _number_of(post, EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED) == 1
    assert await _number_of(post, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 0


async def test_what_has_no_room_goes_to_its_queue_at_once(posts: Posts) -> None:
    post = await scenarios.left_to_its_queue(posts)
    assert [(call.task_queue, call.pause) for call in post.calls()] == [
        (publish_queue(Network.X), None)
    ]
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}


async def test_what_has_to_wait_waits_at_its_queue(posts: Posts) -> None:
    post = await scenarios.goes_on_at_its_queue(posts)
    (tried,) = post.calls("publish_at_once")
    first, *_ = post.calls()
    assert first.pause is not None
    assert first.pause.failure == FailureType.TRY_LATER
    assert first.pause.until - tried.at >= timedelta(minutes=2) - timedelta(seconds=1)
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}


async def test_one_of_two_can_be_cancelled_meanwhile(posts: Posts) -> None:
    post = await scenarios.cancelled_at_once(posts)
    assert await post.ends() == {
        Network.X: DeliveryStatus.PUBLISHED,
        Network.BLUESKY: DeliveryStatus.CANCELLED,
    }


async def test_media_is_not_tried_at_once(posts: Posts) -> None:
    post = await posts.schedule(Delivery(network=Network.INSTAGRAM, prepare=True), ahead=DUE)
    await post.ends()
    assert post.calls("publish_at_once") == []
    assert len(post.calls()) == 1


async def test_what_a_relay_of_before_started_goes_to_its_queue(posts: Posts) -> None:
    post = await posts.schedule(Delivery(network=Network.X), ahead=DUE, version=2)
    await post.ends()
    assert post.calls("publish_at_once") == []
    assert len(post.calls()) == 1
