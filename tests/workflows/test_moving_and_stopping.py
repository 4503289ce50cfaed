"""Reschedule, publish now and cancel reach a post wherever it is."""

from datetime import timedelta

import pytest

from contracts.publishing import GIVE_UP_AFTER
from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from tests.workflows import scenarios
from tests.workflows.scheduled_posts import ARM_LEAD, DEADLINE, HOUR, Delivery, Posts
from tests.workflows.scripted_activities import Held, settled, superseded

SOON = timedelta(seconds=DEADLINE)
MILLISECOND = timedelta(milliseconds=1)
"""The resolution of what the server keeps."""


@pytest.mark.parametrize(
    ("scenario", "moved_by"),
    [
        (scenarios.rescheduled, 2 * HOUR),
        (scenarios.rescheduled_earlier, -2 * HOUR),
        (scenarios.rescheduled_while_preparing, HOUR),
        (scenarios.rescheduled_while_armed, HOUR),
        (scenarios.rescheduled_while_failing, HOUR),
        (scenarios.superseded_before_its_update, HOUR),
        (scenarios.superseded_then_moved_again, HOUR),
        (scenarios.superseded_then_resumed, HOUR),
        (scenarios.unscheduled_and_rescheduled, HOUR),
    ],
)
async def test_publishes_at_the_new_time(
    posts: Posts, scenario: scenarios.Scenario, moved_by: timedelta
) -> None:
    post = await scenario(posts)
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}
    moved_to = post.publish_at + moved_by
    last = post.calls()[-1]
    assert abs(last.publish_at - moved_to) <= MILLISECOND
    assert -MILLISECOND * 2 <= last.at - (moved_to - ARM_LEAD) < SOON


async def test_a_withdrawn_dispatch_is_made_again(posts: Posts) -> None:
    post = await scenarios.rescheduled_while_armed(posts)
    first, second = post.calls()
    assert first.publish_at == post.publish_at
    assert second.publish_at > first.publish_at
    assert second.attempt == 1


async def test_a_moved_post_is_prepared_for_its_new_time(posts: Posts) -> None:
    post = await scenarios.rescheduled_while_preparing(posts)
    first, second = post.calls("prepare_delivery")
    assert second.publish_at - first.publish_at == HOUR


async def test_a_send_on_its_way_is_not_repeated_at_the_new_time(posts: Posts) -> None:
    post = await scenarios.rescheduled_while_sending(posts)
    assert await post.ends() == {Network.X: DeliveryStatus.PUBLISHED}
    assert len(post.calls()) == 1


async def test_a_failure_of_a_withdrawn_dispatch_gives_nothing_up(posts: Posts) -> None:
    post = await scenarios.rescheduled_while_failing(posts)
    assert post.given_up == []


async def test_publish_now_wakes_a_sleeping_post(posts: Posts) -> None:
    post = await scenarios.publish_now(posts)
    [call] = post.calls()
    assert call.at - call.publish_at < SOON
    assert call.publish_at < post.publish_at - timedelta(days=29)


async def test_publish_now_cuts_a_long_wait_short(posts: Posts) -> None:
    post = await scenarios.publish_now_while_backing_off(posts)
    assert await post.ends() == {Network.X: DeliveryStatus.PUBLISHED}
    first, second = post.calls()
    assert second.at - first.at < SOON
    assert second.publish_at < first.publish_at


@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.cancelled_while_asleep,
        scenarios.cancelled_while_preparing,
        scenarios.cancelled_while_armed,
    ],
)
async def test_a_cancelled_post_ends_at_once(posts: Posts, scenario: scenarios.Scenario) -> None:
    post = await scenario(posts)
    assert set((await post.ends()).values()) == {DeliveryStatus.CANCELLED}
    assert await post.status_shown() is PostStatus.CANCELLED
    assert (await post.history()).events[-1].event_time.ToDatetime(
        post.publish_at.tzinfo
    ) < post.publish_at


async def test_cancelling_one_of_three_leaves_the_others(posts: Posts) -> None:
    post = await scenarios.cancel_one_of_three(posts)
    assert await post.ends() == {
        Network.X: DeliveryStatus.PUBLISHED,
        Network.BLUESKY: DeliveryStatus.CANCELLED,
        Network.FEED: DeliveryStatus.PUBLISHED,
    }
    assert {call.task_queue for call in post.calls()} == {"publish-x", "publish-feed"}


async def test_what_was_published_after_all_is_not_called_cancelled(posts: Posts) -> None:
    sending = Held(when_withdrawn=settled(DeliveryStatus.PUBLISHED))
    post = await posts.schedule(Delivery(network=Network.X, publishing=[sending]))
    await scenarios.armed(post, sending)
    await post.cancel()
    assert await post.ends() == {Network.X: DeliveryStatus.PUBLISHED}


async def test_one_of_three_fails_and_the_others_publish(posts: Posts) -> None:
    post = await scenarios.one_of_three_fails(posts)
    assert await post.ends() == {
        Network.X: DeliveryStatus.PUBLISHED,
        Network.FACEBOOK: DeliveryStatus.FAILED,
        Network.FEED: DeliveryStatus.PUBLISHED,
    }
    assert await post.status_shown() is PostStatus.PARTIALLY_PUBLISHED


async def test_one_superseded_delivery_waits_while_the_other_is_published(posts: Posts) -> None:
    late = Delivery(network=Network.X)
    post = await posts.schedule(late, Delivery(network=Network.FEED))
    later = post.publish_at + HOUR
    posts.script(late, publishing=[superseded(by=later)])
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}
    assert [call.publish_at for call in post.calls() if call.delivery_id == late.id] == [
        post.publish_at,
        later,
    ]
    assert len(post.calls()) == 3


async def test_several_superseded_deliveries_are_each_dispatched_once_more(posts: Posts) -> None:
    late = [Delivery(network=network) for network in (Network.X, Network.FEED, Network.BLUESKY)]
    post = await posts.schedule(*late)
    later = post.publish_at + HOUR
    for one in late:
        posts.script(one, publishing=[superseded(by=later)])
    assert set((await post.ends()).values()) == {DeliveryStatus.PUBLISHED}
    assert len(post.calls()) == 6
    for call in post.calls()[3:]:
        assert call.publish_at == later
        assert -MILLISECOND * 2 <= call.at - (later - ARM_LEAD) < SOON


async def test_superseded_by_the_time_of_the_update_that_came(posts: Posts) -> None:
    delivery = Delivery(network=Network.X)
    post = await posts.schedule(delivery)
    later = post.publish_at + HOUR
    waiting = Held(when_withdrawn=superseded(by=later))
    posts.script(delivery, publishing=[waiting])
    await scenarios.armed(post, waiting)
    await post.reschedule(later)
    await post.ends()
    _, second = post.calls()
    assert second.publish_at == later
    assert -MILLISECOND * 2 <= second.at - (later - ARM_LEAD) < SOON


@pytest.mark.parametrize("earlier", [timedelta(0), HOUR])
async def test_superseded_by_no_later_time_changes_no_time(
    posts: Posts, earlier: timedelta
) -> None:
    delivery = Delivery(network=Network.X)
    post = await posts.schedule(delivery, ahead=3 * HOUR)
    posts.script(delivery, publishing=[superseded(by=post.publish_at - earlier)])
    await post.ends()
    assert [call.publish_at for call in post.calls()] == [post.publish_at] * 2


async def test_a_resumed_delivery_is_not_armed_for_another_ones_later_time(posts: Posts) -> None:
    post = await scenarios.superseded_then_resumed(posts)
    assert len(post.calls()) == 4
    assert all(call.publish_at - call.at < ARM_LEAD + SOON for call in post.calls())


async def test_what_is_held_when_its_time_is_up_has_all_of_it_again(posts: Posts) -> None:
    post = await scenarios.held_for_weeks(posts)
    assert await post.ends() == {
        Network.X: DeliveryStatus.PUBLISHED,
        Network.FEED: DeliveryStatus.PUBLISHED,
    }
    assert [one.out_of_time for one in post.given_up] == [True, True]
    waited = post.calls()[-1].at - post.publish_at
    assert waited > 2 * GIVE_UP_AFTER - timedelta(days=3)


async def test_what_cannot_be_repeated_is_given_up_without_a_word_of_time(posts: Posts) -> None:
    post = await scenarios.gave_up(posts)
    assert [one.out_of_time for one in post.given_up] == [False]


@pytest.mark.parametrize("scenario", [scenarios.gave_up, scenarios.gave_up_after_a_week])
async def test_what_its_activity_cannot_settle_is_given_up(
    posts: Posts, scenario: scenarios.Scenario
) -> None:
    post = await scenario(posts)
    assert (await post.ends())[Network.X] is DeliveryStatus.FAILED
    [given_up] = post.given_up
    assert (given_up.delivery_id,) == post.ids(Network.X)
    assert given_up.reason
    assert len(given_up.reason) <= 500


async def test_cancelling_twice_is_harmless(posts: Posts) -> None:
    waiting = Held()
    post = await posts.schedule(
        Delivery(network=Network.X), Delivery(network=Network.FEED, publishing=[waiting])
    )
    await post.cancel(Network.X)
    await post.cancel(Network.X)
    waiting.release()
    assert (await post.ends())[Network.X] is DeliveryStatus.CANCELLED


async def test_an_update_finishes_before_the_workflow_does(posts: Posts) -> None:
    post = await scenarios.cancelled_while_asleep(posts)
    events = [str(event.WhichOneof("attributes")) for event in (await post.history()).events]
    accepted, completed, done = (
        events.index(f"workflow_execution_{name}_event_attributes")
        for name in ("update_accepted", "update_completed", "completed")
    )
    assert accepted < completed < done
