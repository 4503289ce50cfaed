"""One log line a request: enough to find it, nothing that is secret."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from api.app import create_app
from runtime.resources import Resources
from runtime.settings import Settings
from tests.api.conftest import Person, Picture, Upload
from tests.conftest import Tenant

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def logged() -> Iterator[Lines]:
    processors = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=processors) as entries:
        yield entries


async def test_a_request_is_one_line_with_the_route_and_the_workspace(
    client: httpx.AsyncClient, workspace: Tenant, logged: Lines
) -> None:
    answer = await client.delete(f"/v1/accounts/{workspace.id}", headers=workspace.headers)
    (line,) = logged
    assert line["event"] == "request"
    assert line["method"] == "DELETE"
    assert line["route"] == "/v1/accounts/{account_id}"
    assert line["status"] == 404
    assert line["ms"] > 0
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["workspace_id"] == str(workspace.id)


async def test_the_line_names_the_user_who_signed_in(
    client: httpx.AsyncClient, user: Person, logged: Lines
) -> None:
    await client.get("/v1/notifications/unread", headers=user.headers)
    await client.get("/v1/notifications/unread")
    signed_in, refused = (line for line in logged if line["event"] == "request")
    assert (signed_in["status"], signed_in["user_id"]) == (200, str(user.user_id))
    assert refused["status"] == 401
    assert "user_id" not in refused
    assert user.access_token not in repr(logged)


async def test_no_secret_and_no_text_is_logged(
    client: httpx.AsyncClient,
    upload: Upload,
    workspace: Tenant,
    picture: Picture,
    logged: Lines,
) -> None:
    media = (await upload(workspace, picture(), alt_text="a surprise party")).json()
    await client.get(media["url"])
    await client.post(
        "/v1/accounts",
        json={"network": "x", "credentials": {"access_token": "hunter2"}},
        headers=workspace.headers,
    )
    written = repr(logged)
    assert len(logged) >= 3
    for secret in (workspace.api_key[16:], "hunter2", "signature=", "surprise"):
        assert secret not in written


async def test_a_fault_is_logged_with_its_place_and_not_its_words(
    app: FastAPI, client: httpx.AsyncClient, logged: Lines
) -> None:
    @app.get("/fault")
    async def fault() -> None:
        raise RuntimeError("the password is hunter2")

    answer = await client.get("/fault")
    found = next(line for line in logged if line["log_level"] == "error")
    assert found["error"] == "RuntimeError"
    assert "fault" in found["frames"][-1]
    assert found["request_id"] == answer.headers["x-request-id"]
    assert "hunter2" not in repr(logged)


async def test_a_sane_request_id_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"X-Request-ID": "trace-1234.abcd"})
    assert answer.headers["x-request-id"] == "trace-1234.abcd"


@pytest.mark.parametrize("offered", ["", "short", "x" * 65, "two words!", 'quote"quote"', "ü" * 9])
async def test_another_request_id_is_replaced(client: httpx.AsyncClient, offered: str) -> None:
    answer = await client.get("/healthz", headers={b"X-Request-ID": offered.encode()})
    assert answer.headers["x-request-id"] != offered
    assert len(answer.headers["x-request-id"]) == 32


async def test_health_checks_are_not_logged(client: httpx.AsyncClient, logged: Lines) -> None:
    await client.get("/healthz")
    await client.get("/readyz")
    assert logged == []


async def test_request_logs_can_be_switched_off(
    settings: Settings, resources: Resources, logged: Lines
) -> None:
    app = create_app(settings.model_copy(update={"request_logging_enabled": False}))
    app.state.resources = resources
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        answer = await client.get("/v1/workspace")
    assert answer.status_code == 401
    assert logged == []


async def test_every_answer_has_the_headers_that_browsers_need(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/nowhere", "/v1/workspace"):
        answer = await client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
