"""What one post costs Temporal: events are written, kept and read back, so each one counts."""

import pytest

from domain.networks import Network
from tests.workflows import scenarios
from tests.workflows.scheduled_posts import Delivery, Posts, ScheduledPost

STARTED_AND_ENDED = 3
"""Started; its status for operators; completed."""
TASK = 3
"""Scheduled, started, completed."""


async def _events(post: ScheduledPost) -> int:
    return len((await post.history()).events)


@pytest.mark.parametrize("networks", [[Network.X], [Network.X, Network.FACEBOOK]])
async def test_a_post_costs_one_task_to_begin_and_one_for_each_delivery_that_ends(
    posts: Posts, networks: list[Network]
) -> None:
    post = await posts.schedule(*(Delivery(network=network) for network in networks))
    await post.ends()
    activities = TASK * len(networks)
    most = STARTED_AND_ENDED + TASK + activities + TASK * len(networks)
    assert await _events(post) <= most


async def test_a_text_to_one_network_costs_twelve_events(posts: Posts) -> None:
    assert await _events(await scenarios.published(posts)) == 12


async def test_a_retry_costs_none(posts: Posts) -> None:
    retried = await scenarios.retried(posts)
    assert await _events(retried) == 12


async def test_a_post_that_nobody_moves_sleeps_without_a_task(posts: Posts) -> None:
    post = await posts.schedule(Delivery(network=Network.X))
    await post.falls_asleep()
    assert await _events(post) == 1
    await post.ends()
