"""Posts that are asked for at one moment share a transaction, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from domain.networks import Network
from storage.database import Database
from storage.posts import Post, new_rows
from storage.tables import AccountRow
from tests.api.lock_waits import waiting_for_a_lock
from tests.api.test_posts_actors import TOMORROW, Author, accepted, problem, refused
from tests.conftest import Tenant
from tests.patience import PATIENCE
from tests.sent_statements import sent_to


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def feed(author: Author) -> str:
    """An account without quotas."""
    return await author.connect(Network.FEED)


def body(*targets: str, text: str = "Bread.") -> dict[str, Any]:
    return {"text": text, "targets": targets, "publish_at": TOMORROW.isoformat()}


@asynccontextmanager
async def meeting(database: Database, account: str) -> AsyncIterator[None]:
    """Holds up everybody who wants that account until the block ends."""
    async with database.transaction() as session:
        query = select(AccountRow.id).where(AccountRow.id == UUID(account)).with_for_update()
        await session.execute(query)
        yield


Together = Callable[..., Awaitable[Sequence[httpx.Response]]]
"""`together((author, body), …)`: the answers to posts that share a transaction."""


@pytest.fixture
def together(author: Author, database: Database, feed: str, app: FastAPI) -> Together:
    """Has them wait behind a post that is held up."""

    async def ask(*asked: tuple[Author, dict[str, Any]]) -> Sequence[httpx.Response]:
        async with asyncio.TaskGroup() as requests, meeting(database, feed):
            requests.create_task(author.create(body(feed, text="First.")))
            await waiting_for_a_lock(database, 1)
            answers = [requests.create_task(who.create(wanted)) for who, wanted in asked]
            waiting = app.state.accepting._together
            async with asyncio.timeout(PATIENCE):
                while len(waiting._waiting) < len(asked):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        return [answer.result() for answer in answers]

    return ask


async def test_however_many_there_are_they_cost_two_transactions(
    author: Author, database: Database, feed: str, together: Together
) -> None:
    with sent_to(database) as sent:
        answers = await together(*[(author, body(feed))] * 20)
    posts = [accepted(answer) for answer in answers]
    assert len({post["id"] for post in posts}) == 20
    written = [statement for statement, _ in sent if "INSERT INTO posts" in statement]
    assert len(written) == 2
    assert (await author.ledger.counts())["outbox"] == 21


async def test_what_is_wrong_with_one_is_told_to_that_one(
    author: Author, feed: str, together: Together
) -> None:
    x = await author.connect(Network.X)
    good, long, bad_time, nowhere = await together(
        (author, body(feed)),
        (author, body(feed, x, text="x" * 281)),
        (author, {**body(feed), "publish_at": "2001-01-01T00:00:00Z"}),
        (author, body()),
    )
    assert accepted(good)["status"] == "scheduled"
    refused(long, "text", "text_too_long")
    refused(bad_time, "publish_at", "in_the_past")
    refused(nowhere, "targets", "no_target")
    assert (await author.ledger.counts())["posts"] == 2


async def test_another_workspace_s_account_stays_unknown_beside_a_post_of_its_owner(
    author: Author, database: Database, feed: str, together: Together, other_workspace: Tenant
) -> None:
    rival = Author(author.client, database, other_workspace)
    own, theirs = await together((author, body(feed)), (rival, body(feed)))
    accepted(own)
    refused(theirs, "targets[0]", "unknown_account")
    assert (await rival.ledger.counts())["posts"] == 0


async def test_one_that_the_database_refuses_fails_alone(
    author: Author, feed: str, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = new_rows.outbox_row

    def broken_for_one(post: Post) -> dict[str, Any]:
        return {} if post.content.base.text == "Bad." else usual(post)

    monkeypatch.setattr(new_rows, "outbox_row", broken_for_one)
    answers = await together(
        *[(author, body(feed, text=words)) for words in ("Good.", "Bad.", "Good too.")],
    )
    assert [answer.status_code for answer in answers] == [201, 500, 201]
    problem(answers[1], 500)
    assert (await author.ledger.counts())["posts"] == 3
    assert (await author.ledger.counts())["deliveries"] == 3


async def test_one_that_is_no_longer_waited_for_keeps_nobody_else_from_an_answer(
    author: Author, database: Database, feed: str
) -> None:
    async with asyncio.TaskGroup() as requests, meeting(database, feed):
        gone = asyncio.create_task(author.create(body(feed, text="Gone.")))
        await waiting_for_a_lock(database, 1)
        stays = requests.create_task(author.create(body(feed)))
        gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    accepted(stays.result())
