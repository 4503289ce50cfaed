"""What a post says of its own lateness, and what a person decides when it asks."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage import lateness
from storage.database import Database
from storage.post_status import lock_posts
from storage.tables import DeliveryRow
from tests.api.test_posts_actors import Author, accepted
from tests.conftest import Tenant
from tests.storage.held_posts import now

TERMS = {"late_policy": "ask", "late_after_seconds": 600}


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Somebody of the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def account(author: Author) -> str:
    """The id of its account on X."""
    return await author.connect(Network.X)


@pytest.fixture
async def asking(author: Author, account: str, database: Database) -> dict[str, Any]:
    """A post whose delivery came to be armed too late, and asks."""
    post = await author.schedule(account, **TERMS)
    async with database.transaction() as session:
        await lock_posts(session, [UUID(post["id"])])
        delivery_id = UUID(post["deliveries"][0]["id"])
        late = now() - timedelta(minutes=11)
        of_it = DeliveryRow.id == delivery_id
        await session.execute(update(DeliveryRow).where(of_it).values(publish_at=late))
        await lateness.settle_late(session, [delivery_id], now())
    shown: dict[str, Any] = (await author.show(post["id"]))["deliveries"][0]
    assert (shown["status"], shown["reason"]["type"]) == ("deferred", "late")
    assert shown["deferred_until"] is None
    return shown


async def decide(author: Author, delivery: dict[str, Any], decision: str) -> httpx.Response:
    path = f"/v1/deliveries/{delivery['id']}/decide"
    return await author.ask("POST", path, json={"decision": decision})


async def told(author: Author, kind: str) -> list[str]:
    """The deliveries that relays were told that of."""
    rows = [row for row in await author.ledger.rows("outbox") if row["kind"] == kind]
    return [one for row in rows for one in row["payload"]["deliveries"]]


def terms(post: dict[str, Any]) -> dict[str, Any]:
    return {name: post[name] for name in TERMS}


async def test_a_post_keeps_what_it_says_of_its_lateness(author: Author, account: str) -> None:
    post = await author.schedule(account, **TERMS)
    assert terms(post) == TERMS
    assert terms(await author.show(post["id"])) == TERMS


async def test_a_post_that_says_nothing_leaves_it_to_the_workspace(
    author: Author, account: str
) -> None:
    post = await author.schedule(account)
    assert terms(post) == {"late_policy": None, "late_after_seconds": None}
    shown = accepted(await author.ask("GET", "/v1/workspace"))
    assert terms(shown) == {"late_policy": "publish", "late_after_seconds": 3600}
    changed = accepted(await author.ask("PATCH", "/v1/workspace", json=TERMS))
    assert terms(changed) == TERMS
    again = accepted(await author.ask("PATCH", "/v1/workspace", json={"name": "Bakery"}))
    assert terms(again) == TERMS


async def test_a_change_of_something_else_leaves_it_as_it_is(author: Author, account: str) -> None:
    post = await author.schedule(account, **TERMS)
    post = accepted(await author.change(post, text="Cake."))
    assert terms(post) == TERMS
    post = accepted(await author.change(post, late_policy="skip"))
    assert terms(post) == {**TERMS, "late_policy": "skip"}
    post = accepted(await author.change(post, late_policy=None, late_after_seconds=None))
    assert terms(post) == {"late_policy": None, "late_after_seconds": None}


async def test_publishing_now_keeps_it(author: Author, account: str) -> None:
    post = await author.schedule(account, **TERMS)
    assert terms(accepted(await author.publish_now(post))) == TERMS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("late_policy", "perhaps"),
        ("late_after_seconds", 59),
        ("late_after_seconds", 30 * 86_400 + 1),
        ("late_after_seconds", "an hour"),
    ],
)
async def test_what_is_wrong_is_told(
    author: Author, account: str, field: str, value: object
) -> None:
    answer = await author.create({"text": "Bread.", "targets": [account], field: value})
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_a_person_has_it_published_late(author: Author, asking: dict[str, Any]) -> None:
    shown = accepted(await decide(author, asking, "publish"))
    assert (shown["status"], shown["reason"]["type"]) == ("deferred", "released")
    assert await told(author, "resume_deliveries") == [asking["id"]]
    events = await author.events({"id": asking["post_id"]})
    assert events[-2:] == ["decided", "released"]
    assert (await decide(author, asking, "skip")).status_code == 409


async def test_what_was_decided_is_armed_and_asks_no_more(
    author: Author, asking: dict[str, Any], database: Database
) -> None:
    accepted(await decide(author, asking, "publish"))
    async with database.transaction() as session:
        await lock_posts(session, [UUID(asking["post_id"])])
        assert await lateness.settle_late(session, [UUID(asking["id"])], now()) == {}


async def test_a_person_has_it_skipped(author: Author, asking: dict[str, Any]) -> None:
    shown = accepted(await decide(author, asking, "skip"))
    assert (shown["status"], shown["reason"]["type"]) == ("cancelled", "late")
    assert await told(author, "cancel_deliveries") == [asking["id"]]
    post = await author.show(asking["post_id"])
    assert post["status"] == "cancelled"
    assert (await decide(author, asking, "skip")).status_code == 409


async def test_only_what_asks_can_be_decided(
    author: Author, account: str, database: Database
) -> None:
    post = await author.schedule(account)
    (delivery,) = post["deliveries"]
    answer = await decide(author, delivery, "publish")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-state")
    waits = {"type": "rate_limited", "message": "", "evidence": {}}
    async with database.transaction() as session:
        await session.execute(
            update(DeliveryRow).values(status=DeliveryStatus.DEFERRED, reason=waits)
        )
    assert (await decide(author, delivery, "publish")).status_code == 409


async def test_deliveries_of_others_do_not_exist(
    asking: dict[str, Any], client: httpx.AsyncClient, database: Database, other_workspace: Tenant
) -> None:
    rival = Author(client, database, other_workspace)
    for decision in ("publish", "skip"):
        assert (await decide(rival, asking, decision)).status_code == 404


async def test_a_decision_is_one_of_two(author: Author, asking: dict[str, Any]) -> None:
    assert (await decide(author, asking, "perhaps")).status_code == 422


async def test_what_asks_can_still_be_moved(author: Author, asking: dict[str, Any]) -> None:
    post = accepted(await author.publish_now({"id": asking["post_id"]}))
    (delivery,) = post["deliveries"]
    assert (delivery["status"], delivery["reason"]) == ("scheduled", None)
