"""The first page of a home feed comes by a shorter way, and nobody can tell."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog

from api.app import create_app
from api.feed.home_route import HOME_PATH
from runtime.resources import Resources, open_resources
from runtime.settings import Settings
from storage.users import users
from tests.api.conftest import NewPerson, Person
from tests.api.feed_actors import Reader
from tests.conftest import API_BASE_URL
from tests.patience import PATIENCE

THE_LONG_WAY = {"limit": 25}
"""The default: the same page."""


@pytest.fixture
async def limited(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that answers three requests a minute."""
    strict = settings.model_copy(update={"api_rate_per_minute": 3})
    async with open_resources(strict) as resources:
        app = create_app(strict)
        app.state.resources = resources
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
            yield client


async def test_both_ways_answer_the_same(client: httpx.AsyncClient, new_user: NewPerson) -> None:
    ada = Reader(client, await new_user("ada"))
    assert ada.person is not None
    for text in ("One.", "Two."):
        await ada.publish(text)
    with structlog.testing.capture_logs() as lines:
        long = await client.get(HOME_PATH, params=THE_LONG_WAY, headers=ada.person.headers)
        short = await client.get(HOME_PATH, headers=ada.person.headers)
    assert short.json() == long.json()
    assert [item["post"]["text"] for item in short.json()["items"]] == ["Two.", "One."]
    assert set(short.headers) == set(long.headers)
    logged = [
        {name: line.get(name) for name in ("route", "status", "user_id")}
        for line in lines
        if line["event"] == "request"
    ]
    assert logged[0] == logged[1]
    assert logged[0]["route"] == HOME_PATH


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Basic YTpi"])
async def test_who_is_not_known_is_refused_as_anywhere(
    client: httpx.AsyncClient, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    short = await client.get(HOME_PATH, headers=headers)
    long = await client.get(HOME_PATH, params=THE_LONG_WAY, headers=headers)
    assert (short.status_code, long.status_code) == (401, 401)
    assert short.json() | {"request_id": ""} == long.json() | {"request_id": ""}


async def test_who_was_suspended_is_refused(
    client: httpx.AsyncClient, user: Person, resources: Resources
) -> None:
    assert (await client.get(HOME_PATH, headers=user.headers)).status_code == 200
    async with resources.database.transaction() as session:
        assert await users.suspend(session, user.user_id, reason="spam")
    async with asyncio.timeout(PATIENCE):
        while True:
            if (await client.get(HOME_PATH, headers=user.headers)).status_code == 403:
                return
            await asyncio.sleep(0.005)


async def test_each_request_counts_once(limited: httpx.AsyncClient, user: Person) -> None:
    answers = [await limited.get(HOME_PATH, headers=user.headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    left = [answer.headers["ratelimit-remaining"] for answer in answers]
    assert left == ["2", "1", "0", "0", "0"]
    assert answers[-1].headers["content-type"] == "application/problem+json"


async def test_an_outage_is_told_as_anywhere(
    client: httpx.AsyncClient, user: Person, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get(HOME_PATH, headers=user.headers)).status_code == 200
    await resources.database.close()
    monkeypatch.setattr("storage.statements.connect", _refused)
    assert (await client.get(HOME_PATH, headers=user.headers)).status_code == 503


def _refused(*_: object, **__: object) -> None:
    raise ConnectionRefusedError
