"""Lateness as a service level: percentiles of what was published, by network, of one workspace."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import insert

from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from storage.database import Database
from storage.tables import DeliveryRow, PostRow
from tests.api.test_posts_actors import Author, accepted, refused
from tests.conftest import NewTenant, Tenant
from tests.sent_statements import sent_to

NOW = datetime.now(UTC).replace(microsecond=0)
NOON = NOW - timedelta(hours=6)
EMPTY = {"count": 0, "p50_ms": None, "p99_ms": None, "max_ms": None}


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Reads for the workspace."""
    return Author(client, database, workspace)


class Past:
    """Writes down what was published."""

    def __init__(self, database: Database, author: Author) -> None:
        """For that author's workspace."""
        self._database = database
        self._author = author

    async def was_published(
        self,
        network: Network,
        *late_ms: float,
        at: datetime = NOON,
        status: DeliveryStatus = DeliveryStatus.PUBLISHED,
        every: timedelta = timedelta(),
    ) -> None:
        """Deliveries due at that time, or one after the other, and sent that much later."""
        account = UUID(await self._author.connect(network))
        posts, deliveries = [], []
        for number, late in enumerate(late_ms):
            post_id, delivery_id = new_id(), new_id()
            due = at + number * every
            same = {"workspace_id": self._author.tenant.id, "publish_at": due}
            posts.append({"id": post_id, "status": PostStatus.PUBLISHED, **same})
            deliveries.append(
                {
                    "id": delivery_id,
                    "root_id": delivery_id,
                    "post_id": post_id,
                    "account_id": account,
                    "network": network,
                    "status": status,
                    "revision": 1,
                    "sent_at": due + timedelta(milliseconds=late),
                    **same,
                }
            )
        async with self._database.transaction() as session:
            await session.execute(insert(PostRow), posts)
            await session.execute(insert(DeliveryRow), deliveries)


@pytest.fixture
def past(database: Database, author: Author) -> Past:
    """What happened."""
    return Past(database, author)


async def lateness(author: Author, **query: str) -> dict[str, Any]:
    """GET /v1/stats/lateness."""
    return accepted(await author.ask("GET", "/v1/stats/lateness", params=query))


def figures(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: shown[name] for name in EMPTY}


async def test_percentiles_of_a_hundred_and_one(author: Author, past: Past) -> None:
    await past.was_published(Network.X, *[10.0 * number for number in range(101)])
    told = await lateness(author)
    assert figures(told) == {"count": 101, "p50_ms": 500.0, "p99_ms": 990.0, "max_ms": 1000.0}
    assert told["networks"] is None


async def test_each_network_by_itself_and_all_together(author: Author, past: Past) -> None:
    await past.was_published(Network.X, 100, 300)
    await past.was_published(Network.BLUESKY, 50)
    told = await lateness(author, group_by="network")
    assert (told["count"], told["p50_ms"], told["max_ms"]) == (3, 100.0, 300.0)
    assert [(one["network"], one["count"], one["max_ms"]) for one in told["networks"]] == [
        ("bluesky", 1, 50.0),
        ("x", 2, 300.0),
    ]
    of_x = await lateness(author, network="x", group_by="network")
    assert (of_x["count"], [one["network"] for one in of_x["networks"]]) == (2, ["x"])
    assert (await lateness(author, network="mastodon"))["count"] == 0


async def test_only_what_was_published_and_due_in_that_time_counts(
    author: Author, past: Past
) -> None:
    await past.was_published(Network.X, 1, at=NOON)
    await past.was_published(Network.X, 2, at=NOON + timedelta(hours=1))
    await past.was_published(Network.X, 3, at=NOW - timedelta(days=2))
    await past.was_published(Network.X, 4, status=DeliveryStatus.UNCONFIRMED)
    await past.was_published(Network.X, -5)  # public before a retry of the rest was asked for
    assert (await lateness(author))["count"] == 2
    until = (NOON + timedelta(hours=1)).isoformat()
    one = await lateness(author, **{"from": NOON.isoformat(), "to": until})
    assert (one["count"], one["max_ms"]) == (1, 1.0)
    assert datetime.fromisoformat(one["from"]) == NOON
    week = await lateness(author, **{"from": (NOW - timedelta(days=7)).isoformat()})
    assert week["count"] == 3


async def test_without_anything_published_there_are_no_figures(author: Author) -> None:
    told = await lateness(author, group_by="network")
    assert (figures(told), told["networks"]) == (EMPTY, [])


async def test_another_workspace_sees_nothing_of_it(
    client: httpx.AsyncClient, database: Database, other_workspace: Tenant, past: Past
) -> None:
    await past.was_published(Network.X, 1)
    rival = Author(client, database, other_workspace)
    assert figures(await lateness(rival)) == EMPTY


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ({"from": "yesterday"}, "from", "not_a_time"),
        ({"to": "2026-11-21T12:00:00"}, "to", "missing_offset"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from", "no_such_span"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from", "no_such_span"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}, "from", "no_such_span"),
        ({"from": "9999-12-31T23:59:59Z"}, "from", "no_such_span"),
        ({"to": "0001-01-01T00:00:00Z"}, "from", "no_such_span"),  # with nothing before it
        ({"network": "myspace"}, "network", "enum"),
        ({"group_by": "account"}, "group_by", "enum"),
    ],
)
async def test_a_question_that_cannot_be_answered(
    author: Author, query: dict[str, str], field: str, rule: str
) -> None:
    refused(await author.ask("GET", "/v1/stats/lateness", params=query), field, rule)


async def test_a_day_of_a_busy_workspace_is_read_by_its_index(
    author: Author,
    past: Past,
    client: httpx.AsyncClient,
    database: Database,
    database_dsn: str,
    new_tenant: NewTenant,
) -> None:
    minute = timedelta(minutes=1)
    begins = NOW - timedelta(days=3)
    await past.was_published(Network.X, *range(4000), at=begins, every=minute)
    for number in range(3):
        others = Author(client, database, await new_tenant(f"Bakery {number}"))
        await Past(database, others).was_published(Network.X, *range(2000), at=begins, every=minute)
    with sent_to(database) as sent:
        assert (await lateness(author))["count"] > 1000
    statement, parameters = next(one for one in sent if "percentile_cont" in one[0])
    connection = await asyncpg.connect(database_dsn)
    try:
        await connection.execute("ANALYZE deliveries")
        chosen = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
        # Once a vacuum has been there, nothing but the index need be read.
        await connection.execute("SET enable_bitmapscan = off")
        alone = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
    finally:
        await connection.close()
    assert '"ix_deliveries_lateness"' in chosen
    assert "Seq Scan" not in chosen
    assert '"Index Only Scan"' in alone
