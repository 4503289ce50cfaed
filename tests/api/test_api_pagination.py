"""Lists in pages."""

from uuid import UUID

import httpx
import pytest

from api.pagination import encode_cursor
from domain.ids import new_id
from tests.conftest import Tenant

NOBODY = UUID("8f14e45f-ceea-467f-8b5a-1d0b3c7d9e21")
"""Whose id nothing has; a fixed one, so that every process names its tests alike."""


async def make_keys(client: httpx.AsyncClient, tenant: Tenant, count: int) -> None:
    for number in range(count):
        body = {"name": f"Key {number}", "scopes": ["posts:read"]}
        answer = await client.post("/v1/api-keys", json=body, headers=tenant.headers)
        assert answer.status_code == 201


async def test_pages_follow_each_other_without_gap_or_repetition(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    await make_keys(client, workspace, 4)
    names: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        answer = await client.get("/v1/api-keys", params=query, headers=workspace.headers)
        page = answer.json()
        names += [key["name"] for key in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
        await make_keys(client, workspace, 1)  # what is new does not move what follows
    assert names == ["Key 3", "Key 2", "Key 1", "Key 0", "First key"]


async def test_a_full_last_page_promises_nothing(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    await make_keys(client, workspace, 1)
    answer = await client.get("/v1/api-keys?limit=2", headers=workspace.headers)
    assert len(answer.json()["items"]) == 2
    assert answer.json()["next_cursor"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1000000", "9" * 30, "many", ""])
async def test_a_wrong_page_size_is_told(
    client: httpx.AsyncClient, workspace: Tenant, limit: str
) -> None:
    answer = await client.get("/v1/api-keys", params={"limit": limit}, headers=workspace.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "limit"


async def test_a_huge_page_size_names_the_limit(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    answer = await client.get("/v1/api-keys?limit=5000", headers=workspace.headers)
    error = answer.json()["errors"][0]
    assert error["limit"] == 100
    assert error["fix"] == "Use at most 100."


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!", "AAAA", "ü", "a" * 65, encode_cursor(NOBODY), str(NOBODY), "\u0000"],
)
async def test_a_made_up_cursor_is_refused(
    client: httpx.AsyncClient, workspace: Tenant, cursor: str
) -> None:
    answer = await client.get("/v1/api-keys", params={"cursor": cursor}, headers=workspace.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


async def test_a_cursor_older_than_everything_gives_an_empty_page(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    newest = await client.get(
        "/v1/api-keys", params={"cursor": encode_cursor(new_id())}, headers=workspace.headers
    )
    assert len(newest.json()["items"]) == 1
    last = encode_cursor(new_id().__class__(newest.json()["items"][0]["id"]))
    beyond = await client.get("/v1/api-keys", params={"cursor": last}, headers=workspace.headers)
    assert beyond.json() == {"items": [], "next_cursor": None}
