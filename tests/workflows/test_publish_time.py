"""When a post's activities are dispatched, on which queue, and with what."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from contracts import search_attributes
from contracts.failures import FailureType
from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from tests.workflows import scenarios
from tests.workflows.scheduled_posts import (
    ARM_LEAD,
    DEADLINE,
    HEARTBEAT_TIMEOUT,
    HOUR,
    PREPARE_LEAD,
    PRIORITY,
    Delivery,
    Posts,
    ScheduledPost,
)
from tests.workflows.scripted_activities import Held, comes_back
from workflows.publish_post import JITTER

SLACK = timedelta(seconds=DEADLINE)
"""What a busy machine may lose; far less than the leads."""


async def _dispatches(post: ScheduledPost) -> list[HistoryEvent]:
    scheduled = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    return [event for event in (await post.history()).events if event.event_type == scheduled]


def _happened_at(moment: datetime, planned: datetime) -> bool:
    return timedelta(milliseconds=-2) <= moment - planned < SLACK


async def test_is_dispatched_ahead_of_its_time_and_carries_it(posts: Posts) -> None:
    post = await posts.schedule(Delivery(network=Network.X))
    assert await post.ends() == {Network.X: DeliveryStatus.PUBLISHED}
    [call] = post.calls()
    assert call.publish_at == post.publish_at
    assert _happened_at(call.at, post.publish_at - ARM_LEAD)
    assert call.at < post.publish_at


@pytest.mark.parametrize(("last_bits", "share"), [(0x0000, 0), (0x8000, 0.5), (0xFFFF, 1)])
async def test_what_older_relays_started_spreads_its_lead_by_the_posts_id(
    posts: Posts, last_bits: int, share: float
) -> None:
    post_id = UUID(int=new_id().int & ~0xFFFF | last_bits)
    post = await posts.schedule(Delivery(network=Network.X), post_id=post_id, version=1)
    await post.ends()
    [call] = post.calls()
    assert _happened_at(call.at, post.publish_at - ARM_LEAD * (1 - JITTER * share))


async def test_sleeps_half_a_year(posts: Posts) -> None:
    post = await scenarios.published(posts)
    [call] = post.calls()
    assert _happened_at(call.at, post.publish_at - ARM_LEAD)


async def test_a_post_due_now_is_dispatched_at_once(posts: Posts) -> None:
    post = await posts.schedule(
        Delivery(network=Network.INSTAGRAM, prepare=True), ahead=timedelta(0)
    )
    await post.ends()
    [call] = post.calls()
    assert _happened_at(call.at, post.publish_at)
    assert post.calls("prepare_delivery") == []


async def test_only_deliveries_with_media_are_prepared_ahead(posts: Posts) -> None:
    post = await scenarios.prepared_and_published(posts)
    [call] = post.calls("prepare_delivery")
    assert call.task_queue == "publish-instagram"
    assert _happened_at(call.at, post.publish_at - PREPARE_LEAD)
    assert len(post.calls()) == 2


async def test_failing_preparation_does_not_delay_publishing(posts: Posts) -> None:
    post = await scenarios.preparation_fails(posts)
    assert len(post.calls("prepare_delivery")) > 1
    [call] = post.calls()
    assert _happened_at(call.at, post.publish_at - ARM_LEAD)


async def test_slow_preparation_does_not_delay_publishing(posts: Posts) -> None:
    # The server's clock does not jump while an activity runs: this second is a real one.
    second = timedelta(seconds=1)
    post = await posts.schedule(
        Delivery(network=Network.INSTAGRAM, prepare=True, preparing=[Held()]),
        prepare_lead=31 * second,
        arm_lead=30 * second,
    )
    assert await post.ends() == {Network.INSTAGRAM: DeliveryStatus.PUBLISHED}
    [call] = post.calls()
    assert call.at < post.publish_at
    assert _happened_at(call.at, post.publish_at - 30 * second)


async def test_each_network_has_its_queue_and_each_workspace_its_share(posts: Posts) -> None:
    post = await posts.schedule(*(Delivery(network=network) for network in Network))
    await post.ends()
    dispatched = [
        event.activity_task_scheduled_event_attributes for event in await _dispatches(post)
    ]
    assert [one.task_queue.name for one in dispatched] == [f"publish-{one}" for one in Network]
    assert {one.priority.priority_key for one in dispatched} == {PRIORITY}
    assert {one.priority.fairness_key for one in dispatched} == {str(post.workspace_id)}
    notice = ARM_LEAD + HEARTBEAT_TIMEOUT  # what waits for its second needs no heartbeat
    assert {one.heartbeat_timeout.ToTimedelta() for one in dispatched} == {notice}


async def test_retries_come_when_the_activity_asked_for_them(posts: Posts) -> None:
    post = await scenarios.retried(posts)
    first, second, third, fourth = post.calls()
    assert [call.attempt for call in post.calls()] == [1, 2, 3, 4]
    assert _happened_at(second.at, first.at + timedelta(seconds=30))
    assert _happened_at(third.at, second.at + timedelta(hours=3))
    assert _happened_at(fourth.at, third.at + timedelta(seconds=5))


async def test_operators_see_its_status_and_time(posts: Posts) -> None:
    waiting = Held()
    post = await posts.schedule(Delivery(network=Network.X, publishing=[waiting]))
    assert await post.status_shown() is PostStatus.SCHEDULED
    await scenarios.armed(post, waiting)
    later = post.publish_at + HOUR
    await post.reschedule(later)
    await post.ends()
    assert await post.status_shown() is PostStatus.PUBLISHED
    assert abs(await post.publish_at_shown() - later) < timedelta(milliseconds=2)


async def _statuses_shown(post: ScheduledPost) -> list[str]:
    upserts = [
        event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        for event in (await post.history()).events
        if event.event_type == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
    ]
    name = search_attributes.STATUS.name
    return [fields[name].data.decode().strip('"') for fields in upserts if name in fields]


async def test_its_status_is_written_when_it_ends(posts: Posts) -> None:
    post = await scenarios.rescheduled_while_armed(posts)
    assert await _statuses_shown(post) == [PostStatus.PUBLISHED]


async def test_what_older_relays_started_says_that_it_publishes(posts: Posts) -> None:
    waiting = Held()
    post = await posts.schedule(Delivery(network=Network.X, publishing=[waiting]), version=1)
    await scenarios.armed(post, waiting)
    await post.reschedule(post.publish_at + HOUR)
    await post.ends()
    assert await _statuses_shown(post) == [
        PostStatus.PUBLISHING,
        PostStatus.SCHEDULED,
        PostStatus.PUBLISHING,
        PostStatus.PUBLISHED,
    ]


@pytest.mark.parametrize("failure", FailureType)
async def test_every_failure_type_is_waited_out(posts: Posts, failure: FailureType) -> None:
    waits = comes_back(failure, after=timedelta(minutes=5))
    post = await posts.schedule(Delivery(network=Network.X, publishing=[waits]))
    assert await post.ends() == {Network.X: DeliveryStatus.PUBLISHED}
    first, second = post.calls()
    assert _happened_at(second.at, first.at + timedelta(minutes=5))
