"""Signing in."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import perf_counter

import httpx
import pytest
from sqlalchemy import select

from api.app import create_app
from runtime.resources import Resources, open_resources
from runtime.settings import Settings
from storage.database import Database
from storage.tables import UserRow
from storage.users import users
from storage.users.passwords import Passwords
from tests.api.conftest import PASSWORD, Person
from tests.conftest import API_BASE_URL

WRONG = "not the password at all"


async def login(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/v1/auth/login", json={"email": email, "password": password})


async def test_address_and_password_make_a_session(client: httpx.AsyncClient, user: Person) -> None:
    answer = await login(client, "  ADA@example.org ")
    assert answer.status_code == 200, answer.text
    signed_in = answer.json()
    assert signed_in["user"]["id"] == str(user.user_id)
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    assert (await client.get("/v1/users/me", headers=headers)).status_code == 200


async def test_wrong_address_and_wrong_password_are_one_answer(
    client: httpx.AsyncClient, user: Person
) -> None:
    answers = [
        await login(client, user.email, WRONG),
        await login(client, "nobody@example.org", PASSWORD),
        await login(client, "no address", PASSWORD),
    ]
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert bodies[0]["type"] == "/problems/wrong-password"


async def test_a_page_that_nobody_signs_in_to_has_no_password(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await users.create(
            session,
            handle="page",
            display_name="Page",
            email="page@example.org",
            password_hash=None,
        )
    assert (await login(client, "page@example.org", WRONG)).status_code == 401


async def test_the_time_does_not_tell_who_is_registered(settings: Settings, user: Person) -> None:
    costly = settings.model_copy(
        update={
            "password_hash_memory_kib": 19_456,
            "password_hash_passes": 3,
            "login_tries_per_minute": 0,
            "login_failures_per_hour": 0,
        }
    )
    async with open_resources(costly) as resources:
        async with resources.database.transaction() as session:
            kept = await resources.signing_in.passwords.hash(PASSWORD)
            await users.set_password(session, user.user_id, kept)
        app = create_app(costly)
        app.state.resources = resources
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:

            async def seconds(email: str) -> float:
                began = perf_counter()
                assert (await login(client, email, WRONG)).status_code == 401
                return perf_counter() - began

            known, unknown = [], []
            for _ in range(9):  # taken in turns, so that a busy machine is busy for both
                known.append(await seconds(user.email))
                unknown.append(await seconds("nobody@example.org"))
    assert 0.5 < min(known) / min(unknown) < 2  # a busy machine only ever adds


async def test_a_suspended_user_is_told_so_only_with_the_password(
    client: httpx.AsyncClient, user: Person, database: Database
) -> None:
    async with database.transaction() as session:
        assert await users.suspend(session, user.user_id, reason="spam")
    assert (await login(client, user.email, WRONG)).status_code == 401
    refused = await login(client, user.email)
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/suspended"
    async with database.transaction() as session:
        assert await users.restore(session, user.user_id)
    assert (await login(client, user.email)).status_code == 200


async def test_a_hash_made_at_another_cost_is_renewed_at_sign_in(
    client: httpx.AsyncClient, user: Person, database: Database
) -> None:
    old = Passwords(memory_kib=16, passes=2, at_once=1)
    async with database.transaction() as session:
        await users.set_password(session, user.user_id, await old.hash(PASSWORD))
    old.close()

    async def kept() -> str | None:
        async with database.transaction() as session:
            return await session.scalar(select(UserRow.password_hash))

    assert "m=16,t=2" in str(await kept())
    assert (await login(client, user.email)).status_code == 200
    renewed = await kept()
    assert "m=8,t=1" in str(renewed)
    assert (await login(client, user.email)).status_code == 200
    assert await kept() == renewed


@pytest.fixture
async def strict_client(
    settings: Settings, resources: Resources
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that takes few tries."""
    strict = settings.model_copy(
        update={"login_failures_per_hour": 3, "login_tries_per_minute": 12}
    )
    async with open_resources(strict) as opened:
        app = create_app(strict)
        app.state.resources = opened
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
            yield client


async def test_guessing_for_one_account_is_stopped_and_hurts_no_other(
    strict_client: httpx.AsyncClient, user: Person, other_user: Person
) -> None:
    answers = [await login(strict_client, user.email, WRONG) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 60
    assert (await login(strict_client, user.email)).status_code == 429
    assert (await login(strict_client, other_user.email)).status_code == 200


async def test_guesses_at_once_do_not_slip_through(
    strict_client: httpx.AsyncClient, user: Person
) -> None:
    answers = await asyncio.gather(
        *(login(strict_client, user.email, f"{WRONG} {number}") for number in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 7


async def test_who_signed_in_a_moment_ago_is_not_locked_out_by_others(
    strict_client: httpx.AsyncClient, user: Person
) -> None:
    assert (await login(strict_client, user.email)).status_code == 200
    for _ in range(5):
        await login(strict_client, user.email, WRONG)
    assert (await login(strict_client, user.email)).status_code == 200


async def test_tries_of_one_address_are_limited_whatever_they_try(
    strict_client: httpx.AsyncClient,
) -> None:
    answers = [
        await login(strict_client, f"nobody{number}@example.org", WRONG) for number in range(13)
    ]
    assert [answer.status_code for answer in answers] == [401] * 12 + [429]
    registering = {"handle": "ada", "email": "ada@example.org", "password": PASSWORD}
    refused = await strict_client.post("/v1/auth/register", json=registering)
    assert refused.status_code == 429


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "ada@example.org"}, "password"),
        ({"email": "ada@example.org", "password": ""}, "password"),
        ({"email": "ada@example.org", "password": "x" * 201}, "password"),
        ({"email": "x" * 255, "password": PASSWORD}, "email"),
        ({"email": ["ada"], "password": PASSWORD}, "email"),
        ({"email": "ada@example.org", "password": PASSWORD, "otp": 1}, "otp"),
        ([], "body"),
    ],
)
async def test_what_is_no_sign_in_is_told_by_field(
    client: httpx.AsyncClient, body: object, field: str
) -> None:
    answer = await client.post("/v1/auth/login", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("email", ["a\u0000b@example.org", "\udcff@example.org", "' OR 1=1 --"])
async def test_strange_addresses_are_nobodys(client: httpx.AsyncClient, email: str) -> None:
    answer = await client.post(
        "/v1/auth/login",
        content=json.dumps({"email": email, "password": PASSWORD}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in {401, 422}, answer.text
