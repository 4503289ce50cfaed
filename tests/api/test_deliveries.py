"""Single deliveries: shown, stopped, tried again, settled by a person."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from domain.networks import Network
from domain.receipts import Receipt
from storage.database import Database
from storage.delivery_state import OpenAttempt
from storage.tables import PostRow
from tests.api.test_posts_actors import Author, PublishingWorker, accepted, problem, refused
from tests.conftest import Tenant
from tests.patience import PATIENCE

FOUND = {"outcome": "published", "permalink": "https://network.example/bakery/7"}
NOT_FOUND = {"outcome": "send_again"}


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
def worker(database: Database) -> PublishingWorker:
    """Publishes meanwhile."""
    return PublishingWorker(database)


@pytest.fixture
async def post(author: Author) -> dict[str, Any]:
    """A post to two accounts."""
    return await author.schedule(
        await author.connect(Network.X), await author.connect(Network.FEED)
    )


@pytest.fixture
def on_x(post: dict[str, Any]) -> str:
    """The first of its deliveries."""
    delivery_id: str = post["deliveries"][0]["id"]
    return delivery_id


async def act(
    author: Author, delivery_id: str, verb: str, body: dict[str, str] | None = None
) -> httpx.Response:
    """POST /v1/deliveries/{id}/{verb}."""
    return await author.ask("POST", f"/v1/deliveries/{delivery_id}/{verb}", json=body)


async def shown(author: Author, delivery_id: str) -> dict[str, Any]:
    """The delivery as it is now."""
    return accepted(await author.ask("GET", f"/v1/deliveries/{delivery_id}"))


async def last_to_do(author: Author) -> tuple[str, dict[str, Any]]:
    """What the relay was told last."""
    row = (await author.ledger.rows("outbox"))[-1]
    return row["kind"], row["payload"]


async def test_a_delivery_is_shown_as_it_stands_in_its_post(
    author: Author, post: dict[str, Any], on_x: str
) -> None:
    assert await shown(author, on_x) == post["deliveries"][0]


async def test_a_published_delivery_shows_its_proof_and_how_late_it_was(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(await author.connect(Network.FEED), publish_at="now")
    await worker.publish(post["deliveries"][0]["id"])
    told = await shown(author, post["deliveries"][0]["id"])
    assert (told["status"], told["remote_id"]) == ("published", "1")
    assert told["permalink"] == "https://network.example/1"
    late = datetime.fromisoformat(told["sent_at"]) - datetime.fromisoformat(told["publish_at"])
    assert told["lateness_ms"] == round(late.total_seconds() * 1000) >= 0


async def test_reading_does_not_wait_for_whoever_changes_the_post(
    author: Author, post: dict[str, Any], on_x: str, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(select(PostRow.id).with_for_update())
        async with asyncio.timeout(PATIENCE):
            assert await shown(author, on_x) == post["deliveries"][0]


async def test_a_failed_delivery_says_why(
    author: Author, worker: PublishingWorker, on_x: str
) -> None:
    await worker.fail(on_x)
    told = await shown(author, on_x)
    assert told["status"] == "failed"
    assert told["reason"] == {
        "type": "content_refused",
        "message": "The network said no.",
        "evidence": {"code": 187},
    }


async def test_one_delivery_is_cancelled_and_the_others_go_on(
    author: Author, worker: PublishingWorker, post: dict[str, Any], on_x: str
) -> None:
    assert accepted(await act(author, on_x, "cancel"))["status"] == "cancelled"
    now = await author.show(post["id"])
    assert [one["status"] for one in now["deliveries"]] == ["cancelled", "scheduled"]
    assert now["status"] == "scheduled"
    assert await last_to_do(author) == ("cancel_deliveries", {"deliveries": [on_x]})
    await worker.publish(post["deliveries"][1]["id"])
    assert (await author.show(post["id"]))["status"] == "published"


async def test_cancelling_a_delivery_again_changes_nothing(author: Author, on_x: str) -> None:
    first = accepted(await act(author, on_x, "cancel"))
    before = await author.ledger.counts()
    assert accepted(await act(author, on_x, "cancel")) == first
    assert await author.ledger.counts() == before


async def test_the_last_delivery_cancelled_cancels_the_post(
    author: Author, post: dict[str, Any]
) -> None:
    for delivery in post["deliveries"]:
        accepted(await act(author, delivery["id"], "cancel"))
    assert (await author.show(post["id"]))["status"] == "cancelled"


async def test_a_draft_with_a_delivery_less_is_still_a_draft_and_nobody_is_told(
    author: Author,
) -> None:
    draft = await author.draft(await author.connect(Network.X), await author.connect(Network.FEED))
    accepted(await act(author, draft["deliveries"][0]["id"], "cancel"))
    assert (await author.show(draft["id"]))["status"] == "draft"
    assert await author.ledger.rows("outbox") == []


async def test_what_is_being_sent_is_not_cancelled_and_its_neighbour_is(
    author: Author, worker: PublishingWorker, post: dict[str, Any], on_x: str
) -> None:
    await worker.claim(on_x)
    told = problem(await act(author, on_x, "cancel"), 409)
    assert told["type"] == "/problems/wrong-state"
    assert "is sending" in told["detail"]
    accepted(await act(author, post["deliveries"][1]["id"], "cancel"))


async def test_a_failed_delivery_is_tried_again_by_a_new_one_in_its_place(
    author: Author, worker: PublishingWorker, post: dict[str, Any], on_x: str
) -> None:
    await worker.fail(on_x)
    await worker.publish(post["deliveries"][1]["id"])
    assert (await author.show(post["id"]))["status"] == "partially_published"
    before = datetime.now(UTC)
    again = accepted(await act(author, on_x, "retry"))
    assert again["id"] != on_x
    assert (again["status"], again["account_id"]) == (
        "scheduled",
        post["deliveries"][0]["account_id"],
    )
    assert before <= datetime.fromisoformat(again["publish_at"]) <= datetime.now(UTC)
    old = await shown(author, on_x)
    assert (old["status"], old["superseded"]) == ("failed", True)
    assert await last_to_do(author) == ("retry_delivery", {"delivery_id": again["id"]})
    assert (await author.show(post["id"]))["status"] == "publishing"
    await worker.publish(again["id"])
    assert (await author.show(post["id"]))["status"] == "published"
    assert "retry_requested" in await author.events(post)


async def test_a_delivery_is_retried_once_however_often_it_is_asked_for(
    author: Author, worker: PublishingWorker, on_x: str
) -> None:
    await worker.fail(on_x)
    answers = await asyncio.gather(*(act(author, on_x, "retry") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert "not retried yet" in problem(await act(author, on_x, "retry"), 409)["detail"]


async def test_a_retry_of_a_thread_keeps_showing_what_is_public_of_it(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(await author.connect(Network.X), thread=[{"text": "And cake."}])
    [delivery] = post["deliveries"]
    await worker.publish(delivery["id"], last_part=False)
    await worker.fail_part(delivery["id"], 1)
    again = accepted(await act(author, delivery["id"], "retry"))
    assert (again["remote_id"], again["permalink"]) == ("1", "https://network.example/1")
    assert again["lateness_ms"] is None
    for answer in (await author.change(post, text="Rolls."), await author.cancel(post)):
        assert "scheduled and public in part" in problem(answer, 409)["detail"]
    state = await worker.arm(again["id"])
    assert set(state.receipts) == {0}
    attempt = await worker.store.claim(state, 1, {}, datetime.now(UTC))
    assert isinstance(attempt, OpenAttempt)
    receipt = Receipt(remote_id="2", permalink="https://network.example/2", details={})
    await worker.store.record_published(state, attempt, receipt, last_part=True)
    told = await shown(author, again["id"])
    assert (told["status"], told["permalink"]) == ("published", "https://network.example/1")


@pytest.mark.parametrize("body", [FOUND, NOT_FOUND])
async def test_only_an_unconfirmed_delivery_is_resolved(
    author: Author, worker: PublishingWorker, post: dict[str, Any], body: dict[str, str]
) -> None:
    scheduled, published = [one["id"] for one in post["deliveries"]]
    await worker.publish(published)
    for delivery_id in (scheduled, published):
        before = await shown(author, delivery_id)
        answer = await act(author, delivery_id, "resolve", body)
        assert before["status"] in problem(answer, 409)["detail"]
        problem(await act(author, delivery_id, "retry"), 409)
        assert await shown(author, delivery_id) == before


async def test_a_person_who_found_it_public_settles_it(
    author: Author, worker: PublishingWorker, post: dict[str, Any], on_x: str
) -> None:
    await worker.lose_track(on_x)
    assert (await shown(author, on_x))["status"] == "unconfirmed"
    assert (await author.show(post["id"]))["status"] == "publishing"
    told = accepted(await act(author, on_x, "resolve", FOUND))
    assert (told["id"], told["status"]) == (on_x, "published")
    assert told["permalink"] == FOUND["permalink"]
    assert told["reason"]["type"] == "resolved"
    assert "resolved" in await author.events(post)
    problem(await act(author, on_x, "resolve", FOUND), 409)


async def test_a_person_who_found_nothing_has_it_sent_again(
    author: Author, worker: PublishingWorker, post: dict[str, Any], on_x: str
) -> None:
    await worker.lose_track(on_x)
    again = accepted(await act(author, on_x, "resolve", NOT_FOUND))
    assert (again["status"], again["permalink"]) == ("scheduled", None)
    old = await shown(author, on_x)
    assert (old["status"], old["superseded"]) == ("failed", True)
    assert await last_to_do(author) == ("retry_delivery", {"delivery_id": again["id"]})
    assert (await author.events(post))[-2:] == ["resolved", "retry_requested"]
    await worker.publish(again["id"])


async def test_two_people_settle_it_once(
    author: Author, worker: PublishingWorker, on_x: str
) -> None:
    await worker.lose_track(on_x)
    answers = await asyncio.gather(
        act(author, on_x, "resolve", FOUND), act(author, on_x, "resolve", NOT_FOUND)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_resolution_that_cannot_be_used_is_named(
    author: Author, worker: PublishingWorker, on_x: str
) -> None:
    await worker.lose_track(on_x)
    before = await author.ledger.counts()
    for body, field, rule in (
        ({}, "outcome", "union_tag_not_found"),
        ({"outcome": "maybe"}, "outcome", "union_tag_invalid"),
        ({"outcome": "published"}, "permalink", "missing"),
        ({"outcome": "published", "permalink": "bakery"}, "permalink", "url_parsing"),
        ({"outcome": "published", "permalink": "javascript:1"}, "permalink", "url_scheme"),
        ({**FOUND, "permalink": "https://a.example/" + "a" * 2083}, "permalink", "url_too_long"),
        ({**FOUND, "url": "https://a.example"}, "url", "extra_forbidden"),
        ({**NOT_FOUND, "permalink": "https://a.example"}, "permalink", "extra_forbidden"),
    ):
        refused(await act(author, on_x, "resolve", body), field, rule)
    assert (await shown(author, on_x))["status"] == "unconfirmed"
    assert await author.ledger.counts() == before


async def test_a_delivery_that_is_not_there_is_said_so(author: Author) -> None:
    nobodys = "0198c5e0-f3a8-7c2b-8d6a-1f0e5b7c9d11"
    for verb in ("cancel", "retry"):
        assert nobodys in problem(await act(author, nobodys, verb), 404)["detail"]
    problem(await act(author, nobodys, "resolve", FOUND), 404)
    refused(await act(author, "first", "cancel"), "delivery_id", "uuid_parsing")
