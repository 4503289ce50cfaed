"""Counts and charts: right, and read from indexes however much there is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import text, update

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.roles import UserRole
from storage import charts
from storage.database import Database
from storage.tables import DeliveryRow
from tests.api.admins import WHY, Staff
from tests.api.conftest import NewPerson, Person
from tests.api.feed_actors import Reader, many_users
from tests.sent_statements import sent_to, whole_reads
from tests.storage.held_posts import Publishing

NINE = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
DAY = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}


@pytest.fixture
async def moderator(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """Who looks at charts."""
    return Staff(client, await new_user("judge", role=UserRole.MODERATOR))


async def settle(
    database: Database, deliveries: list[UUID], status: DeliveryStatus, late: timedelta | None
) -> None:
    """Let deliveries have ended so."""
    sent = None if late is None else DeliveryRow.publish_at + late
    async with database.transaction() as session:
        await session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(deliveries))
            .values(status=status, sent_at=sent)
        )


async def publish(
    database: Database,
    network: Network,
    at: datetime,
    *ends: tuple[DeliveryStatus, timedelta | None],
) -> None:
    """Posts that were due then, and how each ended."""
    publishing = Publishing(database)
    workspace = await publishing.workspace()
    account = await publishing.account(workspace, network)
    made = await publishing.write(workspace, account, number=len(ends), publish_at=at)
    for post, (status, late) in zip(made, ends, strict=True):
        await settle(database, [post.deliveries[0].id], status, late)


async def test_deliveries_are_charted_by_when_they_were_due_and_how_they_ended(
    moderator: Staff, database: Database
) -> None:
    second = timedelta(seconds=1)
    published, failed = DeliveryStatus.PUBLISHED, DeliveryStatus.FAILED
    await publish(database, Network.X, NINE, (published, second), (failed, None))
    await publish(database, Network.X, NINE + timedelta(hours=1), (published, 3 * second))
    await publish(database, Network.FEED, NINE, (published, 2 * second))
    await publish(database, Network.FEED, NINE + timedelta(days=1), (published, second))
    items = (await moderator.get("charts/deliveries", **DAY))["items"]
    assert [(i["begins"][11:13], i["network"], i["status"], i["number"]) for i in items] == [
        ("09", "feed", "published", 1),
        ("09", "x", "failed", 1),
        ("09", "x", "published", 1),
        ("10", "x", "published", 1),
    ]
    by_day = (await moderator.get("charts/deliveries", **DAY, by="day"))["items"]
    assert [(one["network"], one["status"], one["number"]) for one in by_day] == [
        ("feed", "published", 1),
        ("x", "failed", 1),
        ("x", "published", 2),
    ]
    lateness = (await moderator.get("charts/lateness", **DAY))["items"]
    assert [(one["network"], one["number"], one["p50_ms"]) for one in lateness] == [
        ("feed", 1, 2000.0),
        ("x", 2, 2000.0),
    ]
    assert (lateness[1]["p99_ms"], lateness[1]["max_ms"]) == (2980.0, 3000.0)


async def test_what_is_new_is_charted(
    moderator: Staff, client: httpx.AsyncClient, user: Person, database: Database
) -> None:
    await Reader(client, user).publish("Bread.")
    publishing = Publishing(database)
    workspace = await publishing.workspace()
    await publishing.write(workspace, await publishing.account(workspace), number=3)
    items = (await moderator.get("charts/new"))["items"]
    numbers: dict[tuple[str, str | None], int] = {}
    for one in items:
        key = (one["kind"], one["status"])
        numbers[key] = numbers.get(key, 0) + one["number"]
    assert numbers == {("users", None): 2, ("posts", "scheduled"): 3, ("feed_posts", None): 1}


async def test_everything_is_counted(
    moderator: Staff, user: Person, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await moderator.post(f"users/{user.user_id}/suspend", WHY)
    await many_users(database, [f"user{number}" for number in range(10)])
    publishing = Publishing(database)
    workspace = await publishing.workspace()
    await publishing.write(workspace, await publishing.account(workspace), number=3)
    items = (await moderator.get("counts"))["items"]
    assert all(one["exact"] for one in items)
    assert {one["name"]: one["number"] for one in items} == {
        "users": 12,
        "suspended_users": 1,
        "posts": 3,
        "waiting_posts": 3,
        "feed_posts": 0,
        "messages": 0,
        "listings": 0,
        "open_cases": 0,
    }
    monkeypatch.setattr(charts, "COUNTED", 5)
    users = (await moderator.get("counts"))["items"][0]
    assert users["exact"] is False
    assert users["number"] >= 6


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"from": "2026-03-01T00:00:00Z", "to": "2026-03-09T00:00:00Z"},
        {"from": "2020-03-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", "by": "day"},
        {"from": "0001-01-01T00:00:00Z", "to": "0001-01-01T12:00:00Z"},
        {"from": "yesterday"},
        {"by": "minute"},
    ],
)
async def test_times_that_cannot_be_charted_are_refused(
    moderator: Staff, query: dict[str, str]
) -> None:
    for chart in ("deliveries", "lateness", "new"):
        answer = await moderator.ask("GET", f"charts/{chart}", params=query)
        assert answer.status_code == 422, answer.text


async def test_a_chart_that_takes_too_long_is_given_up(
    moderator: Staff, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "TIME_LIMIT", timedelta(milliseconds=1))
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
        answer = await moderator.ask("GET", "charts/deliveries", params=DAY)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "too_much"


async def test_counts_and_charts_read_indexes_of_thousands_of_rows(
    moderator: Staff, database: Database, database_dsn: str
) -> None:
    publishing = Publishing(database)
    workspace = await publishing.workspace()
    account = await publishing.account(workspace)
    for day in range(6):
        await publishing.write(
            workspace, account, number=1000, publish_at=NINE - timedelta(days=day)
        )
    async with database.transaction() as session:
        await session.execute(
            update(DeliveryRow).values(
                status=DeliveryStatus.PUBLISHED, sent_at=DeliveryRow.publish_at
            )
        )
        await session.execute(text("UPDATE posts SET status = 'published'"))
    await many_users(database, [f"user{number}" for number in range(5_000)])
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    past = {"from": "2026-03-01T08:00:00Z", "to": "2026-03-01T10:00:00Z"}
    growing = {"deliveries", "users", "posts"}
    for path, query in (
        ("counts", {}),
        ("charts/deliveries", past),
        ("charts/lateness", past),
        ("charts/new", past),
    ):
        with sent_to(database) as sent:
            await moderator.get(path, **query)
        asked = [one for one in sent if "count(*)" in one[0]]
        assert asked
        assert not await whole_reads(database_dsn, asked, growing), path
