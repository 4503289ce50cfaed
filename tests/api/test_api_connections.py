"""Connecting and checking accounts on the sandbox networks."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from storage.database import Database
from storage.tables import AccountRow
from tests.conftest import Tenant
from tests.running_sandbox import Sandbox

SANDBOXED = ["facebook", "instagram", "x", "bluesky", "mastodon"]


async def connect(
    client: httpx.AsyncClient, tenant: Tenant, network: str, credentials: dict[str, Any]
) -> httpx.Response:
    body = {"network": network, "credentials": credentials}
    return await client.post("/v1/accounts", json=body, headers=tenant.headers)


@pytest.mark.parametrize("network", SANDBOXED)
async def test_every_network_is_connected_and_checked(
    sandboxed_client: httpx.AsyncClient, workspace: Tenant, sandbox: Sandbox, network: str
) -> None:
    there = await sandbox.account(network)
    answer = await connect(sandboxed_client, workspace, network, there["credentials"])
    assert answer.status_code == 201, answer.text
    account = answer.json()
    assert account["network"] == network
    assert account["status"] == "connected"
    assert account["remote_id"] == there["account_id"]
    checked = await sandboxed_client.post(
        f"/v1/accounts/{account['id']}/check", headers=workspace.headers
    )
    assert checked.status_code == 200, checked.text
    assert checked.json()["status"] == "connected"
    assert checked.json()["checked_at"] > account["checked_at"]


@pytest.mark.parametrize("network", SANDBOXED)
async def test_no_credential_comes_out_or_is_kept_readable(
    sandboxed_client: httpx.AsyncClient,
    workspace: Tenant,
    sandbox: Sandbox,
    database: Database,
    network: str,
) -> None:
    there = await sandbox.account(network)
    answer = await connect(sandboxed_client, workspace, network, there["credentials"])
    secrets = [
        str(value)
        for name, value in there["credentials"].items()
        if "token" in name or "password" in name
    ]
    assert secrets
    listed = await sandboxed_client.get("/v1/accounts", headers=workspace.headers)
    async with database.transaction() as session:
        kept = (await session.scalars(select(AccountRow.credentials))).one()
    for secret in secrets:
        assert secret not in answer.text + listed.text
        assert secret.encode() not in kept


@pytest.mark.parametrize("network", SANDBOXED)
async def test_refused_credentials_are_named(
    sandboxed_client: httpx.AsyncClient, workspace: Tenant, sandbox: Sandbox, network: str
) -> None:
    credentials = (await sandbox.account(network))["credentials"]
    field = "app_password" if network == "bluesky" else "access_token"
    answer = await connect(
        sandboxed_client, workspace, network, {**credentials, field: "made-up-hunter2"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == f"credentials.{field}"
    assert "hunter2" not in answer.text
    listed = await sandboxed_client.get("/v1/accounts", headers=workspace.headers)
    assert listed.json()["items"] == []


async def test_connecting_again_keeps_the_id_and_repairs(
    sandboxed_client: httpx.AsyncClient, workspace: Tenant, sandbox: Sandbox
) -> None:
    there = await sandbox.account("mastodon")
    first = await connect(sandboxed_client, workspace, "mastodon", there["credentials"])
    await sandbox.fault("mastodon", "token_revoked", account=there["account_id"])
    checked = await sandboxed_client.post(
        f"/v1/accounts/{first.json()['id']}/check", headers=workspace.headers
    )
    assert checked.status_code == 200, checked.text
    assert checked.json()["status"] == "reconnect"
    assert checked.json()["status_reason"]
    fresh = await sandbox.account("mastodon", there["handle"])
    again = await connect(sandboxed_client, workspace, "mastodon", fresh["credentials"])
    assert again.status_code == 200, again.text
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["status"] == "connected"
    assert again.json()["status_reason"] is None


async def test_an_expired_token_is_renewed_by_the_check(
    sandboxed_client: httpx.AsyncClient, workspace: Tenant, sandbox: Sandbox, database: Database
) -> None:
    there = await sandbox.account("x")
    first = await connect(sandboxed_client, workspace, "x", there["credentials"])
    await sandbox.fault("x", "token_expired", account=there["account_id"])
    checked = await sandboxed_client.post(
        f"/v1/accounts/{first.json()['id']}/check", headers=workspace.headers
    )
    assert checked.status_code == 200, checked.text
    assert checked.json()["status"] == "connected"
    async with database.transaction() as session:
        assert (await session.scalars(select(AccountRow.credentials_version))).one() == 2


@pytest.mark.parametrize(
    ("kind", "status", "slug"),
    [("rate_limited", 503, "network-rate-limited"), ("answer", 502, "network-failed")],
)
async def test_a_network_in_trouble_is_not_the_callers_fault(
    sandboxed_client: httpx.AsyncClient,
    workspace: Tenant,
    sandbox: Sandbox,
    kind: str,
    status: int,
    slug: str,
) -> None:
    there = await sandbox.account("mastodon")
    first = await connect(sandboxed_client, workspace, "mastodon", there["credentials"])
    await sandbox.fault("mastodon", kind, account=there["account_id"], times=2)
    checked = await sandboxed_client.post(
        f"/v1/accounts/{first.json()['id']}/check", headers=workspace.headers
    )
    assert checked.status_code == status, checked.text
    assert checked.json()["type"] == f"/problems/{slug}"
    again = await connect(sandboxed_client, workspace, "mastodon", there["credentials"])
    assert again.status_code == status
    shown = await sandboxed_client.get(
        f"/v1/accounts/{first.json()['id']}", headers=workspace.headers
    )
    assert shown.json()["status"] == "connected"


async def test_a_network_that_is_away_is_a_503(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    credentials = {"page_id": "104512345678901", "access_token": "EAAG"}
    answer = await connect(client, workspace, "facebook", credentials)
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] == "/problems/network-unreachable"
    assert answer.headers["retry-after"]
