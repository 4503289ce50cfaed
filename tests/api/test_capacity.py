"""`GET /v1/accounts/{id}/capacity`: what an account may send, now or at a moment to come."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import event

from domain.limits import AccountLimits
from domain.networks import Network
from domain.quotas import Amount
from runtime.settings import NetworkLimits, Settings
from storage.database import Database
from storage.outcomes import Reason
from storage.quotas import hold_account
from tests.api.sent_posts import sent
from tests.api.test_posts_actors import TOMORROW, Author, accepted, problem, refused
from tests.conftest import Tenant

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two posts in a quarter of an hour, and three a day, on X."""
    limits = {Network.X: NetworkLimits(quotas=(Amount(2, QUARTER), Amount(3, DAY)))}
    return settings.model_copy(update={"network_limits": {**settings.network_limits, **limits}})


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


async def capacity(author: Author, account: str, at: datetime | None = None) -> dict[str, Any]:
    params = {"at": at.isoformat()} if at else {}
    return accepted(await author.ask("GET", f"/v1/accounts/{account}/capacity", params=params))


def moment(told: str) -> datetime:
    return datetime.fromisoformat(told)


def room(told: dict[str, Any]) -> list[tuple[int, int, int, datetime]]:
    return [
        (one["used"], one["scheduled"], one["remaining"], moment(one["next_free_at"]))
        for one in told["quotas"]
    ]


async def test_a_fresh_account_has_room_now(author: Author) -> None:
    account = await author.connect(Network.X)
    before = datetime.now(UTC)
    told = await capacity(author, account)
    at = moment(told["at"])
    assert before <= at <= datetime.now(UTC)
    quotas = told.pop("quotas")
    assert [(one["limit"], one["counts"], one["window_seconds"]) for one in quotas] == [
        (2, "sends", 900),
        (3, "sends", 86_400),
    ]
    assert room({"quotas": quotas}) == [(0, 0, 2, at), (0, 0, 3, at)]
    assert told == {
        "account_id": account,
        "at": told["at"],
        "next_free_at": told["at"],
        "limited_until": None,
        "reason": None,
    }


async def test_what_was_sent_counts_in_each_window_that_it_is_in(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    earlier = datetime.now(UTC) - HOUR
    await sent(author, database, account, earlier, earlier + HOUR / 2, earlier + HOUR * 9 / 10)
    told = await capacity(author, account)
    at = moment(told["at"])
    assert room(told) == [(1, 0, 1, at), (3, 0, 0, earlier + DAY)]
    assert moment(told["next_free_at"]) == earlier + DAY


async def test_a_moment_to_come_is_seen_after_everything_planned_until_then(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    for at in (TOMORROW, TOMORROW + timedelta(minutes=5), TOMORROW + 2 * HOUR):
        await author.schedule(account, publish_at=at.isoformat())
    at = TOMORROW + timedelta(minutes=10)
    told = await capacity(author, account, at)
    assert moment(told["at"]) == at
    assert room(told) == [(0, 2, 0, TOMORROW + QUARTER), (0, 2, 1, at)]
    assert moment(told["next_free_at"]) == TOMORROW + QUARTER
    assert room(await capacity(author, account, TOMORROW)) == [
        (0, 1, 1, TOMORROW),
        (0, 1, 2, TOMORROW),
    ]


async def test_what_its_network_said_is_told(author: Author, database: Database) -> None:
    account = await author.connect(Network.X)
    until = datetime.now(UTC) + HOUR
    reason = Reason(type="rate_limited", message="Not now.", evidence={"status": 429})
    async with database.transaction() as session:
        await hold_account(session, UUID(account), until, reason)
    told = await capacity(author, account)
    assert moment(told["limited_until"]) == moment(told["next_free_at"]) == until
    assert told["reason"] == reason.as_json()
    told = await capacity(author, account, until)
    assert moment(told["next_free_at"]) == until


async def test_what_its_network_said_is_over_when_its_time_has_come(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    reason = Reason(type="rate_limited", message="Not now.", evidence={})
    async with database.transaction() as session:
        await hold_account(session, UUID(account), datetime.now(UTC) - HOUR, reason)
    told = await capacity(author, account)
    assert (told["limited_until"], told["reason"]) == (None, None)
    assert told["next_free_at"] == told["at"]


async def test_what_instagram_told_of_the_account_is_shown(author: Author) -> None:
    account = await author.connect(Network.INSTAGRAM, limits=AccountLimits(posts_a_day=100))
    (quota,) = (await capacity(author, account))["quotas"]
    assert (quota["limit"], quota["counts"], quota["remaining"]) == (100, "posts", 100)


async def test_an_account_without_quotas_may_send_at_any_time(author: Author) -> None:
    told = await capacity(author, await author.connect(Network.FEED))
    assert (told["quotas"], told["next_free_at"]) == ([], told["at"])


async def test_a_moment_that_is_past_means_now(author: Author) -> None:
    account = await author.connect(Network.X)
    before = datetime.now(UTC)
    told = await capacity(author, account, before - DAY)
    assert moment(told["at"]) >= before


async def test_a_moment_that_is_none_is_named(author: Author) -> None:
    path = f"/v1/accounts/{await author.connect(Network.X)}/capacity"
    answer = await author.ask("GET", path, params={"at": "tomorrow"})
    assert "RFC 3339" in refused(answer, "at", "not_a_time")["message"]


async def test_somebody_elses_account_is_not_there(
    client: httpx.AsyncClient, author: Author, other_workspace: Tenant
) -> None:
    account = await author.connect(Network.X)
    path = "/v1/accounts/{}/capacity"
    problem(await client.get(path.format(account), headers=other_workspace.headers), 404)
    problem(await author.ask("GET", path.format(uuid4())), 404)


async def test_it_costs_the_same_however_much_is_planned(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    costs = []
    engine = database._engine.sync_engine
    for posts in (1, 5):
        for _ in range(posts):
            await author.schedule(account)
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            asked.append(statement)  # noqa: B023

        event.listen(engine, "before_cursor_execute", note)
        await capacity(author, account, TOMORROW)
        event.remove(engine, "before_cursor_execute", note)
        costs.append(len(asked))
    assert costs[0] == costs[1] <= 3  # the key, the account, its outlook
