"""Links between processes: whole messages of any size, orders to all, and what happens without."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from socketio.async_server import AsyncServer

from realtime.link import Link
from realtime.postgres_link import PostgresLink, Whole, in_pieces
from realtime.redis_link import RedisLink
from tests.cache.redis_server import RedisServer, running_redis
from tests.patience import PATIENCE

JOINED = {"number": -2}

NewLink = Callable[[], Awaitable[Link]]


@pytest.mark.parametrize("text", ["", "short", "x" * 7_000, "x" * 50_000, "🥖" * 5_000, "a:b:c"])
def test_a_text_of_any_length_comes_whole_in_pieces_that_postgresql_takes(text: str) -> None:
    whole = Whole()
    pieces = in_pieces(text)
    assert all(len(piece.encode()) < 8_000 for piece in pieces)
    assert [whole.add(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [text]


def test_pieces_of_two_messages_may_come_in_turns() -> None:
    one, other = in_pieces("1" * 9_000), in_pieces("2" * 9_000)
    whole = Whole()
    found = [whole.add(piece) for pair in zip(one, other, strict=True) for piece in pair]
    assert [text for text in found if text is not None] == ["1" * 9_000, "2" * 9_000]


@pytest.fixture
async def own_redis() -> AsyncIterator[RedisServer]:
    """A Redis that this test may kill."""
    async with running_redis() as server:
        yield server


@pytest.fixture(params=["redis", "postgresql"])
async def new_link(
    request: pytest.FixtureRequest, own_redis: RedisServer, database_dsn: str
) -> AsyncIterator[NewLink]:
    """Makes links of one kind that hear each other, each as in a process of its own."""
    channel = f"live-{uuid4().hex}"
    async with AsyncExitStack() as stack:

        async def make() -> Link:
            link: Link
            if request.param == "redis":
                link = RedisLink(own_redis.url, channel=channel)
            else:
                link = PostgresLink(database_dsn, channel=channel)
            stack.push_async_callback(link.close)
            server = AsyncServer(client_manager=link, async_mode="asgi")
            server.manager_initialized = True
            link.initialize()
            return link

        yield make


async def _heard(link: Link) -> asyncio.Queue[dict[str, Any]]:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def take(details: dict[str, Any]) -> None:
        told.put_nowait(details)

    link.obey("order:test", take)
    return told


async def _until_joined(one: Link, heard: asyncio.Queue[dict[str, Any]]) -> None:
    """A link that has just been made hears after a moment."""
    async with asyncio.timeout(PATIENCE):
        while heard.empty():
            await one.give("order:test", {"number": -1})
            await asyncio.sleep(0.02)
        await one.give("order:test", JOINED)
        while await heard.get() != JOINED:
            pass


async def test_an_order_is_carried_out_once_in_every_process_in_its_order(
    new_link: NewLink,
) -> None:
    one, other = await new_link(), await new_link()
    here, there = await _heard(one), await _heard(other)
    await _until_joined(one, there)
    while not here.empty():
        here.get_nowait()
    texts = ["short", "🥖" * 4_000, "last"]
    for text in texts:
        await one.give("order:test", {"text": text})
    async with asyncio.timeout(PATIENCE):
        assert [(await there.get())["text"] for _ in texts] == texts
    assert [here.get_nowait()["text"] for _ in texts] == texts
    assert here.empty()
    assert there.empty()


async def test_telling_goes_on_without_the_server_and_comes_through_again_with_it(
    own_redis: RedisServer, capfd: pytest.CaptureFixture[str]
) -> None:
    async with AsyncExitStack() as stack:
        links = []
        for _ in range(2):
            link = RedisLink(own_redis.url, channel="live")
            stack.push_async_callback(link.close)
            AsyncServer(client_manager=link, async_mode="asgi")
            link.initialize()
            links.append(link)
        one, other = links
        here, there = await _heard(one), await _heard(other)
        await _until_joined(one, there)
        await own_redis.kill()
        while not here.empty():
            here.get_nowait()
        for number in range(3):
            await one.give("order:test", {"number": number})
        assert here.qsize() == 3, "this process is told all the same"
        await own_redis.start()
        await _until_joined(one, there)
    assert capfd.readouterr().out.count("live link is away") <= 2, "once a process"
