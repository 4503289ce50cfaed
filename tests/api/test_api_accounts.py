"""Listing and disconnecting accounts, and connections that cannot be."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, select, update

from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from storage.database import Database
from storage.tables import AccountRow, DeliveryRow, PostRow
from tests.api.conftest import Person
from tests.conftest import Tenant


async def connect(
    client: httpx.AsyncClient, tenant: Tenant, network: str, credentials: dict[str, Any]
) -> httpx.Response:
    body = {"network": network, "credentials": credentials}
    return await client.post("/v1/accounts", json=body, headers=tenant.headers)


async def connect_feed(client: httpx.AsyncClient, tenant: Tenant, handle: str) -> dict[str, Any]:
    answer = await connect(client, tenant, "feed", {"handle": handle})
    assert answer.status_code == 201, answer.text
    account: dict[str, Any] = answer.json()
    return account


async def schedule_post(
    database: Database, tenant: Tenant, account_id: str, *, draft: bool
) -> None:
    """A post that waits for the account, or a draft for it."""
    post_id = new_id()
    publish_at = None if draft else datetime.now(UTC) + timedelta(days=1)
    async with database.transaction() as session:
        await session.execute(
            insert(PostRow).values(
                id=post_id,
                workspace_id=tenant.id,
                status=PostStatus.DRAFT if draft else PostStatus.SCHEDULED,
                publish_at=publish_at,
            )
        )
        await session.flush()
        delivery_id = new_id()
        await session.execute(
            insert(DeliveryRow).values(
                id=delivery_id,
                root_id=delivery_id,
                post_id=post_id,
                workspace_id=tenant.id,
                account_id=UUID(account_id),
                network=Network.FEED,
                status=DeliveryStatus.SCHEDULED,
                revision=1,
                publish_at=publish_at,
            )
        )


async def test_two_servers_may_have_the_same_id(
    client: httpx.AsyncClient, workspace: Tenant, database: Database
) -> None:
    account = await connect_feed(client, workspace, "bakery")
    async with database.transaction() as session:
        await session.execute(update(AccountRow).values(base_url="https://one.example"))
    other = await connect_feed(client, workspace, "bakery")
    assert other["id"] != account["id"]


async def test_lists_are_filtered_and_belong_to_one_workspace(
    client: httpx.AsyncClient, workspace: Tenant, other_workspace: Tenant
) -> None:
    first = await connect_feed(client, workspace, "bakery")
    second = await connect_feed(client, workspace, "baker")
    await connect_feed(client, other_workspace, "rival")
    await client.delete(f"/v1/accounts/{first['id']}", headers=workspace.headers)

    async def ids(query: str) -> list[str]:
        answer = await client.get(f"/v1/accounts{query}", headers=workspace.headers)
        assert answer.status_code == 200, answer.text
        return [account["id"] for account in answer.json()["items"]]

    assert await ids("") == [second["id"], first["id"]]
    assert await ids("?status=connected") == [second["id"]]
    assert await ids("?status=disconnected&network=feed") == [first["id"]]
    assert await ids("?network=x") == []
    assert await ids("?limit=1") == [second["id"]]


async def test_another_workspaces_account_is_not_there(
    client: httpx.AsyncClient, workspace: Tenant, other_workspace: Tenant
) -> None:
    account = await connect_feed(client, workspace, "bakery")
    for account_id in (account["id"], str(uuid4())):
        path = f"/v1/accounts/{account_id}"
        for method, where in (("GET", path), ("POST", f"{path}/check"), ("DELETE", path)):
            answer = await client.request(method, where, headers=other_workspace.headers)
            assert answer.status_code == 404, (method, where)
    assert (await client.get("/v1/accounts/7", headers=workspace.headers)).status_code == 422


async def test_disconnecting_forgets_the_credentials(
    client: httpx.AsyncClient, workspace: Tenant, database: Database
) -> None:
    account = await connect_feed(client, workspace, "bakery")
    path = f"/v1/accounts/{account['id']}"
    assert (await client.delete(path, headers=workspace.headers)).status_code == 204
    assert (await client.delete(path, headers=workspace.headers)).status_code == 204
    async with database.transaction() as session:
        assert (await session.scalars(select(AccountRow.credentials))).one() == b""
    shown = await client.get(path, headers=workspace.headers)
    assert shown.json()["status"] == "disconnected"
    checked = await client.post(f"{path}/check", headers=workspace.headers)
    assert checked.status_code == 409
    assert (await connect_feed(client, workspace, "bakery"))["id"] != account["id"]


async def test_an_account_that_posts_wait_for_is_kept_unless_forced(
    client: httpx.AsyncClient, workspace: Tenant, database: Database
) -> None:
    account = await connect_feed(client, workspace, "bakery")
    await schedule_post(database, workspace, account["id"], draft=False)
    await schedule_post(database, workspace, account["id"], draft=False)
    await schedule_post(database, workspace, account["id"], draft=True)
    path = f"/v1/accounts/{account['id']}"
    refused = await client.delete(path, headers=workspace.headers)
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["actual"] == 2
    assert "force=true" in refused.json()["detail"]
    forced = await client.delete(f"{path}?force=true", headers=workspace.headers)
    assert forced.status_code == 204


async def test_credentials_of_a_dropped_key_want_a_reconnection(
    client: httpx.AsyncClient, workspace: Tenant, database: Database
) -> None:
    account = await connect_feed(client, workspace, "bakery")
    async with database.transaction() as session:
        await session.execute(update(AccountRow).values(credentials=b"of another key"))
    checked = await client.post(f"/v1/accounts/{account['id']}/check", headers=workspace.headers)
    assert checked.status_code == 200, checked.text
    assert checked.json()["status"] == "reconnect"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "network"),
        ({"network": "myspace", "credentials": {}}, "network"),
        ({"network": "x"}, "credentials"),
        ({"network": "x", "credentials": {}}, "credentials.access_token"),
        ({"network": "x", "credentials": "secret"}, "credentials"),
        ({"network": "x", "credentials": {"access_token": ""}}, "credentials.access_token"),
        ({"network": "x", "credentials": {"access_token": "a\nb"}}, "credentials.access_token"),
        ({"network": "x", "credentials": {"access_token": "ключ"}}, "credentials.access_token"),
        ({"network": "x", "credentials": {"access_token": 7}}, "credentials.access_token"),
        (
            {"network": "facebook", "credentials": {"page_id": "me", "access_token": "t"}},
            "credentials.page_id",
        ),
        (
            {"network": "mastodon", "credentials": {"instance_url": "::", "access_token": "t"}},
            "credentials.instance_url",
        ),
        ({"network": "feed", "credentials": {"handle": "two words"}}, "credentials.handle"),
        ({"network": "feed", "credentials": {"handle": "a\u0000"}}, "credentials.handle"),
        ({"network": "feed", "credentials": {"handle": "a"}, "id": 1}, "id"),
    ],
)
async def test_a_wrong_connection_is_told_by_field(
    client: httpx.AsyncClient, workspace: Tenant, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/accounts", json=body, headers=workspace.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["errors"][0]["fix"]


async def test_a_check_of_a_feed_profile_keeps_its_name(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    credentials = {"handle": "@Bakery", "display_name": "Corner bakery"}
    account = (await connect(client, workspace, "feed", credentials)).json()
    assert (account["handle"], account["display_name"]) == ("Bakery", "Corner bakery")
    checked = await client.post(f"/v1/accounts/{account['id']}/check", headers=workspace.headers)
    assert checked.json()["display_name"] == "Corner bakery"


async def test_a_wrong_filter_is_told(client: httpx.AsyncClient, workspace: Tenant) -> None:
    answer = await client.get("/v1/accounts?network=myspace", headers=workspace.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "network"


async def test_a_feed_profile_is_called_as_who_it_speaks_for(
    client: httpx.AsyncClient,
    workspace: Tenant,
    other_workspace: Tenant,
    database: Database,
    user: Person,
) -> None:
    account = await connect_feed(client, workspace, "bakery")
    other = await connect_feed(client, other_workspace, "mill")
    async with database.transaction() as session:
        await session.execute(
            update(AccountRow)
            .where(AccountRow.id == UUID(account["id"]))
            .values(remote_id=str(user.user_id))
        )
    change = {"handle": "ada_bakes", "display_name": "Ada bakes"}
    changed = await client.patch("/v1/users/me", json=change, headers=user.headers)
    assert changed.status_code == 200, changed.text
    # Its credentials still say what it was called when it was connected.
    path = f"/v1/accounts/{account['id']}"
    for method, where in (("GET", path), ("POST", f"{path}/check"), ("GET", path)):
        shown = (await client.request(method, where, headers=workspace.headers)).json()
        assert (shown["handle"], shown["display_name"]) == ("ada_bakes", "Ada bakes")
        assert (shown["remote_id"], shown["status"]) == (str(user.user_id), "connected")
    untouched = await client.get(f"/v1/accounts/{other['id']}", headers=other_workspace.headers)
    assert untouched.json() == other
