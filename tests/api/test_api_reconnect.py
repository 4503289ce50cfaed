"""Connecting an account again lets go what waits for it, and nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.networks import Network
from storage.account_access import AccountStore
from storage.database import Database
from storage.outcomes import Reason, Wait
from tests.api.test_posts_actors import TOMORROW, Author, PublishingWorker, accepted
from tests.conftest import Tenant

DISCONNECTED = Reason(type="account_disconnected", message="Connect it again.", evidence={})


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
def worker(database: Database) -> PublishingWorker:
    """Publishes meanwhile."""
    return PublishingWorker(database)


@pytest.fixture
async def account(author: Author) -> str:
    """The id of the bakery's profile."""
    account_id: str = (await connect(author))["id"]
    return account_id


async def connect(author: Author, handle: str = "bakery") -> dict[str, Any]:
    """Connect a profile."""
    body = {"network": "feed", "credentials": {"handle": handle}}
    return accepted(await author.ask("POST", "/v1/accounts", json=body))


async def break_account(worker: PublishingWorker, post: Mapping[str, Any]) -> str:
    """Let the post's delivery find its account disconnected; the delivery's id."""
    delivery_id: str = post["deliveries"][0]["id"]
    state = await worker.arm(delivery_id)
    until = datetime.now(UTC) + timedelta(minutes=15)
    await worker.store.put_off(state, DISCONNECTED, then=Wait(until=until))
    return delivery_id


async def resumed(author: Author) -> list[tuple[str, dict[str, Any], datetime]]:
    """What the relay is to resume: post, payload, and when it was due."""
    return [
        (str(row["subject_id"]), row["payload"], row["due_at"])
        for row in await author.ledger.rows("outbox")
        if row["kind"] == "resume_deliveries"
    ]


async def test_each_delivery_that_waits_for_it_is_resumed_earliest_first(
    author: Author, worker: PublishingWorker, account: str
) -> None:
    later = TOMORROW + timedelta(hours=1)
    second = await author.schedule(account, publish_at=later.isoformat())
    first = await author.schedule(account)
    waiting = {post["id"]: await break_account(worker, post) for post in (second, first)}
    assert (await connect(author))["id"] == account
    assert await resumed(author) == [
        (first["id"], {"deliveries": [waiting[first["id"]]]}, TOMORROW),
        (second["id"], {"deliveries": [waiting[second["id"]]]}, later),
    ]


async def test_what_waits_for_something_else_is_left_alone(
    author: Author, worker: PublishingWorker, account: str
) -> None:
    await author.schedule(account)
    await author.draft(account)
    limited = await author.schedule(account)
    await worker.defer(limited["deliveries"][0]["id"])
    failed = await author.schedule(account)
    await worker.fail(failed["deliveries"][0]["id"])
    cancelled = await author.schedule(account)
    await break_account(worker, cancelled)
    await author.cancel(cancelled)
    elsewhere = await author.schedule(await author.connect(Network.X))
    await break_account(worker, elsewhere)
    await connect(author)
    assert await resumed(author) == []


async def test_a_retry_is_resumed_and_what_it_replaced_is_not(
    author: Author, worker: PublishingWorker, account: str
) -> None:
    post = await author.schedule(account)
    failed = post["deliveries"][0]["id"]
    await worker.fail(failed)
    retry = accepted(await author.ask("POST", f"/v1/deliveries/{failed}/retry"))
    await break_account(worker, {"deliveries": [retry]})
    await connect(author)
    ((post_id, payload, _),) = await resumed(author)
    assert (post_id, payload) == (post["id"], {"deliveries": [retry["id"]]})


async def test_another_workspaces_connection_resumes_nothing_here(
    client: httpx.AsyncClient,
    database: Database,
    author: Author,
    worker: PublishingWorker,
    account: str,
    other_workspace: Tenant,
) -> None:
    await break_account(worker, await author.schedule(account))
    rival = Author(client, database, other_workspace)
    await connect(rival, "rival")
    await connect(rival, "rival")
    assert await resumed(author) == await resumed(rival) == []


async def test_a_profile_that_was_removed_comes_back_as_another_account(
    author: Author, worker: PublishingWorker, account: str
) -> None:
    await break_account(worker, await author.schedule(account))
    removed = await author.ask("DELETE", f"/v1/accounts/{account}?force=true")
    assert removed.status_code == 204, removed.text
    assert (await connect(author))["id"] != account
    assert await resumed(author) == []


async def test_the_author_sees_what_it_waits_for(
    author: Author, worker: PublishingWorker, account: str
) -> None:
    post = await author.schedule(account)
    delivery_id = await break_account(worker, post)
    shown = accepted(await author.ask("GET", f"/v1/deliveries/{delivery_id}"))
    assert shown["status"] == "deferred"
    assert shown["reason"]["type"] == "account_disconnected"
    assert datetime.fromisoformat(shown["deferred_until"]) > datetime.now(UTC)


async def test_a_check_that_finds_it_working_resumes_too(
    author: Author, worker: PublishingWorker, account: str, database: Database
) -> None:
    post = await author.schedule(account)
    delivery_id = await break_account(worker, post)
    await AccountStore(database).mark(UUID(account), "reconnect", "Gone.")
    checked = accepted(await author.ask("POST", f"/v1/accounts/{account}/check"))
    assert checked["status"] == "connected"
    assert await resumed(author) == [(post["id"], {"deliveries": [delivery_id]}, TOMORROW)]
