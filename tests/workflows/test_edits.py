"""An edit brings deliveries to a running workflow, takes them away, or brings media."""

from datetime import timedelta

from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from tests.workflows import scenarios
from tests.workflows.scheduled_posts import (
    ARM_LEAD,
    DEADLINE,
    HOUR,
    PREPARE_LEAD,
    Delivery,
    Posts,
)
from tests.workflows.scripted_activities import Held, breaks

SOON = timedelta(seconds=DEADLINE)
MILLISECOND = timedelta(milliseconds=1)
"""The resolution of what the server keeps."""


async def test_an_added_target_is_prepared_and_published_with_the_others(posts: Posts) -> None:
    post = await scenarios.target_added(posts)
    assert await post.ends() == {
        Network.X: DeliveryStatus.PUBLISHED,
        Network.INSTAGRAM: DeliveryStatus.PUBLISHED,
    }
    [prepared] = post.calls("prepare_delivery")
    assert prepared.task_queue == "publish-instagram"
    assert sorted(call.task_queue for call in post.calls()) == ["publish-instagram", "publish-x"]
    assert {call.publish_at for call in post.calls()} == {post.publish_at}
    assert await post.networks_shown() == [Network.INSTAGRAM, Network.X]


async def test_a_target_added_while_armed_is_published_with_the_others(posts: Posts) -> None:
    waiting = Held()
    delivery = Delivery(network=Network.X, publishing=[waiting])
    post = await posts.schedule(delivery)
    await scenarios.armed(post, waiting)
    await post.reschedule(post.publish_at, deliveries=[delivery, Delivery(network=Network.FEED)])
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}
    queues = sorted(call.task_queue for call in post.calls())
    assert queues == ["publish-feed", "publish-x", "publish-x"]


async def test_a_dropped_target_is_never_dispatched(posts: Posts) -> None:
    post = await scenarios.target_dropped(posts)
    assert await post.ends() == {
        Network.X: DeliveryStatus.PUBLISHED,
        Network.BLUESKY: DeliveryStatus.CANCELLED,
    }
    assert [call.task_queue for call in post.calls()] == ["publish-x"]
    assert await post.networks_shown() == [Network.X]
    assert await post.status_shown() is PostStatus.PUBLISHED


async def test_a_target_dropped_while_armed_is_withdrawn(posts: Posts) -> None:
    also_waiting, waiting = Held(), Held()
    kept = Delivery(network=Network.X, publishing=[also_waiting])
    post = await posts.schedule(kept, Delivery(network=Network.FEED, publishing=[waiting]))
    await scenarios.armed(post, waiting, also_waiting)
    await post.reschedule(post.publish_at + HOUR, deliveries=[kept])
    assert (await post.ends())[Network.FEED] is DeliveryStatus.CANCELLED
    assert waiting.withdrawn.is_set()
    queues = sorted(call.task_queue for call in post.calls())
    assert queues == ["publish-feed", "publish-x", "publish-x"]


async def test_media_brought_by_an_edit_is_prepared_ahead(posts: Posts) -> None:
    post = await scenarios.media_brought(posts)
    [prepared] = post.calls("prepare_delivery")
    assert -MILLISECOND * 2 <= prepared.at - (post.publish_at - PREPARE_LEAD) < SOON
    assert len(post.calls()) == 1


async def test_media_taken_away_by_an_edit_is_not_prepared(posts: Posts) -> None:
    delivery = Delivery(network=Network.INSTAGRAM, prepare=True)
    post = await posts.schedule(delivery)
    text = Delivery(network=Network.INSTAGRAM, id=delivery.id)
    await post.reschedule(post.publish_at + HOUR, deliveries=[text])
    await post.ends()
    assert post.calls("prepare_delivery") == []


async def test_a_target_dropped_and_added_back_is_published(posts: Posts) -> None:
    kept, wavering = Delivery(network=Network.X), Delivery(network=Network.BLUESKY)
    post = await posts.schedule(kept, wavering)
    await post.reschedule(post.publish_at, deliveries=[kept])
    await post.reschedule(post.publish_at, deliveries=[kept, wavering])
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}
    assert len(post.calls()) == 2
    assert await post.status_shown() is PostStatus.PUBLISHED


async def test_what_was_cancelled_alone_stays_so_when_the_others_move(posts: Posts) -> None:
    kept = Delivery(network=Network.X)
    post = await posts.schedule(kept, Delivery(network=Network.BLUESKY))
    await post.cancel(Network.BLUESKY)
    await post.reschedule(post.publish_at + HOUR, deliveries=[kept])
    assert await post.ends() == {
        Network.X: DeliveryStatus.PUBLISHED,
        Network.BLUESKY: DeliveryStatus.CANCELLED,
    }


async def test_what_was_unscheduled_can_be_scheduled_again(posts: Posts) -> None:
    post = await scenarios.unscheduled_and_rescheduled(posts)
    assert await post.ends() == {Network.X: DeliveryStatus.PUBLISHED}
    _, second = post.calls()
    assert second.attempt == 1
    assert post.given_up == []


async def test_only_the_resumed_delivery_is_dispatched_again_at_once(posts: Posts) -> None:
    post = await scenarios.resumed(posts)
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}
    first, second = (call for call in post.calls() if call.task_queue == "publish-x")
    assert second.at - first.at < SOON
    assert second.attempt == 1
    assert second.publish_at == first.publish_at
    first, second = (call for call in post.calls() if call.task_queue == "publish-mastodon")
    assert second.at - first.at > 5 * HOUR
    assert second.attempt == 2


async def test_resuming_what_is_not_dispatched_does_nothing(posts: Posts) -> None:
    post = await posts.schedule(Delivery(network=Network.X), Delivery(network=Network.FEED))
    await post.falls_asleep()
    await post.resume(Network.X)
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}
    assert len(post.calls()) == 2
    for call in post.calls():
        assert call.publish_at - call.at <= ARM_LEAD + 2 * MILLISECOND


async def test_a_cancelled_delivery_is_not_resumed(posts: Posts) -> None:
    ending = Held(then=breaks())
    waiting, other = Held(when_withdrawn=ending), Held()
    post = await posts.schedule(
        Delivery(network=Network.X, publishing=[waiting]),
        Delivery(network=Network.FEED, publishing=[other]),
    )
    await scenarios.armed(post, waiting, other)
    await post.cancel(Network.X)
    await post.resume(Network.X)
    ending.release()
    other.release()
    assert (await post.ends())[Network.X] is DeliveryStatus.CANCELLED
    assert len(post.calls()) == 2
