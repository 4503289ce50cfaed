"""Refresh tokens: rotation, two tabs, theft."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update

from api.app import create_app
from runtime.resources import open_resources
from runtime.settings import Settings
from storage.database import Database
from storage.jobs import JobKind
from storage.tables import JobRow, RefreshTokenRow, SessionRow
from storage.users import users
from tests.api.conftest import PASSWORD, Person
from tests.conftest import API_BASE_URL

Tokens = dict[str, str]


@pytest.fixture
async def tokens(client: httpx.AsyncClient, user: Person) -> Tokens:
    """A session that was begun by signing in."""
    answer = await client.post("/v1/auth/login", json={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    found: Tokens = answer.json()
    return found


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": token})


async def refreshed(client: httpx.AsyncClient, token: str) -> Tokens:
    answer = await refresh(client, token)
    assert answer.status_code == 200, answer.text
    found: Tokens = answer.json()
    return found


async def let_pass(database: Database, time: timedelta) -> None:
    """As if the tokens used until now had been used that much earlier."""
    async with database.transaction() as session:
        await session.execute(
            update(RefreshTokenRow).values(used_at=RefreshTokenRow.used_at - time)
        )


async def works(client: httpx.AsyncClient, access_token: str) -> bool:
    headers = {"Authorization": f"Bearer {access_token}"}
    return (await client.get("/v1/users/me", headers=headers)).status_code == 200


async def test_a_refresh_token_is_exchanged_for_the_next(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    one = await refreshed(client, tokens["refresh_token"])
    two = await refreshed(client, one["refresh_token"])
    assert len({each["refresh_token"] for each in (tokens, one, two)}) == 3
    assert {each["session_id"] for each in (one, two)} == {tokens["session_id"]}
    assert await works(client, two["access_token"])


async def test_only_fingerprints_are_kept(
    client: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    await refreshed(client, tokens["refresh_token"])
    async with database.transaction() as session:
        kept = (await session.scalars(select(RefreshTokenRow.fingerprint))).all()
    assert all(len(fingerprint) == 32 for fingerprint in kept)
    assert not any(tokens["refresh_token"].encode() in fingerprint for fingerprint in kept)


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    answers = await asyncio.gather(*(refreshed(client, tokens["refresh_token"]) for _ in range(8)))
    assert len({answer["refresh_token"] for answer in answers}) == 1
    for answer in answers:
        assert await works(client, answer["access_token"])
    after = await refreshed(client, answers[0]["refresh_token"])
    assert await works(client, after["access_token"])


async def test_a_late_tab_is_forgiven_within_the_grace(
    client: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    one = await refreshed(client, tokens["refresh_token"])
    await let_pass(database, timedelta(seconds=8))
    again = await refreshed(client, tokens["refresh_token"])
    assert again["refresh_token"] == one["refresh_token"]


async def test_a_token_used_before_ends_the_session_and_tells_the_user(
    client: httpx.AsyncClient, tokens: Tokens, user: Person, database: Database
) -> None:
    current = await refreshed(client, tokens["refresh_token"])
    await let_pass(database, timedelta(seconds=11))
    stolen = await refresh(client, tokens["refresh_token"])
    assert stolen.status_code == 401
    assert stolen.json()["type"] == "/problems/token-reused"
    assert not await works(client, current["access_token"])
    assert (await refresh(client, current["refresh_token"])).status_code == 401
    assert await works(client, user.access_token), "another session of the user goes on"
    async with database.transaction() as session:
        mails = await session.execute(
            select(JobRow.subject_id, JobRow.payload).where(JobRow.kind == JobKind.SEND_MAIL)
        )
        assert [tuple(row) for row in mails] == [(user.user_id, {"mail": "token_reused"})]


async def test_the_thief_of_a_current_token_is_found_out_by_its_owner(
    client: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    thiefs = await refreshed(client, tokens["refresh_token"])
    await let_pass(database, timedelta(minutes=10))
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    assert (await refresh(client, thiefs["refresh_token"])).status_code == 401
    assert not await works(client, thiefs["access_token"])


async def test_reuse_is_told_once(
    client: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    await refreshed(client, tokens["refresh_token"])
    await let_pass(database, timedelta(minutes=1))
    answers = await asyncio.gather(*(refresh(client, tokens["refresh_token"]) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {401}
    async with database.transaction() as session:
        assert len((await session.scalars(select(JobRow.id))).all()) == 1


@pytest.mark.parametrize("token", ["nonsense", "rt_" + "x" * 43, "rt_", "pk_a_b", "é" * 46])
async def test_a_token_that_is_none_is_nobodys(client: httpx.AsyncClient, token: str) -> None:
    answer = await refresh(client, token)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/unauthorized"
    assert token not in answer.text


async def test_an_access_token_refreshes_nothing(client: httpx.AsyncClient, tokens: Tokens) -> None:
    answer = await refresh(client, tokens["access_token"])
    assert answer.status_code in {401, 422}


async def test_after_signing_out_nothing_is_refreshed(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.post("/v1/auth/logout", headers=headers)).status_code == 204
    answer = await refresh(client, tokens["refresh_token"])
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/session-ended"


async def test_a_session_that_was_not_refreshed_for_long_is_over(
    client: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(SessionRow).values(expires_at=SessionRow.expires_at - timedelta(days=31))
        )
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401


async def test_a_suspended_user_refreshes_nothing(
    client: httpx.AsyncClient, tokens: Tokens, user: Person, database: Database
) -> None:
    async with database.transaction() as session:
        await users.suspend(session, user.user_id, reason="spam")
    answer = await refresh(client, tokens["refresh_token"])
    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/suspended"


async def test_old_used_tokens_are_forgotten(
    client: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    one = await refreshed(client, tokens["refresh_token"])
    async with database.transaction() as session:
        await session.execute(
            update(RefreshTokenRow)
            .where(RefreshTokenRow.used_at.is_not(None))
            .values(created_at=RefreshTokenRow.created_at - timedelta(days=31))
        )
    await refreshed(client, one["refresh_token"])
    async with database.transaction() as session:
        of_session = select(RefreshTokenRow.fingerprint).where(
            RefreshTokenRow.session_id == tokens["session_id"]
        )
        assert len((await session.scalars(of_session)).all()) == 2


@pytest.fixture
async def strict_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that takes few refreshes, and forgives no wrong ones."""
    strict = settings.model_copy(
        update={"refreshes_per_minute": 3, "api_failed_auth_per_minute": 4}
    )
    async with AsyncExitStack() as stack:
        app = create_app(strict)
        app.state.resources = await stack.enter_async_context(open_resources(strict))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=API_BASE_URL)
        yield await stack.enter_async_context(client)


async def test_refreshes_of_one_user_are_limited(
    strict_client: httpx.AsyncClient, tokens: Tokens
) -> None:
    token = tokens["refresh_token"]
    for _ in range(3):
        token = (await refreshed(strict_client, token))["refresh_token"]
    refused = await refresh(strict_client, token)
    assert refused.status_code == 429
    assert "retry-after" in refused.headers


async def test_made_up_tokens_of_one_address_are_limited(
    strict_client: httpx.AsyncClient,
) -> None:
    answers = [await refresh(strict_client, f"rt_{'x' * 42}{number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429]


async def test_refreshing_hashes_no_password(
    client: httpx.AsyncClient, tokens: Tokens, monkeypatch: pytest.MonkeyPatch, app: object
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a slow hash on refresh")

    monkeypatch.setattr("argon2.PasswordHasher.verify", refuse)
    monkeypatch.setattr("argon2.PasswordHasher.hash", refuse)
    await refreshed(client, tokens["refresh_token"])
