"""What Prometheus reads from the API, where a setting allows it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from runtime.resources import open_resources
from runtime.settings import Settings
from tests.conftest import API_BASE_URL, Tenant


@pytest.fixture
async def measured(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that counts."""
    counting = settings.model_copy(update={"metrics_enabled": True})
    async with open_resources(counting) as resources:
        app = create_app(counting)
        app.state.resources = resources
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
            yield client


async def count(client: httpx.AsyncClient, **labels: str) -> float:
    """How many requests were answered so."""
    wanted = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    start = f"punctual_request_seconds_count{{{wanted}}} "
    lines = [line for line in answer.text.splitlines() if line.startswith(start)]
    return float(lines[0].removeprefix(start)) if lines else 0


async def test_without_the_setting_there_are_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 404


async def test_requests_are_counted_by_route_and_status(
    measured: httpx.AsyncClient, workspace: Tenant
) -> None:
    for _ in range(2):
        await measured.get(f"/v1/posts/{uuid4()}", headers=workspace.headers)
    await measured.get("/v1/posts", headers=workspace.headers)
    await measured.get("/v1/posts")
    of_posts = {"method": "GET", "route": "/v1/posts"}
    one_post = {"method": "GET", "route": "/v1/posts/{post_id}"}
    assert await count(measured, **one_post, status="404") == 2
    assert await count(measured, **of_posts, status="200") == 1
    assert await count(measured, **of_posts, status="401") == 1


async def test_what_anybody_makes_up_makes_no_series(measured: httpx.AsyncClient) -> None:
    for number in range(3):
        await measured.get(f"/made/up/{number}")
        await measured.request(f"MADE{number}", "/healthz")
    assert await count(measured, method="GET", route="none", status="404") == 3
    text = (await measured.get("/metrics")).text
    assert "made" not in text.lower()
    assert 'method="other"' in text


async def test_nothing_of_it_is_in_the_description(measured: httpx.AsyncClient) -> None:
    assert "/metrics" not in (await measured.get("/openapi.json")).json()["paths"]
