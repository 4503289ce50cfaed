"""The same Idempotency-Key and body: one post, and the first answer again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import httpx
import pytest
from sqlalchemy import select

from api.app import create_app
from api.posts import accepting
from domain.networks import Network
from domain.publish_time import GRACE
from runtime.resources import Resources
from runtime.settings import Settings
from storage.database import Database
from storage.tables import AccountRow
from tests.api.lock_waits import waiting_for_a_lock
from tests.api.test_posts_actors import TOMORROW, Author, accepted, refused
from tests.conftest import API_BASE_URL, Tenant

KEY = "6f1c0c1e-bread-at-seven"


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def elsewhere(
    settings: Settings, resources: Resources, workspace: Tenant
) -> AsyncIterator[Author]:
    """Writes for the workspace too, through another process of the API."""
    app = create_app(settings)
    app.state.resources = resources
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
        yield Author(client, resources.database, workspace)


@pytest.fixture
async def body(author: Author) -> dict[str, Any]:
    """A post with fields and networks in no order that sorting would give."""
    return {
        "text": "Brot 🥖 um sieben",
        "targets": [await author.connect(Network.MASTODON), await author.connect(Network.X)],
        "variants": {
            "mastodon": {"visibility": "public", "text": "Tröt", "content_warning": "Gluten"},
            "x": {"text": "Bread", "language": "en"},
        },
        "publish_at": TOMORROW.isoformat(),
    }


async def test_asked_again_the_answer_is_the_same_byte_for_byte(
    author: Author, body: dict[str, Any]
) -> None:
    first = await author.create(body, KEY)
    before = await author.ledger.counts()
    again = await author.create(body, KEY)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Location"] == first.headers["Location"]
    assert await author.ledger.counts() == before
    assert before["posts"] == before["outbox"] == before["idempotency_keys"] == 1


async def test_the_first_answer_stays_the_answer_after_the_post_has_changed(
    author: Author, body: dict[str, Any]
) -> None:
    first = await author.create(body, KEY)
    accepted(await author.change(first.json(), text="Another text."))
    assert (await author.create(body, KEY)).content == first.content


async def test_the_first_answer_stays_the_answer_when_the_time_has_passed(
    author: Author, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    wanted = {**body, "publish_at": soon.isoformat()}
    first = await author.create(wanted, KEY)
    assert first.status_code == 201, first.text

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp((soon + GRACE).timestamp() + 1, tz)

    monkeypatch.setattr(accepting, "datetime", Later)
    refused(await author.create(wanted, "another"), "publish_at", "in_the_past")
    assert (await author.create(wanted, KEY)).content == first.content


async def test_the_same_body_written_differently_is_the_same_body(
    author: Author, body: dict[str, Any]
) -> None:
    first = await author.create(body, KEY)
    again = await author.create(dict(reversed(body.items())), KEY)
    assert again.content == first.content


@pytest.mark.parametrize(
    "change", [{"text": "Other"}, {"publish_at": "now"}, {"targets": []}, {"priority": 1}]
)
async def test_another_body_under_the_same_key_is_refused(
    author: Author, body: dict[str, Any], change: dict[str, Any]
) -> None:
    accepted(await author.create(body, KEY))
    before = await author.ledger.counts()
    answer = await author.create({**body, **change}, KEY)
    error = refused(answer, "Idempotency-Key", "reused")
    assert "new key" in error["fix"]
    assert answer.json()["type"] == "/problems/idempotency-key-reused"
    assert await author.ledger.counts() == before


async def test_without_a_key_each_request_makes_a_post(
    author: Author, body: dict[str, Any]
) -> None:
    first, second = [accepted(await author.create(body)) for _ in range(2)]
    assert first["id"] != second["id"]
    assert (await author.ledger.counts())["idempotency_keys"] == 0


async def test_a_request_that_failed_leaves_its_key_free(
    author: Author, body: dict[str, Any]
) -> None:
    too_long = {**body, "variants": {}, "text": "x" * 281}
    refused(await author.create(too_long, KEY), "text", "text_too_long")
    assert set((await author.ledger.counts()).values()) == {0}
    assert (await author.create(body, KEY)).status_code == 201


async def test_each_workspace_has_its_own_keys(
    author: Author, client: httpx.AsyncClient, database: Database, other_workspace: Tenant
) -> None:
    rival = Author(client, database, other_workspace)
    mine = accepted(await author.create({"text": "Mine."}, KEY))
    theirs = accepted(await rival.create({"text": "Theirs."}, KEY))
    assert mine["id"] != theirs["id"]
    assert (mine["text"], theirs["text"]) == ("Mine.", "Theirs.")


async def test_two_processes_asked_at_the_same_moment_make_one_post_and_give_one_answer(
    author: Author, elsewhere: Author, body: dict[str, Any], database: Database
) -> None:
    async with asyncio.TaskGroup() as requests, database.transaction() as session:
        # Neither of them has seen the key used by the time they want the accounts.
        await session.execute(select(AccountRow.id).with_for_update())
        pair = [requests.create_task(one.create(body, KEY)) for one in (author, elsewhere)]
        await waiting_for_a_lock(database, 2)
    first, second = [task.result() for task in pair]
    assert first.status_code == second.status_code == 201, (first.text, second.text)
    assert first.content == second.content
    counts = await author.ledger.counts()
    assert counts["posts"] == counts["outbox"] == counts["idempotency_keys"] == 1


async def test_of_two_bodies_under_one_key_at_the_same_moment_one_is_refused(
    author: Author, elsewhere: Author, body: dict[str, Any], database: Database
) -> None:
    async with asyncio.TaskGroup() as requests, database.transaction() as session:
        await session.execute(select(AccountRow.id).with_for_update())
        pair = [
            requests.create_task(one.create({**body, "text": words}, KEY))
            for one, words in ((author, "Bread."), (elsewhere, "Cake."))
        ]
        await waiting_for_a_lock(database, 2)
    statuses = sorted(task.result().status_code for task in pair)
    assert statuses == [201, 422]
    assert (await author.ledger.counts())["posts"] == 1


async def test_a_crowd_with_one_key_makes_one_post(author: Author, body: dict[str, Any]) -> None:
    answers = await asyncio.gather(*(author.create(body, KEY) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await author.ledger.counts())["posts"] == 1


async def test_a_key_of_200_characters_is_taken(author: Author) -> None:
    key = "k" * 200
    first = await author.create({"text": "Bread."}, key)
    assert first.status_code == 201
    assert (await author.create({"text": "Bread."}, key)).content == first.content
