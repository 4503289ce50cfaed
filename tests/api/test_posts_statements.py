"""What posts cost the database: a fixed number of statements, and an index for each list."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import event, insert
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from storage.database import Database
from storage.tables import DeliveryRow, PostRevisionRow, PostRow, TimelineRow
from tests.api.test_posts_actors import TOMORROW, Author, accepted
from tests.conftest import NewTenant, Tenant

Statement = tuple[str, tuple[Any, ...]]

POSTS = 4_000
WORKSPACES = 4


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def explainer(database_dsn: str, author: Author) -> AsyncIterator[asyncpg.Connection]:
    """A connection that asks for plans."""
    connection = await asyncpg.connect(database_dsn)
    yield connection
    await connection.close()


@contextmanager
def statements_of(database: Database) -> Iterator[list[Statement]]:
    """Every statement that is sent to the database meanwhile."""
    sent: list[Statement] = []

    def note(
        connection: Connection,
        cursor: DBAPICursor,
        statement: str,
        parameters: tuple[Any, ...],
        context: ExecutionContext,
        executemany: bool,
    ) -> None:
        sent.append((statement, parameters))

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def cost(author: Author, database: Database, method: str, path: str, **more: Any) -> int:
    """How many statements an accepted request takes."""
    with statements_of(database) as sent:
        accepted(await author.ask(method, path, **more))
    return len(sent)


async def test_a_page_costs_the_same_however_many_posts_it_has(
    author: Author, database: Database
) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    await author.schedule(feed, x)
    one = await cost(author, database, "GET", "/v1/posts?limit=100")
    for number in range(99):
        await author.schedule(*[feed, x][: 1 + number % 2])
    hundred = await cost(author, database, "GET", "/v1/posts?limit=100")
    assert hundred == one <= 3  # the key, the posts with their contents, their deliveries


async def test_creating_costs_the_same_however_many_targets_it_has(
    author: Author, database: Database
) -> None:
    accounts = [await author.connect(Network.FEED) for _ in range(50)]
    body = {"text": "Bread.", "publish_at": TOMORROW.isoformat()}
    costs = [
        await cost(
            author,
            database,
            "POST",
            "/v1/posts",
            json={**body, "targets": targets},
            headers={"Idempotency-Key": f"{uuid4()}"},
        )
        for targets in (accounts[:1], accounts[:2], accounts)
    ]
    assert len(set(costs)) == 1
    assert costs[0] <= 14


async def test_one_post_and_a_change_of_it_cost_a_handful_of_statements(
    author: Author, database: Database
) -> None:
    post = await author.schedule(
        await author.connect(Network.FEED), await author.connect(Network.X)
    )
    path = f"/v1/posts/{post['id']}"
    assert await cost(author, database, "GET", path) <= 3
    assert await cost(author, database, "GET", f"{path}/timeline") <= 4
    assert await cost(author, database, "GET", f"/v1/deliveries/{post['deliveries'][0]['id']}") <= 4
    changed = {"json": {"text": "Rolls."}, "headers": {"If-Match": '"1"'}}
    assert await cost(author, database, "PATCH", path, **changed) <= 17
    assert await cost(author, database, "POST", f"{path}/cancel") <= 12


async def fill(database: Database, tenant: Tenant, accounts: list[str]) -> None:
    """A workspace's posts of half a year, most of them published, each to one of the accounts."""
    posts, revisions, deliveries, timeline = [], [], [], []
    for number in range(POSTS // WORKSPACES):
        post_id, delivery_id = new_id(), new_id()
        due = number % 50 == 0
        at = TOMORROW + timedelta(hours=number if due else -number)
        posts.append(
            {
                "id": post_id,
                "workspace_id": tenant.id,
                "status": PostStatus.SCHEDULED if due else PostStatus.PUBLISHED,
                "publish_at": at,
            }
        )
        content = {"base": {"text": "Bread."}, "variants": {}}
        revisions.append({"post_id": post_id, "revision": 1, "content": content})
        which = 0 if number % 100 else 1 + number // 100 % (len(accounts) - 1)
        deliveries.append(
            {
                "id": delivery_id,
                "root_id": delivery_id,
                "post_id": post_id,
                "workspace_id": tenant.id,
                "account_id": UUID(accounts[which]),
                "network": Network.X if which else Network.FEED,
                "status": DeliveryStatus.SCHEDULED if due else DeliveryStatus.PUBLISHED,
                "revision": 1,
                "publish_at": at,
            }
        )
        timeline += [{"post_id": post_id, "event": "created"}] * 3
    async with database.transaction() as session:
        for table, rows in (
            (PostRow, posts),
            (PostRevisionRow, revisions),
            (DeliveryRow, deliveries),
            (TimelineRow, timeline),
        ):
            await session.execute(insert(table), rows)


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How each table of a plan is read."""
    if "Relation Name" in plan:
        yield plan["Node Type"], plan["Relation Name"]
    for inner in plan.get("Plans", []):
        yield from scans(inner)


async def test_lists_read_thousands_of_posts_by_an_index(
    author: Author,
    database: Database,
    explainer: asyncpg.Connection,
    new_tenant: NewTenant,
) -> None:
    crowd = [author, *[Author(author.client, database, await new_tenant("n")) for _ in range(3)]]
    for one in crowd:
        feed = await one.connect(Network.FEED)
        accounts = [feed, *[await one.connect(Network.X) for _ in range(5)]]
        await fill(database, one.tenant, accounts)
        if one is author:
            rare = accounts[1]
    await explainer.execute("ANALYZE")
    page = accepted(await author.ask("GET", "/v1/posts", params={"limit": 3}))
    post, cursor = page["items"][0], page["next_cursor"]
    week = {
        "publish_from": (TOMORROW - timedelta(days=14)).isoformat(),
        "publish_until": (TOMORROW - timedelta(days=7)).isoformat(),
    }
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/v1/posts", {}),
        ("/v1/posts", {"cursor": cursor}),
        ("/v1/posts", {"status": "scheduled"}),
        ("/v1/posts", {"status": "draft"}),
        ("/v1/posts", {"network": "feed"}),
        ("/v1/posts", {"network": "x"}),
        ("/v1/posts", {"network": "mastodon"}),
        ("/v1/posts", {"account_id": rare}),
        ("/v1/posts", week),
        ("/v1/posts", {**week, "status": "published", "network": "feed"}),
        (f"/v1/posts/{post['id']}", {}),
        (f"/v1/posts/{post['id']}/timeline", {}),
        (f"/v1/deliveries/{post['deliveries'][0]['id']}", {}),
    ]
    whole: list[tuple[str, str, str]] = []
    for path, query in asked:
        with statements_of(database) as sent:
            accepted(await author.ask("GET", path, params=query))
        for statement, parameters in sent:
            found = await explainer.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
            plan = __import__("json").loads(found)[0]["Plan"]
            whole += [(f"{path} {query}", kind, table) for kind, table in scans(plan)]
    big = {"posts", "post_revisions", "deliveries", "timeline"}
    assert [one for one in whole if one[1] == "Seq Scan" and one[2] in big] == []
    assert {table for _, _, table in whole} >= big
