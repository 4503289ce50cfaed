"""Workspaces, API keys, and who is let in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update

from storage.database import Database
from storage.tables import ApiKeyRow, WorkspaceRow
from tests.conftest import Tenant


async def new_key(client: httpx.AsyncClient, by: Tenant, *scopes: str) -> dict[str, str]:
    body = {"name": "Website", "scopes": list(scopes)}
    answer = await client.post("/v1/api-keys", json=body, headers=by.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_key_shows_its_workspace(client: httpx.AsyncClient, workspace: Tenant) -> None:
    answer = await client.get("/v1/workspace", headers=workspace.headers)
    assert answer.status_code == 200
    assert answer.json()["id"] == str(workspace.id)
    assert answer.json()["name"] == "Corner bakery"


async def test_a_workspace_is_renamed(client: httpx.AsyncClient, workspace: Tenant) -> None:
    renamed = await client.patch(
        "/v1/workspace", json={"name": "  Big bakery "}, headers=workspace.headers
    )
    assert renamed.json()["name"] == "Big bakery"
    answer = await client.get("/v1/workspace", headers=workspace.headers)
    assert answer.json()["name"] == "Big bakery"


async def test_a_workspace_says_what_happens_to_sends_of_unknown_fate(
    client: httpx.AsyncClient, workspace: Tenant, other_workspace: Tenant, database: Database
) -> None:
    async def stored() -> dict[UUID, str]:
        async with database.transaction() as session:
            rows = await session.execute(select(WorkspaceRow.id, WorkspaceRow.ambiguity_policy))
            return {workspace_id: str(policy) for workspace_id, policy in rows}

    first = await client.get("/v1/workspace", headers=workspace.headers)
    assert first.json()["ambiguity_policy"] == "hold"
    changed = await client.patch(
        "/v1/workspace", json={"ambiguity_policy": "resend"}, headers=workspace.headers
    )
    assert changed.json() == {**first.json(), "ambiguity_policy": "resend"}
    assert await stored() == {workspace.id: "resend", other_workspace.id: "hold"}
    for untouched in ({"name": "Big bakery"}, {"ambiguity_policy": None}, {}):
        kept = await client.patch("/v1/workspace", json=untouched, headers=workspace.headers)
        assert kept.status_code == 200, kept.text
        assert kept.json()["ambiguity_policy"] == "resend"
    shown = await client.get("/v1/workspace", headers=workspace.headers)
    assert shown.json() == kept.json()


@pytest.mark.parametrize("policy", ["resnd", "HOLD", "", 1, ["hold"]])
async def test_there_is_no_other_policy(
    client: httpx.AsyncClient, workspace: Tenant, policy: object
) -> None:
    answer = await client.patch(
        "/v1/workspace", json={"ambiguity_policy": policy}, headers=workspace.headers
    )
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "ambiguity_policy"
    assert error["message"]
    assert error["fix"]
    shown = await client.get("/v1/workspace", headers=workspace.headers)
    assert shown.json()["ambiguity_policy"] == "hold"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Bearer pk_{'a' * 12}_{'b' * 43}"},
        {"Authorization": b"Bearer pk_\xff\xfe"},
    ],
)
async def test_strangers_are_told_how_to_come_in(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.get("/v1/workspace", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "/problems/unauthorized"


async def test_a_known_prefix_with_another_secret_is_nobody(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    wrong = workspace.api_key[:-43] + "x" * 43
    answer = await client.get("/v1/workspace", headers=bearer(wrong))
    assert answer.status_code == 401
    assert answer.json()["detail"] == "There is no such API key."


async def test_a_new_key_is_shown_once_and_works(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    made = await new_key(client, workspace, "posts:read")
    assert made["api_key"].startswith(made["prefix"] + "_")
    answer = await client.get("/v1/workspace", headers=bearer(made["api_key"]))
    assert answer.status_code == 200
    listed = await client.get("/v1/api-keys", headers=workspace.headers)
    assert made["api_key"] not in listed.text
    assert [key["name"] for key in listed.json()["items"]] == ["Website", "First key"]


async def test_a_scope_that_is_missing_is_named(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    made = await new_key(client, workspace, "posts:read")
    answer = await client.get("/v1/accounts", headers=bearer(made["api_key"]))
    assert answer.status_code == 403
    assert "accounts:read" in answer.json()["detail"]


async def test_nobody_gives_what_they_lack(client: httpx.AsyncClient, workspace: Tenant) -> None:
    made = await new_key(client, workspace, "keys:write", "posts:read")
    answer = await client.post(
        "/v1/api-keys",
        json={"name": "More", "scopes": ["posts:read", "posts:write"]},
        headers=bearer(made["api_key"]),
    )
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["field"] == "scopes"
    assert "posts:write" in answer.json()["errors"][0]["message"]


async def test_a_revoked_key_is_worth_nothing(client: httpx.AsyncClient, workspace: Tenant) -> None:
    made = await new_key(client, workspace, "posts:read")
    for _ in range(2):
        revoked = await client.delete(f"/v1/api-keys/{made['id']}", headers=workspace.headers)
        assert revoked.status_code == 204
    answer = await client.get("/v1/workspace", headers=bearer(made["api_key"]))
    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]
    listed = await client.get("/v1/api-keys", headers=workspace.headers)
    assert listed.json()["items"][0]["revoked_at"] is not None


async def test_another_workspaces_key_is_not_there(
    client: httpx.AsyncClient, workspace: Tenant, other_workspace: Tenant
) -> None:
    made = await new_key(client, workspace, "posts:read")
    answer = await client.delete(f"/v1/api-keys/{made['id']}", headers=other_workspace.headers)
    assert answer.status_code == 404
    still = await client.get("/v1/workspace", headers=bearer(made["api_key"]))
    assert still.status_code == 200
    missing = await client.delete(f"/v1/api-keys/{uuid4()}", headers=workspace.headers)
    assert missing.status_code == 404


async def test_last_use_is_noted_once_a_minute(
    client: httpx.AsyncClient, database: Database, workspace: Tenant
) -> None:
    async def last_use() -> datetime:
        answer = await client.get("/v1/api-keys", headers=workspace.headers)
        return datetime.fromisoformat(answer.json()["items"][0]["last_used_at"])

    first = await last_use()
    assert datetime.now(UTC) - first < timedelta(minutes=1)
    assert await last_use() == first
    async with database.transaction() as session:
        await session.execute(
            update(ApiKeyRow).values(last_used_at=ApiKeyRow.last_used_at - timedelta(seconds=61))
        )
    assert await last_use() > first


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "", "scopes": ["posts:read"]}, "name"),
        ({"name": "x" * 101, "scopes": ["posts:read"]}, "name"),
        ({"name": "a\nb", "scopes": ["posts:read"]}, "name"),
        ({"name": "a\u0000b", "scopes": ["posts:read"]}, "name"),
        ({"name": "Website"}, "scopes"),
        ({"name": "Website", "scopes": []}, "scopes"),
        ({"name": "Website", "scopes": "posts:read"}, "scopes"),
        ({"name": "Website", "scopes": ["posts:eat"]}, "scopes[0]"),
        ({"name": "Website", "scopes": ["posts:read"], "admin": True}, "admin"),
        ([], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
async def test_a_wrong_body_is_told_by_field(
    client: httpx.AsyncClient, workspace: Tenant, body: object, field: str
) -> None:
    answer = await client.post("/v1/api-keys", json=body, headers=workspace.headers)
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert error["field"] == field
    assert error["message"]
    assert error["fix"]
