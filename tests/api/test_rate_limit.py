"""How many requests a key may send, and how often an address may present wrong ones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import RedisDsn

from api.app import create_app
from api.auth import dependencies
from api.auth.service import Caller, recognise_key
from cache.redis_store import RedisStore
from runtime import resources
from runtime.resources import open_resources
from runtime.settings import Settings
from storage.callers import Callers
from storage.database import Database
from tests.cache.redis_server import PATIENCE, RedisServer, running_redis
from tests.conftest import API_BASE_URL, Tenant

LIMIT = 3
FAILURES = 5

NOBODY = UUID(int=7)
WRONG = {"Authorization": f"Bearer pk_{'a' * 12}_{'b' * 43}"}

At = Callable[[str], httpx.AsyncClient]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with low limits."""
    return settings.model_copy(
        update={"api_rate_per_minute": LIMIT, "api_failed_auth_per_minute": FAILURES}
    )


@pytest.fixture
async def at(app: FastAPI) -> AsyncIterator[At]:
    """Clients of the API at other addresses."""
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []

        def connect(host: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, client=(host, 1234))
            clients.append(httpx.AsyncClient(transport=transport, base_url=API_BASE_URL))
            stack.push_async_callback(clients[-1].aclose)
            return clients[-1]

        yield connect


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were looked up in the database."""
    tokens: list[str] = []

    async def noted(callers: Callers, database: Database, token: str) -> Caller:
        tokens.append(token)
        return await recognise_key(callers, database, token)

    monkeypatch.setattr(dependencies, "recognise_key", noted)
    return tokens


async def fail(client: httpx.AsyncClient, times: int = FAILURES) -> None:
    for _ in range(times):
        answer = await client.get("/v1/workspace", headers=WRONG)
        assert answer.status_code == 401
        assert "ratelimit-limit" not in answer.headers


async def test_answers_tell_what_is_left(client: httpx.AsyncClient, workspace: Tenant) -> None:
    paths = ("/v1/workspace", f"/v1/posts/{NOBODY}", "/v1/posts?limit=0")
    answers = [await client.get(path, headers=workspace.headers) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 404, 422]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {str(LIMIT)}
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0"]
    assert [answer.headers["ratelimit-reset"] for answer in answers] == ["20", "40", "60"]


async def test_one_request_too_many_is_told_when_to_come_back(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    for _ in range(LIMIT):
        await client.get("/v1/workspace", headers=workspace.headers)
    answer = await client.get("/v1/workspace", headers=workspace.headers)
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["ratelimit-limit"] == "3"
    assert answer.headers["ratelimit-remaining"] == "0"
    wait = int(answer.headers["retry-after"])
    assert 15 <= wait <= 20
    problem = answer.json()
    assert problem["type"] == "/problems/rate-limited"
    assert problem["detail"] == (
        f"One API key or user may send 3 requests a minute. Repeat the request in {wait} s."
    )
    assert problem["request_id"] == answer.headers["x-request-id"]


async def test_nothing_happens_over_the_limit(
    client: httpx.AsyncClient, workspace: Tenant, other_workspace: Tenant
) -> None:
    body = {"name": "Website", "scopes": ["posts:read"]}
    made = [
        await client.post("/v1/api-keys", json=body, headers=workspace.headers) for _ in range(5)
    ]
    assert [answer.status_code for answer in made] == [201, 201, 201, 429, 429]
    key = {"Authorization": f"Bearer {made[0].json()['api_key']}"}
    assert (await client.get("/v1/workspace", headers=key)).status_code == 200
    other = await client.get("/v1/workspace", headers=other_workspace.headers)
    assert other.status_code == 200
    assert other.headers["ratelimit-remaining"] == "2"


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", f"/v1/feed/posts/{NOBODY}", f"/media/{NOBODY}", "/nowhere"]
)
async def test_what_needs_no_key_is_not_counted(
    client: httpx.AsyncClient, workspace: Tenant, path: str
) -> None:
    for _ in range(2 * FAILURES):
        answer = await client.get(path, headers=workspace.headers)
        assert answer.status_code != 429
        assert "ratelimit-limit" not in answer.headers
    assert (await client.get("/v1/workspace", headers=workspace.headers)).status_code == 200


async def test_an_address_that_guesses_is_not_heard_any_more(
    client: httpx.AsyncClient, workspace: Tenant, looked_up: list[str]
) -> None:
    await fail(client)
    looked_up.clear()
    for headers in (WRONG, workspace.headers, {}):
        answer = await client.get("/v1/workspace", headers=headers)
        assert answer.status_code == 429
        assert answer.json()["type"] == "/problems/rate-limited"
        assert "5 a minute are answered" in answer.json()["detail"]
        assert 1 <= int(answer.headers["retry-after"]) <= 12
    assert looked_up == []


async def test_many_guesses_at_once_do_not_slip_through(
    client: httpx.AsyncClient, looked_up: list[str]
) -> None:
    answers = await asyncio.gather(
        *(client.get("/v1/workspace", headers=WRONG) for _ in range(100))
    )
    refused = [answer for answer in answers if answer.status_code == 401]
    assert len(refused) == FAILURES
    assert len(looked_up) < FAILURES + 4


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
async def test_no_key_at_all_counts_too(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answers = [await client.get("/v1/workspace", headers=headers) for _ in range(FAILURES + 1)]
    assert [answer.status_code for answer in answers] == [401] * FAILURES + [429]


async def test_a_key_that_was_good_is_not_locked_out_by_others_at_its_address(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    assert (await client.get("/v1/workspace", headers=workspace.headers)).status_code == 200
    await fail(client)
    assert (await client.get("/v1/workspace", headers=WRONG)).status_code == 429
    assert (await client.get("/v1/workspace", headers=workspace.headers)).status_code == 200


async def test_other_addresses_are_heard(at: At, workspace: Tenant) -> None:
    await fail(at("192.0.2.1"))
    answer = await at("192.0.2.2").get("/v1/workspace", headers=workspace.headers)
    assert answer.status_code == 200


async def test_an_address_is_what_the_server_saw(at: At) -> None:
    await fail(at("192.0.2.1"))
    forged = {**WRONG, "X-Forwarded-For": "192.0.2.77", "Forwarded": "for=192.0.2.77"}
    assert (await at("192.0.2.1").get("/v1/workspace", headers=forged)).status_code == 429


@pytest.mark.parametrize(
    ("failing", "asking", "status"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", 429),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", 401),
        ("::ffff:192.0.2.1", "192.0.2.1", 429),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", 401),
        ("a-socket", "a-socket", 429),
    ],
)
async def test_an_ipv6_subscriber_is_one_address(
    at: At, failing: str, asking: str, status: int
) -> None:
    await fail(at(failing))
    answer = await at(asking).get("/v1/workspace", headers=WRONG)
    assert answer.status_code == status


async def test_zero_is_no_limit(settings: Settings, workspace: Tenant) -> None:
    unlimited = settings.model_copy(
        update={"api_rate_per_minute": 0, "api_failed_auth_per_minute": 0}
    )
    async with AsyncExitStack() as stack:
        client = await _api(unlimited, stack)
        for headers, status in ((WRONG, 401), (workspace.headers, 200)):
            for _ in range(2 * FAILURES):
                answer = await client.get("/v1/workspace", headers=headers)
                assert answer.status_code == status
                assert "ratelimit-limit" not in answer.headers


@pytest.fixture
async def redis_server() -> AsyncIterator[RedisServer]:
    """A Redis of this test alone."""
    async with running_redis() as server:
        yield server


@pytest.fixture
def shared(
    settings: Settings, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of processes that share a Redis."""
    monkeypatch.setattr(resources, "RedisStore", partial(RedisStore, timeout=PATIENCE))
    return settings.model_copy(
        update={"redis_enabled": True, "redis_url": RedisDsn(redis_server.url)}
    )


async def _api(settings: Settings, stack: AsyncExitStack) -> httpx.AsyncClient:
    app = create_app(settings)
    app.state.resources = await stack.enter_async_context(open_resources(settings))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=API_BASE_URL)
    return await stack.enter_async_context(client)


async def test_processes_on_one_redis_share_their_limits(
    shared: Settings, redis_server: RedisServer, workspace: Tenant
) -> None:
    async with AsyncExitStack() as stack:
        one, two = [await _api(shared, stack) for _ in range(2)]
        mixed = [one, two, one, two, one]
        counted = [await each.get("/v1/workspace", headers=workspace.headers) for each in mixed]
        assert [answer.status_code for answer in counted] == [200, 200, 200, 429, 429]
        # The script's first call finds that Redis does not know it yet, and is made twice.
        assert await redis_server.calls("evalsha") == len(mixed) + 1

        for each in (one, two, one, two, one):
            await fail(each, times=1)
        assert await redis_server.calls("evalsha") == 2 * len(mixed) + 1
        assert (await one.get("/v1/workspace", headers=WRONG)).status_code == 429
        assert (await two.get("/v1/workspace", headers=WRONG)).status_code == 429


async def test_requests_are_answered_while_redis_is_away(
    shared: Settings, redis_server: RedisServer, workspace: Tenant
) -> None:
    async with AsyncExitStack() as stack:
        client = await _api(shared, stack)
        await redis_server.kill()
        answers = [
            await client.get("/v1/workspace", headers=workspace.headers) for _ in range(LIMIT + 1)
        ]
        assert [answer.status_code for answer in answers] == [200] * LIMIT + [429]
