"""A post is cancelled or claimed, and never both."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage.database import Database
from tests.api.test_posts_actors import TOMORROW, Author, PublishingWorker, accepted, problem
from tests.conftest import Tenant

RACES = 40


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
def worker(database: Database) -> PublishingWorker:
    """Publishes meanwhile, over connections of its own."""
    return PublishingWorker(database)


async def test_a_cancelled_post_is_never_published(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(
        await author.connect(Network.FEED), await author.connect(Network.X)
    )
    armed = [await worker.arm(one["id"]) for one in post["deliveries"]]
    cancelled = accepted(await author.cancel(post))
    assert cancelled["status"] == "cancelled"
    assert [one["status"] for one in cancelled["deliveries"]] == ["cancelled", "cancelled"]
    for state in armed:
        assert await worker.store.claim(state, 0, {}, datetime.now(UTC)) is None
        assert (await worker.store.arm(state.delivery_id)).status is DeliveryStatus.CANCELLED


async def test_the_workflow_is_told_which_deliveries_are_off(author: Author) -> None:
    post = await author.schedule(
        await author.connect(Network.FEED), await author.connect(Network.X)
    )
    accepted(await author.cancel(post))
    _, told = await author.ledger.rows("outbox")
    assert told["kind"] == "cancel_deliveries"
    assert told["payload"] == {"deliveries": [one["id"] for one in post["deliveries"]]}


async def test_cancelling_again_changes_nothing(author: Author) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    first = await author.cancel(post)
    before = await author.ledger.counts()
    assert (await author.cancel(post)).json() == first.json()
    assert await author.ledger.counts() == before


async def test_cancelling_twice_at_once_is_cancelling_once(author: Author) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    answers = await asyncio.gather(*(author.cancel(post) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await author.events(post)).count("cancelled") == 1
    kinds = [row["kind"] for row in await author.ledger.rows("outbox")]
    assert kinds.count("cancel_deliveries") == 1


@pytest.mark.parametrize("networks", [(), (Network.FEED,), (Network.FEED, Network.X)])
async def test_a_draft_is_cancelled_and_nobody_is_told(
    author: Author, networks: tuple[Network, ...]
) -> None:
    draft = await author.draft(*[await author.connect(network) for network in networks])
    assert accepted(await author.cancel(draft))["status"] == "cancelled"
    assert await author.ledger.rows("outbox") == []


async def test_a_cancelled_post_is_not_changed_any_more(author: Author) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    accepted(await author.cancel(post))
    for answer in (await author.change(post, text="Rolls."), await author.publish_now(post)):
        assert problem(answer, 409)["type"] == "/problems/post-cancelled"


async def test_after_the_claim_it_is_too_late_and_the_delivery_is_named(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(
        await author.connect(Network.FEED, "corner"), await author.connect(Network.X, "bread_on_x")
    )
    await worker.claim(post["deliveries"][1]["id"])
    before = await author.ledger.counts()
    for answer in (
        await author.cancel(post),
        await author.change(post, text="Rolls."),
        await author.change(post, publish_at=None),
        await author.publish_now(post),
    ):
        told = problem(answer, 409)
        assert told["type"] == "/problems/too-late"
        assert "x (bread_on_x) is sending" in told["detail"]
        assert "corner" not in told["detail"]
        assert "/v1/deliveries/{id}/cancel" in told["detail"]
    assert await author.ledger.counts() == before
    assert (await author.show(post["id"]))["status"] == "publishing"


async def test_what_is_public_is_not_cancelled(author: Author, worker: PublishingWorker) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    await worker.publish(post["deliveries"][0]["id"])
    assert "feed (bakery) is published" in problem(await author.cancel(post), 409)["detail"]


async def test_a_thread_that_is_public_in_part_is_not_changed(
    author: Author, worker: PublishingWorker
) -> None:
    thread = [{"text": "And cake."}]
    post = await author.schedule(await author.connect(Network.X), thread=thread)
    await worker.publish(post["deliveries"][0]["id"], last_part=False)
    for answer in (await author.cancel(post), await author.change(post, text="Rolls.")):
        assert "x (bakery) is sending" in problem(answer, 409)["detail"]


async def test_a_post_with_one_delivery_cancelled_can_still_be_cancelled(author: Author) -> None:
    post = await author.schedule(
        await author.connect(Network.FEED), await author.connect(Network.X)
    )
    on_feed, on_x = [one["id"] for one in post["deliveries"]]
    accepted(await author.ask("POST", f"/v1/deliveries/{on_x}/cancel"))
    assert accepted(await author.cancel(post))["status"] == "cancelled"
    told = (await author.ledger.rows("outbox"))[-1]
    assert told["payload"] == {"deliveries": [on_feed]}


async def test_claim_and_cancel_at_the_same_moment_never_both_succeed(
    author: Author, worker: PublishingWorker
) -> None:
    feed = await author.connect(Network.FEED)
    for number in range(RACES):
        post = await author.schedule(feed)
        state = await worker.arm(post["deliveries"][0]["id"])
        claim = worker.store.claim(state, 0, {}, datetime.now(UTC))
        cancel = author.cancel(post)
        if number % 2:
            attempt, answer = await asyncio.gather(claim, cancel)
        else:
            answer, attempt = await asyncio.gather(cancel, claim)
        assert (attempt is None) == (answer.status_code == 200), answer.text
        assert (await author.show(post["id"]))["status"] == (
            "cancelled" if attempt is None else "publishing"
        )


async def test_claim_and_edit_at_the_same_moment_never_both_succeed(
    author: Author, worker: PublishingWorker
) -> None:
    feed = await author.connect(Network.FEED)
    for number in range(RACES):
        post = await author.schedule(feed)
        delivery_id = UUID(post["deliveries"][0]["id"])
        state = await worker.arm(str(delivery_id))
        claim = worker.store.claim(state, 0, {}, datetime.now(UTC))
        edit = author.change(post, text="Rolls.", publish_at=TOMORROW.isoformat())
        if number % 2:
            attempt, answer = await asyncio.gather(claim, edit)
        else:
            answer, attempt = await asyncio.gather(edit, claim)
        assert (attempt is None) == (answer.status_code == 200), answer.text
        shown = (await author.show(post["id"]))["text"]
        assert shown == ("Rolls." if attempt is None else "Bread.")
