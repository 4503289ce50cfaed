"""Batches listed, counted, and stopped as one: what may be public stays, with the reason."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.networks import Network
from storage.database import Database
from tests.api.test_posts_actors import (
    TOMORROW,
    Author,
    PublishingWorker,
    accepted,
    problem,
)
from tests.conftest import Tenant
from tests.sent_statements import sent_to


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
def worker(database: Database) -> PublishingWorker:
    """Publishes."""
    return PublishingWorker(database)


async def make(author: Author, *targets: str, size: int = 1) -> dict[str, Any]:
    """A batch of posts for tomorrow."""
    row = {"text": "Bread.", "targets": targets, "publish_at": TOMORROW.isoformat()}
    return accepted(await author.ask("POST", "/v1/posts/bulk", json={"posts": [row] * size}))


async def cancel(author: Author, batch_id: str) -> dict[str, Any]:
    """POST /v1/batches/{id}/cancel."""
    return accepted(await author.ask("POST", f"/v1/batches/{batch_id}/cancel"))


async def test_batches_are_listed_newest_first_in_pages(author: Author) -> None:
    feed = await author.connect(Network.FEED)
    made = [(await make(author, feed, size=size))["batch_id"] for size in (1, 2, 3)]
    first = accepted(await author.ask("GET", "/v1/batches?limit=2"))
    assert [(one["id"], one["size"]) for one in first["items"]] == [(made[2], 3), (made[1], 2)]
    path = f"/v1/batches?limit=2&cursor={first['next_cursor']}"
    second = accepted(await author.ask("GET", path))
    assert [one["id"] for one in second["items"]] == [made[0]]
    assert second["next_cursor"] is None


async def test_a_batch_counts_its_posts_by_status(author: Author, worker: PublishingWorker) -> None:
    feed = await author.connect(Network.FEED)
    made = await make(author, feed, size=3)
    await author.schedule(feed)
    post = await author.show(made["rows"][0]["post_id"])
    await worker.publish(post["deliveries"][0]["id"])
    batch = accepted(await author.ask("GET", f"/v1/batches/{made['batch_id']}"))
    assert batch["posts"] == {"scheduled": 2, "published": 1}
    assert batch["cancelled_at"] is None


async def test_its_posts_can_be_listed(author: Author) -> None:
    feed = await author.connect(Network.FEED)
    made = await make(author, feed, size=2)
    await make(author, feed)
    listed = accepted(await author.ask("GET", f"/v1/posts?batch_id={made['batch_id']}"))
    assert {one["id"] for one in listed["items"]} == {row["post_id"] for row in made["rows"]}


async def test_cancelled_every_post_and_delivery_of_it_is(author: Author) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    made = await make(author, feed, x, size=3)
    other = await author.schedule(feed)
    ids = [row["post_id"] for row in made["rows"]]
    told = await cancel(author, made["batch_id"])
    assert told == {"batch_id": made["batch_id"], "cancelled": ids, "not_cancelled": []}
    for post_id in ids:
        post = await author.show(post_id)
        assert post["status"] == "cancelled"
        assert {one["status"] for one in post["deliveries"]} == {"cancelled"}
        assert (await author.events(post))[-1] == "cancelled"
    assert (await author.show(other["id"]))["status"] == "scheduled"
    outbox = [row for row in await author.ledger.rows("outbox") if row["kind"] != "start_post"]
    assert {str(row["subject_id"]) for row in outbox} == set(ids)
    assert {row["kind"] for row in outbox} == {"cancel_deliveries"}
    assert all(len(row["payload"]["deliveries"]) == 2 for row in outbox)


async def test_what_may_be_public_stays_and_the_reason_is_told(
    author: Author, worker: PublishingWorker
) -> None:
    x = await author.connect(Network.X, "bread_on_x")
    made = await make(author, x, size=4)
    ids = [row["post_id"] for row in made["rows"]]
    deliveries = [(await author.show(post_id))["deliveries"][0]["id"] for post_id in ids]
    await worker.publish(deliveries[0])
    await worker.claim(deliveries[1])
    await worker.lose_track(deliveries[2])
    told = await cancel(author, made["batch_id"])
    assert told["cancelled"] == [ids[3]]
    kept = {one["post_id"]: (one["status"], one["reason"]) for one in told["not_cancelled"]}
    assert {post_id: status for post_id, (status, _) in kept.items()} == {
        ids[0]: "published",
        ids[1]: "publishing",
        ids[2]: "publishing",
    }
    assert all("x (bread_on_x) is" in reason for _, reason in kept.values())
    statuses = [(await author.show(post_id))["status"] for post_id in ids]
    assert statuses == ["published", "publishing", "publishing", "cancelled"]


async def test_cancelling_again_changes_nothing(author: Author) -> None:
    made = await make(author, await author.connect(Network.FEED), size=2)
    first = await cancel(author, made["batch_id"])
    shown = accepted(await author.ask("GET", f"/v1/batches/{made['batch_id']}"))
    before = await author.ledger.counts()
    assert await cancel(author, made["batch_id"]) == first
    assert await author.ledger.counts() == before
    assert accepted(await author.ask("GET", f"/v1/batches/{made['batch_id']}")) == shown
    assert shown["cancelled_at"] is not None


async def test_drafts_of_a_batch_are_cancelled_without_a_word_to_anybody(author: Author) -> None:
    feed = await author.connect(Network.FEED)
    body = {"posts": [{"text": "Nowhere."}, {"text": "Somewhere.", "targets": [feed]}]}
    made = accepted(await author.ask("POST", "/v1/posts/bulk", json=body))
    assert len((await cancel(author, made["batch_id"]))["cancelled"]) == 2
    for row in made["rows"]:
        assert (await author.show(row["post_id"]))["status"] == "cancelled"
    assert await author.ledger.rows("outbox") == []


async def test_two_who_cancel_and_one_who_edits_do_not_cross(author: Author) -> None:
    made = await make(author, await author.connect(Network.FEED), size=20)
    post = await author.show(made["rows"][-1]["post_id"])
    first, second, edited = await asyncio.gather(
        cancel(author, made["batch_id"]),
        cancel(author, made["batch_id"]),
        author.change(post, text="Rolls."),
    )
    assert first["cancelled"] == second["cancelled"]
    assert edited.status_code in {200, 409}
    batch = accepted(await author.ask("GET", f"/v1/batches/{made['batch_id']}"))
    assert batch["posts"] == {"cancelled": 20}
    told = [row for row in await author.ledger.rows("outbox") if row["kind"] == "cancel_deliveries"]
    assert len(told) == 20


async def test_cancelling_costs_no_statement_for_each_post(
    author: Author, database: Database
) -> None:
    feed = await author.connect(Network.FEED)
    costs = []
    for size in (2, 1000):
        made = await make(author, feed, size=size)
        with sent_to(database) as sent:
            assert len((await cancel(author, made["batch_id"]))["cancelled"]) == size
        costs.append(len(sent))
    assert costs[0] == costs[1] <= 13


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("POST", "/cancel")])
async def test_anothers_batch_is_not_there(
    author: Author,
    client: httpx.AsyncClient,
    database: Database,
    other_workspace: Tenant,
    method: str,
    suffix: str,
) -> None:
    rival = Author(client, database, other_workspace)
    made = await make(rival, await rival.connect(Network.FEED))
    for batch_id in (made["batch_id"], str(uuid4())):
        problem(await author.ask(method, f"/v1/batches/{batch_id}{suffix}"), 404)
    assert accepted(await author.ask("GET", "/v1/batches"))["items"] == []
    path = f"/v1/posts?batch_id={made['batch_id']}"
    assert accepted(await author.ask("GET", path))["items"] == []
    assert (await rival.show(made["rows"][0]["post_id"]))["status"] == "scheduled"
