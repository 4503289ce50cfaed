"""What posts cost the database: a fixed number of statements, and an index for each list."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import insert

from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from storage import due
from storage.database import Database
from storage.tables import DeliveryRow, PostRevisionRow, PostRow, TimelineRow
from tests.api.test_posts_actors import TOMORROW, Author, accepted
from tests.conftest import NewTenant, Tenant
from tests.sent_statements import Statement, sent_to

POSTS_EACH = 1_000
ON_BOTH = (Network.FEED, *[Network.X] * 5)
BY_INDEX = frozenset({"Index Scan", "Index Only Scan", "Bitmap Heap Scan"})
GROWING = frozenset({"posts", "post_revisions", "deliveries", "timeline"})

COPIES = 8
OLD_POSTS = """
    CREATE TEMPORARY TABLE copies AS
        SELECT id AS old_id, gen_random_uuid() AS id
        FROM posts, generate_series(1, $COPIES)
        WHERE status = 'published';
    INSERT INTO posts
        SELECT copy.* FROM copies JOIN posts post ON post.id = old_id,
        jsonb_populate_record(post, jsonb_build_object('id', copies.id)) copy;
    INSERT INTO post_revisions
        SELECT copy.* FROM copies JOIN post_revisions post ON post.post_id = old_id,
        jsonb_populate_record(post, jsonb_build_object('post_id', copies.id)) copy;
    INSERT INTO deliveries
        SELECT copy.* FROM copies JOIN deliveries delivery ON delivery.post_id = old_id,
        jsonb_populate_record(
            delivery,
            jsonb_build_object('post_id', copies.id, 'id', copies.id, 'root_id', copies.id)
        ) copy;
    INSERT INTO timeline (post_id, event)
        SELECT copies.id, event FROM copies JOIN timeline ON post_id = old_id;
""".replace("$COPIES", str(COPIES))
"""More of what was published: with few rows a whole table is as cheap to read as an index."""


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
    with sent_to(database) as sent:
        yield sent


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
    await author.draft()  # which notes the first use of the key
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
    assert costs[0] <= 3  # the key, the accounts, and all that is written


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
    assert await cost(author, database, "POST", f"{path}/cancel") <= 14


async def fill(database: Database, tenant: Tenant, accounts: list[str]) -> None:
    """A workspace's posts, one an hour: most of them published, most of them on one account."""
    posts, revisions, deliveries, timeline = [], [], [], []
    for number in range(POSTS_EACH):
        post_id, delivery_id = new_id(), new_id()
        waits = number % 50 == 0
        at = TOMORROW + timedelta(hours=number if waits else -number)
        which = 0 if number % 100 else 1 + number // 100 % (len(accounts) - 1)
        same = {"workspace_id": tenant.id, "publish_at": at}
        post_status = PostStatus.SCHEDULED if waits else PostStatus.PUBLISHED
        status = DeliveryStatus.SCHEDULED if waits else DeliveryStatus.PUBLISHED
        posts.append({"id": post_id, "status": post_status, **same})
        content = {"base": {"text": "Bread. " * 70}, "variants": {}}
        revisions.append({"post_id": post_id, "revision": 1, "content": content})
        deliveries.append(
            {
                "id": delivery_id,
                "root_id": delivery_id,
                "post_id": post_id,
                "account_id": UUID(accounts[which]),
                "network": Network.X if which else Network.FEED,
                "status": status,
                "revision": 1,
                **same,
            }
        )
        timeline += [{"post_id": post_id, "event": "created"}] * 3
    async with database.transaction() as session:
        await session.execute(insert(PostRow), posts)
        await session.execute(insert(PostRevisionRow), revisions)
        await session.execute(insert(DeliveryRow), deliveries)
        await session.execute(insert(TimelineRow), timeline)


@pytest.fixture
async def full(
    author: Author, database: Database, new_tenant: NewTenant, explainer: asyncpg.Connection
) -> dict[str, str]:
    """Thousands of posts of a few workspaces; ids of the author's to ask for."""
    found: dict[str, str] = {}
    for _ in range(3):
        neighbour = Author(author.client, database, await new_tenant("Neighbour"))
        await fill(database, neighbour.tenant, [await neighbour.connect(n) for n in ON_BOTH])
    await explainer.execute(OLD_POSTS)
    accounts = [await author.connect(network) for network in ON_BOTH]
    await fill(database, author.tenant, accounts)
    # Whatever other tests left in these tables, and whenever the server last tidied up in them.
    await explainer.execute("VACUUM (ANALYZE)")
    page = accepted(await author.ask("GET", "/v1/posts", params={"limit": 3}))
    [delivery] = page["items"][0]["deliveries"]
    found |= {"account": accounts[1], "cursor": page["next_cursor"]}
    return found | {"post": delivery["post_id"], "delivery": delivery["id"]}


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How each table of a plan is read."""
    if "Relation Name" in plan:
        yield plan["Node Type"], plan["Relation Name"]
    for inner in plan.get("Plans", []):
        yield from scans(inner)


async def plans(explainer: asyncpg.Connection, sent: list[Statement]) -> set[tuple[str, str]]:
    """How the statements read the tables that grow with the posts."""
    found: set[tuple[str, str]] = set()
    for statement, parameters in sent:
        if statement.startswith("SELECT"):
            plan = await explainer.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
            found |= set(scans(json.loads(plan)[0]["Plan"]))
    return {(how, table) for how, table in found if table in GROWING}


async def test_lists_read_thousands_of_posts_by_an_index(
    author: Author, database: Database, explainer: asyncpg.Connection, full: dict[str, str]
) -> None:
    fortnight = {
        "publish_from": (TOMORROW - timedelta(days=14)).isoformat(),
        "publish_until": TOMORROW.isoformat(),
    }
    lists = {"posts", "post_revisions", "deliveries"}
    for path, query, tables in (
        ("/v1/posts", {}, lists),
        ("/v1/posts", {"cursor": full["cursor"]}, lists),
        ("/v1/posts", {"status": "scheduled"}, lists),
        ("/v1/posts", {"status": "failed"}, lists - {"deliveries"}),
        ("/v1/posts", {"network": "feed"}, lists),
        ("/v1/posts", {"account_id": full["account"]}, lists),
        ("/v1/posts", fortnight, lists),
        ("/v1/posts", {**fortnight, "status": "published", "network": "feed"}, lists),
        (f"/v1/posts/{full['post']}", {}, lists),
        (f"/v1/posts/{full['post']}/timeline", {}, {*lists, "timeline"}),
        (f"/v1/deliveries/{full['delivery']}", {}, lists),
    ):
        with statements_of(database) as sent:
            accepted(await author.ask("GET", path, params=query))
        read = await plans(explainer, sent)
        assert {table for _, table in read} == tables, (path, query)
        assert {how for how, _ in read} <= BY_INDEX, (path, query, read)


async def test_a_network_with_few_posts_is_read_by_an_index(
    author: Author, database: Database, explainer: asyncpg.Connection, full: dict[str, str]
) -> None:
    with statements_of(database) as sent:
        accepted(await author.ask("GET", "/v1/posts", params={"network": "x"}))
    assert {how for how, _ in await plans(explainer, sent)} <= BY_INDEX


async def test_what_is_due_is_found_by_an_index(
    database: Database, explainer: asyncpg.Connection, full: dict[str, str]
) -> None:
    with statements_of(database) as sent:
        async with database.transaction() as session:
            found = await due.list_due(session, before=TOMORROW + timedelta(hours=1), limit=100)
    assert len(found) == 4  # the next one of each workspace
    assert await plans(explainer, sent) <= {(how, "deliveries") for how in BY_INDEX}
