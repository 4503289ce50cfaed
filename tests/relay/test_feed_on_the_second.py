"""A scheduled post to the built-in feed is with its followers a moment after its second."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from api.app import create_app
from contracts.task_queues import ORCHESTRATION, publish_queue
from domain.networks import Network
from runtime.publisher import build_publisher
from runtime.resources import Resources
from runtime.settings import Settings
from tests.api.conftest import NewPerson, Person, new_user, serving
from tests.api.feed_actors import Reader, told
from tests.conftest import Tenant
from tests.patience import PATIENCE
from tests.realtime.socket_client import connected
from tests.relay.conftest import RunRelay
from worker import build_workers

__all__ = ["new_user"]

AHEAD = timedelta(seconds=4)
"""Between scheduling and the publish time: the rest of this second, and a few more."""


@dataclass(frozen=True, kw_only=True)
class Bakery:
    """A workspace that publishes for a page of the feed."""

    client: httpx.AsyncClient
    workspace: Tenant
    account: dict[str, Any]

    async def schedule(self, text: str, publish_at: datetime) -> str:
        """The id of a scheduled post."""
        body = {
            "text": text,
            "targets": [self.account["id"]],
            "publish_at": publish_at.isoformat(),
        }
        answer = await self.client.post("/v1/posts", json=body, headers=self.workspace.headers)
        return str(told(answer, 201)["id"])

    async def published(self, post_id: str) -> str:
        """The feed post that a scheduled one has become, once its receipt is kept.

        Followers may hear of it before.
        """
        path, headers = f"/v1/posts/{post_id}", self.workspace.headers
        async with asyncio.timeout(PATIENCE):
            while True:
                [delivery] = told(await self.client.get(path, headers=headers))["deliveries"]
                if delivery["status"] not in {"armed", "sending"}:
                    break
                await asyncio.sleep(0.02)
        assert delivery["status"] == "published", delivery
        return str(delivery["permalink"]).rpartition("/")[2]


@pytest.fixture
async def api(
    settings: Settings, resources: Resources, temporal: Client, run_relay: RunRelay
) -> AsyncIterator[str]:
    """The address of an API that does its jobs itself; a worker and a relay run beside it."""
    async with AsyncExitStack() as running:
        serve = [ORCHESTRATION, publish_queue(Network.FEED)]
        for one in build_workers(resources, temporal, serve, build_publisher(resources)):
            await running.enter_async_context(one)
        await running.enter_async_context(run_relay())
        yield await running.enter_async_context(serving(create_app(settings)))


@pytest.fixture
async def client(api: str) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to it as anybody does."""
    async with httpx.AsyncClient(base_url=api, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
async def bakery(client: httpx.AsyncClient, workspace: Tenant) -> Bakery:
    """Who publishes."""
    body = {"network": "feed", "credentials": {"handle": "bakery"}}
    answer = await client.post("/v1/accounts", json=body, headers=workspace.headers)
    return Bakery(client=client, workspace=workspace, account=told(answer, 201))


@pytest.fixture
async def ada(new_user: NewPerson) -> Person:
    """Who follows."""
    return await new_user("ada")


async def test_followers_hear_of_it_and_find_it_in_their_feed(
    api: str,
    client: httpx.AsyncClient,
    bakery: Bakery,
    ada: Person,
    new_user: NewPerson,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    follower, stranger = Reader(client, ada), Reader(client, await new_user("bob"))
    await follower.put(f"users/{bakery.account['remote_id']}/follow")
    async with connected(api, {"token": ada.access_token}) as socket:
        publish_at = (datetime.now(UTC) + AHEAD).replace(microsecond=0)
        scheduled = [await bakery.schedule(text, publish_at) for text in ("Bread.", "Rolls.")]
        seen = await follower.texts("home")
        assert seen == [] or datetime.now(UTC) >= publish_at, "a busy machine may come too late"
        heard, arrivals = [], []
        for _ in scheduled:
            heard.append(await socket.seen("feed.post"))
            arrivals.append(datetime.now(UTC))
    posts = [await bakery.published(one) for one in scheduled]
    assert sorted(one["post_id"] for one in heard) == sorted(posts)
    assert {one["author_id"] for one in heard} == {bakery.account["remote_id"]}
    assert min(arrivals) > publish_at
    # Whoever was told finds it at once, in the order of its publication, and each post once.
    home = [item["id"] for item in (await follower.get("home"))["items"]]
    assert home == sorted(posts, reverse=True)
    assert await stranger.texts("home") == []
    late = max(arrivals) - publish_at
    record_testsuite_property("feed_seconds_after_the_second", late.total_seconds())
