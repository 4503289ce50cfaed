"""The stock client of npm over two API processes: through Redis, and through PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from runtime.settings import Settings
from tests.api.chats import Chat
from tests.api.conftest import Person
from tests.cache.redis_server import running_redis
from tests.realtime.api_process import api_process
from tests.realtime.node_client import NodeClient, NodeMissing

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

MESSAGES = 20


@pytest.fixture(scope="session")
async def node() -> NodeClient:
    """Node with the client."""
    try:
        return await NodeClient.found()
    except NodeMissing as missing:
        pytest.skip(f"the stock client needs Node with npm, and {missing}")


@pytest.fixture(params=["redis", "postgresql"])
async def processes(
    request: pytest.FixtureRequest, settings: Settings
) -> AsyncIterator[tuple[str, str]]:
    """The addresses of two API processes over one database."""
    async with AsyncExitStack() as stack:
        more = {}
        if request.param == "redis":
            redis = await stack.enter_async_context(running_redis())
            more = {
                "REDIS_ENABLED": "true",
                "REDIS_URL": redis.url,
                "REDIS_SOCKET_ADAPTER_ENABLED": "true",
            }
        one = await stack.enter_async_context(api_process(settings, more))
        other = await stack.enter_async_context(api_process(settings, more))
        yield one, other


def in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As a client applies them."""
    return sorted(events, key=lambda event: int(event["seq"]))


async def test_two_people_on_two_processes_hear_the_same_numbered_alike(
    node: NodeClient, processes: tuple[str, str], user: Person, other_user: Person
) -> None:
    async with httpx.AsyncClient(base_url=processes[0], timeout=30) as client:
        chat = Chat(client)
        conversation = await chat.direct(user, other_user)
        told = await node.run(
            "talk.mjs",
            {
                "urls": processes,
                "tokens": [user.access_token, other_user.access_token],
                "conversation": conversation,
                "messages": MESSAGES,
            },
        )
        kept = (await chat.events(user, conversation))["events"]
    assert told["refused"][1]["type"] == "/problems/unauthorized"
    assert [answer["message"]["seq"] for answer in told["acknowledged"]] == [*range(1, 21)]
    # Between processes one event may overtake another: the number is the order.
    mine, theirs = (in_order(events) for events in told["heard"])
    assert [event["seq"] for event in mine] == [*range(1, MESSAGES + 5)]
    assert theirs[:MESSAGES] == mine[:MESSAGES] == kept[:MESSAGES]
    assert told["caughtUp"]["conversations"][0]["events"] == kept[MESSAGES : MESSAGES + 3]
    assert theirs[-1]["message"]["text"] == "back"
    assert told["typing"] == [{"conversation_id": conversation, "user_id": str(other_user.user_id)}]
    assert told["transport"] == "websocket"
