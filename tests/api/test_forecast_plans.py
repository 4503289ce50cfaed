"""How a forecast reads tables that grow: by an index, however much other accounts have planned."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from sqlalchemy import event, insert, text

from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from storage.database import Database
from storage.tables import AttemptRow, DeliveryRow, PostRevisionRow, PostRow
from tests.api.test_posts_actors import TOMORROW, Author, accepted
from tests.conftest import Tenant

POSTS = 2_000
GROWING = frozenset({"posts", "post_revisions", "deliveries", "attempts"})


async def fill(author: Author, database: Database) -> None:
    """Posts of many accounts, half of them published."""
    accounts = [UUID(await author.connect(Network.X)) for _ in range(20)]
    posts, revisions, deliveries, attempts = [], [], [], []
    for number in range(POSTS):
        post_id, delivery_id, account_id = new_id(), new_id(), accounts[number % len(accounts)]
        is_out = number % 2 == 0
        at = TOMORROW + timedelta(minutes=-number if is_out else number)
        workspace_id = author.tenant.id
        post_status = PostStatus.PUBLISHED if is_out else PostStatus.SCHEDULED
        status = DeliveryStatus.PUBLISHED if is_out else DeliveryStatus.SCHEDULED
        known = {"workspace_id": workspace_id, "publish_at": at}
        posts.append({"id": post_id, "status": post_status, **known})
        content = {"base": {"text": "Bread. " * 30, "thread": []}, "variants": {}}
        revisions.append({"post_id": post_id, "revision": 1, "content": content})
        deliveries.append(
            {
                "id": delivery_id,
                "root_id": delivery_id,
                "post_id": post_id,
                "account_id": account_id,
                "network": Network.X,
                "status": status,
                "revision": 1,
                **known,
            }
        )
        if is_out:
            attempts.append(
                {
                    "id": new_id(),
                    "delivery_id": delivery_id,
                    "root_id": delivery_id,
                    "account_id": account_id,
                    "part": 0,
                    "number": 1,
                    "revision": 1,
                    "evidence": {},
                    "started_at": at,
                    "outcome": "published",
                }
            )
    async with database.transaction() as session:
        await session.execute(insert(PostRow), posts)
        await session.execute(insert(PostRevisionRow), revisions)
        await session.execute(insert(DeliveryRow), deliveries)
        await session.execute(insert(AttemptRow), attempts)
        await session.execute(text("ANALYZE"))


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """How each table of a plan is read, and by which index."""
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan["Node Type"], plan.get("Index Name", "")
    elif "Index Name" in plan:
        yield "", plan["Node Type"], plan["Index Name"]
    for inner in plan.get("Plans", []):
        yield from scans(inner)


async def test_an_account_is_looked_at_by_indexes(
    client: httpx.AsyncClient, database: Database, database_dsn: str, workspace: Tenant
) -> None:
    author = Author(client, database, workspace)
    await fill(author, database)
    account = await author.connect(Network.X)
    asked: list[tuple[str, tuple[Any, ...]]] = []

    def note(_c: object, _k: object, statement: str, parameters: Any, *_more: object) -> None:
        if "account_limits" in statement:
            asked.append((statement, parameters))

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    accepted(await author.ask("GET", f"/v1/accounts/{account}/capacity"))
    event.remove(engine, "before_cursor_execute", note)
    ((statement, parameters),) = asked
    connection = await asyncpg.connect(database_dsn)
    try:
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
    finally:
        await connection.close()
    found = list(scans(json.loads(plan)[0]["Plan"]))
    assert {table for table, *_ in found if table in GROWING} == GROWING - {"posts"}
    assert [one for one in found if one[0] in GROWING and one[1] == "Seq Scan"] == []
    indexes = {index for *_, index in found}
    assert {"ix_deliveries_planned", "ix_deliveries_deferred"} <= indexes
    assert "ix_attempts_account_id_started_at" in indexes
