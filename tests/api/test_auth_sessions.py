"""Sessions: listed, ended, and over at once wherever they are presented."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import structlog

from api.app import create_app
from domain.roles import UserRole
from runtime.resources import Resources, open_resources
from runtime.settings import Settings
from storage.database import Database
from storage.users import users
from storage.users.access_tokens import AccessTokens
from tests.api.conftest import PASSWORD, Person
from tests.conftest import API_BASE_URL, Tenant
from tests.patience import PATIENCE

Headers = dict[str, str]


async def signed_in_again(client: httpx.AsyncClient, user: Person, device: str) -> Headers:
    answer = await client.post(
        "/v1/auth/login",
        json={"email": user.email, "password": PASSWORD},
        headers={"User-Agent": device},
    )
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def status_of(client: httpx.AsyncClient, headers: Headers) -> int:
    return (await client.get("/v1/users/me", headers=headers)).status_code


async def test_sessions_are_listed_with_their_devices(
    client: httpx.AsyncClient, user: Person, other_user: Person
) -> None:
    phone = await signed_in_again(client, user, "Phone" * 100)
    listed = (await client.get("/v1/auth/sessions", headers=phone)).json()["items"]
    assert [session["current"] for session in listed] == [True, False]
    assert listed[0]["device"] == ("Phone" * 100)[:200]
    assert listed[0]["address"] == "127.0.0.1"
    assert listed[1]["id"] == str(user.session_id)
    one = await client.get("/v1/auth/sessions?limit=1", headers=phone)
    rest = await client.get(
        f"/v1/auth/sessions?limit=1&cursor={one.json()['next_cursor']}", headers=phone
    )
    assert one.json()["items"] + rest.json()["items"] == listed


async def test_signing_out_ends_this_session_alone(client: httpx.AsyncClient, user: Person) -> None:
    phone = await signed_in_again(client, user, "Phone")
    assert (await client.post("/v1/auth/logout", headers=phone)).status_code == 204
    answer = await client.get("/v1/users/me", headers=phone)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/session-ended"
    assert "invalid_token" in answer.headers["www-authenticate"]
    assert await status_of(client, user.headers) == 200
    listed = await client.get("/v1/auth/sessions", headers=user.headers)
    assert [session["id"] for session in listed.json()["items"]] == [str(user.session_id)]


async def test_one_session_is_ended_by_another(client: httpx.AsyncClient, user: Person) -> None:
    phone = await signed_in_again(client, user, "Phone")
    for _ in range(2):
        ended = await client.delete(f"/v1/auth/sessions/{user.session_id}", headers=phone)
        assert ended.status_code == 204
    assert await status_of(client, user.headers) == 401
    assert await status_of(client, phone) == 200


async def test_all_others_are_ended(client: httpx.AsyncClient, user: Person) -> None:
    devices = [await signed_in_again(client, user, f"Phone {number}") for number in range(3)]
    ended = await client.delete("/v1/auth/sessions", headers=devices[0])
    assert ended.json() == {"ended": 3}
    statuses = [await status_of(client, headers) for headers in [*devices, user.headers]]
    assert statuses == [200, 401, 401, 401]


async def test_another_users_session_is_not_there(
    client: httpx.AsyncClient, user: Person, other_user: Person
) -> None:
    for session_id in (other_user.session_id, uuid4()):
        answer = await client.delete(f"/v1/auth/sessions/{session_id}", headers=user.headers)
        assert answer.status_code == 404
    assert await status_of(client, other_user.headers) == 200


async def test_a_token_that_is_too_old_asks_for_a_refresh(
    client: httpx.AsyncClient, user: Person, settings: Settings
) -> None:
    keys = [key.get_secret_value() for key in settings.auth_signing_keys]
    token = AccessTokens(keys, lifetime=timedelta(seconds=-1)).issue(
        user_id=user.user_id, session_id=user.session_id, role=UserRole.USER
    )
    answer = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/token-expired"


async def test_a_token_of_another_installation_is_nobodys(
    client: httpx.AsyncClient, user: Person
) -> None:
    token = AccessTokens(["x" * 32], lifetime=timedelta(minutes=1)).issue(
        user_id=user.user_id, session_id=user.session_id, role=UserRole.ADMIN
    )
    answer = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/unauthorized"


async def test_an_api_key_is_nobody(client: httpx.AsyncClient, workspace: Tenant) -> None:
    answer = await client.get("/v1/users/me", headers=workspace.headers)
    assert answer.status_code == 401
    assert "API key is nobody" in answer.json()["detail"]


@pytest.fixture
async def second_process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another API process on the same database; neither has Redis."""
    async with AsyncExitStack() as stack:
        app = create_app(settings)
        app.state.resources = await stack.enter_async_context(open_resources(settings))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=API_BASE_URL)
        yield await stack.enter_async_context(client)


async def refused_soon(client: httpx.AsyncClient, headers: Headers, status: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await status_of(client, headers) == status:
                return
            await asyncio.sleep(0.005)


async def remembering(resources: Resources, user: Person) -> None:
    """Until the process answers for the session out of its memory."""
    known = resources.signing_in.known_sessions
    async with asyncio.timeout(PATIENCE):
        while True:
            await known.find(user.user_id, user.session_id)
            if known._remembered:
                return
            await asyncio.sleep(0.005)


Ends = Callable[[httpx.AsyncClient, Person, Database], Awaitable[None]]


async def _log_out(client: httpx.AsyncClient, user: Person, database: Database) -> None:
    assert (await client.post("/v1/auth/logout", headers=user.headers)).status_code == 204


async def _suspend(client: httpx.AsyncClient, user: Person, database: Database) -> None:
    async with database.transaction() as session:
        assert await users.suspend(session, user.user_id, reason="spam")


@pytest.mark.parametrize(("ends", "status"), [(_log_out, 401), (_suspend, 403)])
async def test_what_ends_in_one_process_ends_in_all(
    client: httpx.AsyncClient,
    second_process: httpx.AsyncClient,
    resources: Resources,
    user: Person,
    database: Database,
    ends: Ends,
    status: int,
) -> None:
    assert await status_of(second_process, user.headers) == 200
    await remembering(resources, user)
    await ends(second_process, user, database)
    await refused_soon(client, user.headers, status)
    await refused_soon(second_process, user.headers, status)


async def test_a_restored_user_signs_in_anew(
    client: httpx.AsyncClient, user: Person, database: Database
) -> None:
    await _suspend(client, user, database)
    async with database.transaction() as session:
        await users.restore(session, user.user_id)
    await refused_soon(client, user.headers, 401)
    assert await status_of(client, await signed_in_again(client, user, "Phone")) == 200


async def test_a_request_is_logged_with_its_user_and_without_the_token(
    client: httpx.AsyncClient, user: Person
) -> None:
    with structlog.testing.capture_logs() as lines:
        assert await status_of(client, user.headers) == 200
        await client.post("/v1/auth/refresh", json={"refresh_token": user.refresh_token})
    shown, refreshed = [line for line in lines if line["event"] == "request"]
    assert shown["user_id"] == str(user.user_id)
    assert refreshed["route"] == "/v1/auth/refresh"
    for secret in (user.access_token, user.refresh_token):
        assert secret not in repr(lines)


async def test_requests_of_a_user_are_limited(settings: Settings, user: Person) -> None:
    strict = settings.model_copy(update={"api_rate_per_minute": 3})
    async with open_resources(strict) as resources:
        app = create_app(strict)
        app.state.resources = resources
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=API_BASE_URL
        ) as client:
            statuses = [await status_of(client, user.headers) for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_a_token_that_is_remembered_ends_all_the_same(
    client: httpx.AsyncClient,
    user: Person,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = resources.signing_in.access_tokens
    assert await status_of(client, user.headers) == 200
    claims = tokens.remembered(user.access_token)
    assert claims is not None
    monkeypatch.setattr(tokens, "_clock", lambda: claims.expires_at)
    answer = await client.get("/v1/users/me", headers=user.headers)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/token-expired"
