"""What callers read when something is wrong."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.problems import NotFound
from runtime.resources import Resources
from storage.database import Database
from tests.conftest import Tenant
from tests.free_port import free_port


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["type"].startswith("/problems/")
    return problem


async def test_an_address_that_is_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/nonsense")
    assert answer.status_code == 404
    assert "/v1/nonsense" in problem_of(answer)["detail"]


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/posts/", "/v1/feed/home/", "/v1/marketplace/listings/", "/v1/chat/conversations/"),
        *("/v1/admin/switches/", "/v1/users/me/", "/healthz/", "/docs/", "/v1/"),
    ],
)
async def test_a_slash_too_many_leads_nowhere(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Host": "elsewhere.example"})
    assert answer.status_code == 404, "a redirect would send whoever asks to the Host they named"
    assert "location" not in answer.headers
    assert path in problem_of(answer)["detail"]
    assert "elsewhere.example" not in answer.text


async def test_a_method_that_is_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1/workspace")
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert "DELETE" in problem_of(answer)["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'name': 1}",
        b'{"name": "caf\xe9"}',
        b'{"name": "x"} trailing',
        b"[" * 100_000,
        b'{"name": ' + b"9" * 5000 + b"}",
        b"\x00",
    ],
)
async def test_malformed_json_is_a_400(
    client: httpx.AsyncClient, workspace: Tenant, body: bytes
) -> None:
    headers = {**workspace.headers, "Content-Type": "application/json"}
    answer = await client.patch("/v1/workspace", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert problem_of(answer)["type"] == "/problems/malformed-body"


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "nonsense"])
async def test_a_body_that_is_not_called_json_is_told(
    client: httpx.AsyncClient, workspace: Tenant, content_type: str
) -> None:
    headers = {**workspace.headers, "Content-Type": content_type}
    answer = await client.patch("/v1/workspace", content=b'{"name": "x"}', headers=headers)
    assert answer.status_code == 422
    assert "Content-Type: application/json" in problem_of(answer)["errors"][0]["fix"]


@pytest.mark.parametrize("text", ["\u0000", "\ud800", "a\u0007"])
async def test_text_that_cannot_be_kept_is_a_422(
    client: httpx.AsyncClient, workspace: Tenant, text: str
) -> None:
    headers = {**workspace.headers, "Content-Type": "application/json"}
    answer = await client.patch(
        "/v1/workspace", content=json.dumps({"name": text}), headers=headers
    )
    assert answer.status_code == 422
    assert problem_of(answer)["errors"][0]["field"] == "name"


async def test_what_the_database_cannot_keep_is_a_422(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    @app.get("/nul")
    async def keep_nul() -> None:
        async with database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("SELECT $1::text", ("\u0000",))

    answer = await client.get("/nul")
    assert answer.status_code == 422, answer.text
    assert problem_of(answer)["errors"][0]["rule"] == "unstorable_text"


async def test_a_large_body_is_refused(client: httpx.AsyncClient, workspace: Tenant) -> None:
    answer = await client.patch(
        "/v1/workspace", json={"name": "x" * 2_000_000}, headers=workspace.headers
    )
    assert answer.status_code == 413
    assert problem_of(answer)["errors"][0]["limit"] == 1024 * 1024


async def test_a_body_that_turns_out_large_is_refused(
    client: httpx.AsyncClient, workspace: Tenant
) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 65536

    answer = await client.patch(
        "/v1/workspace",
        content=endless(),
        headers={**workspace.headers, "Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert problem_of(answer)["type"] == "/problems/too-large"


async def test_a_fault_of_ours_tells_nothing_but_its_id(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    @app.get("/fault")
    async def fault() -> None:
        raise RuntimeError("the password is hunter2")

    answer = await client.get("/fault")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert problem_of(answer)["type"] == "/problems/unexpected"


async def test_a_problem_raised_anywhere_is_answered(
    app: FastAPI, client: httpx.AsyncClient, workspace: Tenant
) -> None:
    @app.get("/missing")
    async def missing() -> None:
        raise NotFound("post", workspace.id)

    answer = await client.get("/missing")
    assert answer.status_code == 404
    assert problem_of(answer)["detail"] == f"There is no post {workspace.id} in this workspace."


async def test_without_its_database_the_api_says_when_to_come_back(
    app: FastAPI, client: httpx.AsyncClient, resources: Resources, workspace: Tenant
) -> None:
    away = Database(f"postgresql://postgres@127.0.0.1:{free_port()}/gone")
    app.state.resources = type(resources)(**{**vars(resources), "database": away})
    answer = await client.get("/v1/workspace", headers=workspace.headers)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "database" in problem_of(answer)["detail"]
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert problem_of(ready)["type"] == "/problems/not-ready"
    assert (await client.get("/healthz")).status_code == 200
    await away.close()


async def test_a_working_api_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok"}
