"""The lives of posts, and of a sweep: one function for each branch, run by tests and recorded.

Each returns when its workflow is done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from temporalio.client import WorkflowHistory

from contracts.failures import FailureType
from contracts.sweeping import SweepReport
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from tests.workflows.scheduled_posts import (
    ARM_LEAD,
    DEADLINE,
    HOUR,
    PREPARE_LEAD,
    Delivery,
    Posts,
    ScheduledPost,
    Sweep,
)
from tests.workflows.scripted_activities import (
    Held,
    breaks,
    comes_back,
    has_no_room,
    settled,
    superseded,
)

DUE = timedelta(seconds=-10)
"""Ahead of now: the time has passed already."""

Scenario = Callable[[Posts], Awaitable[ScheduledPost]]


class Lived(Protocol):
    """What is over and has left a history."""

    async def history(self) -> WorkflowHistory:
        """What the server keeps of it."""
        ...


async def published(posts: Posts) -> ScheduledPost:
    """A text to one network."""
    post = await posts.schedule(Delivery(network=Network.X), ahead=timedelta(days=180))
    await post.ends()
    return post


async def prepared_and_published(posts: Posts) -> ScheduledPost:
    """Media to one network, text to another."""
    post = await posts.schedule(
        Delivery(network=Network.INSTAGRAM, prepare=True), Delivery(network=Network.X)
    )
    await post.ends()
    return post


async def preparation_fails(posts: Posts) -> ScheduledPost:
    """Preparing never works out ahead of time; publishing does it at the moment."""
    not_ready = comes_back(FailureType.PREPARATION_PENDING, after=timedelta(minutes=2))
    post = await posts.schedule(
        Delivery(network=Network.INSTAGRAM, prepare=True, preparing=[not_ready] * 10)
    )
    await post.ends()
    return post


async def rescheduled(posts: Posts) -> ScheduledPost:
    """Moved to a later time while it sleeps."""
    post = await posts.schedule(Delivery(network=Network.X), Delivery(network=Network.BLUESKY))
    await post.falls_asleep()
    await post.reschedule(post.publish_at + 2 * HOUR)
    await post.ends()
    return post


async def rescheduled_earlier(posts: Posts) -> ScheduledPost:
    """Moved to an earlier time while it sleeps."""
    post = await posts.schedule(Delivery(network=Network.X), ahead=3 * HOUR)
    await post.falls_asleep()
    await post.reschedule(post.publish_at - 2 * HOUR)
    await post.ends()
    return post


async def rescheduled_while_preparing(posts: Posts) -> ScheduledPost:
    """Moved while its media is transferred."""
    transfer = Held()
    post = await posts.schedule(
        Delivery(network=Network.INSTAGRAM, prepare=True, preparing=[transfer])
    )
    await post.sleep_until(post.publish_at - PREPARE_LEAD)
    await _reached(transfer)
    await post.reschedule(post.publish_at + HOUR)
    await asyncio.wait_for(transfer.withdrawn.wait(), DEADLINE)
    await post.ends()
    return post


async def rescheduled_while_armed(posts: Posts) -> ScheduledPost:
    """Moved while a worker holds it and waits for the second."""
    waiting = Held()
    post = await posts.schedule(Delivery(network=Network.X, publishing=[waiting]))
    await armed(post, waiting)
    await post.reschedule(post.publish_at + HOUR)
    await post.ends()
    return post


async def rescheduled_while_failing(posts: Posts) -> ScheduledPost:
    """Moved while armed, and the withdrawn activity ends with a failure, which nobody retries."""
    waiting = Held(when_withdrawn=breaks())
    post = await posts.schedule(Delivery(network=Network.X, publishing=[waiting]))
    await armed(post, waiting)
    await post.reschedule(post.publish_at + HOUR)
    await post.ends()
    return post


async def rescheduled_while_sending(posts: Posts) -> ScheduledPost:
    """Moved when it is too late: the activity is in the middle of its send and ends it."""
    sending = Held(when_withdrawn=settled(DeliveryStatus.PUBLISHED))
    post = await posts.schedule(Delivery(network=Network.X, publishing=[sending]))
    await armed(post, sending)
    await post.reschedule(post.publish_at + HOUR)
    await post.ends()
    return post


async def publish_now(posts: Posts) -> ScheduledPost:
    """Asked for at once while it sleeps."""
    post = await posts.schedule(Delivery(network=Network.X), ahead=timedelta(days=30))
    await post.falls_asleep()
    await post.publish_now()
    await post.ends()
    return post


async def publish_now_while_backing_off(posts: Posts) -> ScheduledPost:
    """Asked for at once while its activity waits hours for a quota."""
    full = comes_back(FailureType.RATE_LIMITED, after=timedelta(hours=6))
    post = await posts.schedule(Delivery(network=Network.X, publishing=[full]))
    await post.sleep_until(post.publish_at - ARM_LEAD)
    await post.backs_off()
    await post.publish_now()
    await post.ends()
    return post


async def target_added(posts: Posts) -> ScheduledPost:
    """An edit sends it to one network more."""
    delivery = Delivery(network=Network.X)
    post = await posts.schedule(delivery)
    await post.falls_asleep()
    added = Delivery(network=Network.INSTAGRAM, prepare=True)
    await post.reschedule(post.publish_at, deliveries=[delivery, added])
    await post.ends()
    return post


async def target_dropped(posts: Posts) -> ScheduledPost:
    """An edit sends it to one network less."""
    kept = Delivery(network=Network.X)
    post = await posts.schedule(kept, Delivery(network=Network.BLUESKY))
    await post.falls_asleep()
    await post.reschedule(post.publish_at, deliveries=[kept])
    await post.ends()
    return post


async def media_brought(posts: Posts) -> ScheduledPost:
    """An edit brings media to what was a text."""
    delivery = Delivery(network=Network.MASTODON)
    post = await posts.schedule(delivery)
    await post.falls_asleep()
    await post.reschedule(post.publish_at, deliveries=[replace(delivery, prepare=True)])
    await post.ends()
    return post


async def unscheduled_and_rescheduled(posts: Posts) -> ScheduledPost:
    """Everything is stopped, and wanted again while the withdrawn activity still ends."""
    ending = Held(then=breaks())
    waiting = Held(when_withdrawn=ending)
    post = await posts.schedule(Delivery(network=Network.X, publishing=[waiting]))
    await armed(post, waiting)
    await post.cancel()
    await _reached(ending)
    await post.reschedule(post.publish_at + HOUR)
    ending.release()
    await post.ends()
    return post


async def resumed(posts: Posts) -> ScheduledPost:
    """Two activities wait hours for something, and for one of them it has come."""
    full = comes_back(FailureType.RATE_LIMITED, after=6 * HOUR)
    post = await posts.schedule(
        Delivery(network=Network.X, publishing=[full]),
        Delivery(network=Network.MASTODON, publishing=[full]),
    )
    await post.sleep_until(post.publish_at - ARM_LEAD)
    await post.backs_off(activities=2)
    await post.resume(Network.X)
    await post.ends()
    return post


async def superseded_then_resumed(posts: Posts) -> ScheduledPost:
    """One activity has seen the new time, another is resumed before the update arrives."""
    seeing = Delivery(network=Network.X)
    full = comes_back(FailureType.RATE_LIMITED, after=6 * HOUR)
    post = await posts.schedule(seeing, Delivery(network=Network.MASTODON, publishing=[full]))
    posts.script(seeing, publishing=[superseded(by=post.publish_at + HOUR)])
    await post.sleep_until(post.publish_at - ARM_LEAD)
    await post.backs_off()
    await post.resume(Network.MASTODON)
    await post.ends()
    return post


async def cancelled_while_asleep(posts: Posts) -> ScheduledPost:
    """Everything is stopped long before its time."""
    post = await posts.schedule(Delivery(network=Network.X), Delivery(network=Network.BLUESKY))
    await post.falls_asleep()
    await post.cancel()
    await post.ends()
    return post


async def cancelled_while_preparing(posts: Posts) -> ScheduledPost:
    """Everything is stopped while its media is transferred."""
    transfer = Held()
    post = await posts.schedule(
        Delivery(network=Network.INSTAGRAM, prepare=True, preparing=[transfer])
    )
    await post.sleep_until(post.publish_at - PREPARE_LEAD)
    await _reached(transfer)
    await post.cancel()
    await post.ends()
    return post


async def cancelled_while_armed(posts: Posts) -> ScheduledPost:
    """Stopped while a worker holds it and waits for the second."""
    waiting = Held()
    post = await posts.schedule(Delivery(network=Network.X, publishing=[waiting]))
    await armed(post, waiting)
    await post.cancel()
    await post.ends()
    return post


async def cancel_one_of_three(posts: Posts) -> ScheduledPost:
    """One delivery is stopped; the others go out."""
    post = await posts.schedule(
        Delivery(network=Network.X),
        Delivery(network=Network.BLUESKY),
        Delivery(network=Network.FEED),
    )
    await post.falls_asleep()
    await post.cancel(Network.BLUESKY)
    await post.ends()
    return post


async def one_of_three_fails(posts: Posts) -> ScheduledPost:
    """One network refuses for good; the others publish."""
    post = await posts.schedule(
        Delivery(network=Network.X),
        Delivery(network=Network.FACEBOOK, publishing=[settled(DeliveryStatus.FAILED)]),
        Delivery(network=Network.FEED),
    )
    await post.ends()
    return post


async def retried(posts: Posts) -> ScheduledPost:
    """The network is away, then asks to wait, then answers nothing, then has it."""
    post = await posts.schedule(
        Delivery(
            network=Network.MASTODON,
            publishing=[
                comes_back(FailureType.TRY_LATER, after=timedelta(seconds=30)),
                comes_back(FailureType.RATE_LIMITED, after=timedelta(hours=3)),
                comes_back(FailureType.OUTCOME_UNKNOWN, after=timedelta(seconds=5)),
            ],
        )
    )
    await post.ends()
    return post


async def superseded_before_its_update(posts: Posts) -> ScheduledPost:
    """The activity sees the new time in the database before the update arrives."""
    delivery = Delivery(network=Network.X)
    post = await posts.schedule(delivery)
    later = post.publish_at + HOUR
    posts.script(delivery, publishing=[superseded(by=later)])
    await post.ends()
    return post


async def superseded_then_moved_again(posts: Posts) -> ScheduledPost:
    """What the activity saw is older than the update that arrived meanwhile."""
    delivery = Delivery(network=Network.X)
    post = await posts.schedule(delivery)
    stale = superseded(by=post.publish_at + 5 * HOUR)
    waiting = Held(when_withdrawn=stale)
    posts.script(delivery, publishing=[waiting])
    await armed(post, waiting)
    await post.reschedule(post.publish_at + HOUR)
    await post.ends()
    return post


async def gave_up(posts: Posts) -> ScheduledPost:
    """The activity fails with something that no repetition cures."""
    post = await posts.schedule(
        Delivery(network=Network.X, publishing=[breaks()]), Delivery(network=Network.FEED)
    )
    await post.ends()
    return post


async def gave_up_after_a_week(posts: Posts) -> ScheduledPost:
    """The network asks to wait for longer than anybody wants the post."""
    away = comes_back(FailureType.RATE_LIMITED, after=timedelta(days=3))
    post = await posts.schedule(Delivery(network=Network.X, publishing=[away] * 5))
    await post.ends()
    return post


async def held_for_weeks(posts: Posts) -> ScheduledPost:
    """People hold it for longer than a network may keep it waiting; then it goes out."""
    held = [comes_back(FailureType.NOT_ADMITTED, after=timedelta(days=3))] * 6
    delivery = Delivery(network=Network.X, publishing=held)
    posts.are_held(delivery, times=2)
    post = await posts.schedule(delivery, Delivery(network=Network.FEED))
    await post.ends()
    return post


async def published_at_once(posts: Posts) -> ScheduledPost:
    """It is due already, and the worker that begins its workflow publishes it."""
    post = await posts.schedule(
        Delivery(network=Network.X), Delivery(network=Network.BLUESKY), ahead=DUE
    )
    await post.ends()
    return post


async def left_to_its_queue(posts: Posts) -> ScheduledPost:
    """It is due already, and the worker has no room for it."""
    post = await posts.schedule(
        Delivery(network=Network.X, at_once=[has_no_room()]),
        Delivery(network=Network.BLUESKY),
        ahead=DUE,
    )
    await post.ends()
    return post


async def goes_on_at_its_queue(posts: Posts) -> ScheduledPost:
    """It is due already, and what is tried at once has to wait."""
    away = comes_back(FailureType.TRY_LATER, after=timedelta(minutes=2))
    post = await posts.schedule(
        Delivery(network=Network.X, at_once=[away], publishing=[away]), ahead=DUE
    )
    await post.ends()
    return post


async def cancelled_at_once(posts: Posts) -> ScheduledPost:
    """It is due already, and one of two is cancelled while a slow network keeps the other."""
    slow = Held()
    away = comes_back(FailureType.RATE_LIMITED, after=timedelta(days=1))
    post = await posts.schedule(
        Delivery(network=Network.X, at_once=[slow]),
        Delivery(network=Network.BLUESKY, at_once=[away], publishing=[away] * 3),
        ahead=DUE,
    )
    await _reached(slow)
    cancelling = asyncio.create_task(post.cancel(Network.BLUESKY))
    slow.release()
    await cancelling
    await post.ends()
    return post


async def unconfirmed(posts: Posts) -> ScheduledPost:
    """Nobody can tell whether it is public: a person decides."""
    post = await posts.schedule(
        Delivery(network=Network.X, publishing=[settled(DeliveryStatus.UNCONFIRMED)])
    )
    await post.ends()
    return post


async def swept(posts: Posts) -> Sweep:
    """A sweep fails once and then repairs."""
    sweep = await posts.sweep(OSError("not now"), SweepReport(due=3, restarted=2, stopped=1))
    await sweep.ends()
    return sweep


async def armed(post: ScheduledPost, *held: Held) -> None:
    """Wait until workers hold its publish activities."""
    await post.sleep_until(post.publish_at - ARM_LEAD)
    for one in held:
        await _reached(one)


async def _reached(held: Held) -> None:
    await asyncio.wait_for(held.reached.wait(), DEADLINE)


SCENARIOS: dict[str, Callable[[Posts], Awaitable[Lived]]] = {
    scenario.__name__: scenario
    for scenario in (
        published,
        prepared_and_published,
        preparation_fails,
        rescheduled,
        rescheduled_earlier,
        rescheduled_while_preparing,
        rescheduled_while_armed,
        rescheduled_while_failing,
        rescheduled_while_sending,
        publish_now,
        publish_now_while_backing_off,
        target_added,
        target_dropped,
        media_brought,
        unscheduled_and_rescheduled,
        resumed,
        superseded_then_resumed,
        cancelled_while_asleep,
        cancelled_while_preparing,
        cancelled_while_armed,
        cancel_one_of_three,
        one_of_three_fails,
        retried,
        superseded_before_its_update,
        superseded_then_moved_again,
        gave_up,
        gave_up_after_a_week,
        held_for_weeks,
        unconfirmed,
        published_at_once,
        left_to_its_queue,
        goes_on_at_its_queue,
        cancelled_at_once,
        swept,
    )
}
"""Every branch, by the name of its history."""
