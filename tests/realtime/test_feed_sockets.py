"""Followers' sockets hear of what is published, whether it is written to them or looked up."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from runtime.settings import Settings
from tests.api.conftest import NewPerson, Person
from tests.api.feed_actors import Reader
from tests.realtime.conftest import Join
from tests.realtime.socket_client import SocketClient, connected

LIMIT = 1
"""Followers above which authors of these tests are looked up."""

FEED_POST = "feed.post"


@pytest.fixture
def socket_settings(socket_settings: Settings) -> Settings:
    """Authors are busy early."""
    return socket_settings.model_copy(update={"feed_fan_out_limit": LIMIT})


@pytest.fixture
async def author(api: str, new_user: NewPerson) -> AsyncIterator[Reader]:
    """Who publishes."""
    async with httpx.AsyncClient(base_url=api, timeout=30) as client:
        yield Reader(client, await new_user("author"))


async def follow(author: Reader, *fans: Person) -> None:
    """Have these people follow the author."""
    for fan in fans:
        await Reader(author.client, fan).put(f"users/{author.id}/follow")


def expected(author: Reader, post_id: str) -> dict[str, str]:
    """What a follower hears of a new post."""
    return {
        "entry_id": post_id,
        "post_id": post_id,
        "author_id": author.id,
        "actor_id": author.id,
    }


def heard_so_far(socket: SocketClient) -> list[str]:
    """The feed's events that nobody asked for yet."""
    names = []
    while not socket.events.empty():
        names.append(socket.events.get_nowait()[0])
    return [name for name in names if name == FEED_POST]


async def test_a_follower_hears_of_a_post_and_finds_it(
    author: Reader, user: Person, other_user: Person, join: Join
) -> None:
    await follow(author, user)
    async with join(user) as fan, join(other_user) as stranger:
        post_id = await author.publish("Bread.")
        assert await fan.seen(FEED_POST) == expected(author, post_id)
        assert await Reader(author.client, user).texts("home") == ["Bread."]
        # The stranger hears of what is theirs after it, and heard of nothing before.
        await Reader(author.client, user).put(f"users/{other_user.user_id}/follow")
        while (await stranger.next("notification", FEED_POST))[0] != "notification":
            pytest.fail("a stranger heard of a post")


async def test_of_those_with_many_followers_the_connected_ones_hear(
    author: Reader,
    user: Person,
    other_user: Person,
    new_user: NewPerson,
    join: Join,
    other_api: str,
) -> None:
    away, stranger = await new_user("away"), await new_user("stranger")
    await follow(author, user, other_user, away)
    elsewhere = connected(other_api, {"token": other_user.access_token})
    async with join(user) as here, elsewhere as there, join(stranger) as passer_by:
        post_id = await author.publish("Bread.")
        told = expected(author, post_id)
        heard = await asyncio.gather(here.seen(FEED_POST), there.seen(FEED_POST))
        assert list(heard) == [told, told]
        assert heard_so_far(here) == heard_so_far(there) == heard_so_far(passer_by) == []
    for fan in (user, other_user, away):
        assert await Reader(author.client, fan).texts("home") == ["Bread."]
