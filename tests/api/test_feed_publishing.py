"""Posts that people write here, and pages that workspaces write for."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from runtime.resources import Resources
from tests.api.conftest import NewPerson, Picture
from tests.api.feed_actors import Reader, told
from tests.api.market_actors import making_images, until_made
from tests.conftest import Tenant

NOBODY = UUID("8f14e45f-ceea-467f-8b5a-1d0b3c7d9e21")
"""Whose id nothing has; a fixed one, so that every process names its tests alike."""


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who writes."""
    return Reader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Somebody else."""
    return Reader(client, await new_user("bob"))


async def upload(reader: Reader, content: bytes, alt_text: str = "A loaf") -> dict[str, Any]:
    """A picture of the reader's own."""
    assert reader.person is not None
    answer = await reader.client.post(
        "/v1/users/me/media",
        headers=reader.person.headers,
        files={"file": ("bread.png", content)},
        data={"alt_text": alt_text},
    )
    shown: dict[str, Any] = told(answer, 201)
    return shown


async def test_a_post_is_public_at_once(ada: Reader, client: httpx.AsyncClient) -> None:
    answer = await ada.ask("POST", "posts", json={"text": "Bread 🥖\nat seven."})
    post = told(answer, 201)
    assert answer.headers["Location"] == f"/v1/feed/posts/{post['id']}"
    seen = told(await client.get(answer.headers["Location"]))
    assert seen == {**post, "marks": None}
    assert (seen["text"], seen["author"]["id"]) == ("Bread 🥖\nat seven.", ada.id)
    assert seen["account_id"] is None


async def test_the_same_key_publishes_once(ada: Reader, bob: Reader) -> None:
    async def send(reader: Reader, text: str) -> httpx.Response:
        headers = {"Idempotency-Key": "morning"}
        return await reader.ask("POST", "posts", json={"text": text}, headers=headers)

    first, again = told(await send(ada, "Bread."), 201), told(await send(ada, "Bread."), 201)
    assert again == first
    assert told(await send(ada, "Rolls."), 422)["type"] == "/problems/idempotency-key-reused"
    assert told(await send(bob, "Bread."), 201)["id"] != first["id"]
    assert await ada.texts(f"users/{ada.id}/posts") == ["Bread."]
    await ada.drop(f"posts/{first['id']}")
    told(await send(ada, "Bread."), 404)  # it was published, and is gone


async def test_ones_own_pictures_go_with_a_post(
    ada: Reader,
    bob: Reader,
    picture: Picture,
    client: httpx.AsyncClient,
    resources: Resources,
) -> None:
    own = await upload(ada, picture())
    media = [{"media_id": own["id"]}]
    post = await ada.get(f"posts/{await ada.publish('', media=media)}")
    assert [(one["media_id"], one["alt_text"]) for one in post["media"]] == [(own["id"], "A loaf")]
    async with making_images(resources):
        shown = await until_made(client, post["media"][0]["urls"]["small"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    renamed = [{"media_id": own["id"], "alt_text": "Another"}]
    post = await ada.get(f"posts/{await ada.publish('Look.', media=renamed)}")
    assert post["media"][0]["alt_text"] == "Another"
    refused = told(await bob.ask("POST", "posts", json={"text": "Mine!", "media": media}), 422)
    assert refused["errors"][0]["field"] == "media[0].media_id"


async def test_pictures_are_listed_for_their_owner_alone(
    ada: Reader, bob: Reader, picture: Picture, workspace: Tenant
) -> None:
    own = await upload(ada, picture())
    for reader, expected in ((ada, [own["id"]]), (bob, [])):
        assert reader.person is not None
        answer = await reader.client.get("/v1/users/me/media", headers=reader.person.headers)
        assert [one["id"] for one in told(answer)["items"]] == expected
    answer = await ada.client.get(f"/v1/media/{own['id']}", headers=workspace.headers)
    told(answer, 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": " "}, "text"),
        ({"text": "a" * 5001}, "text"),
        ({"text": "a\u0000"}, "text"),
        ({"text": "a", "media": [{"media_id": str(uuid4())}]}, "media[0].media_id"),
        ({"text": "a", "media": [{"media_id": "1"}]}, "media[0].media_id"),
        ({"text": "a", "media": [{"media_id": str(uuid4())}] * 11}, "media"),
        ({"text": "a", "author_id": str(uuid4())}, "author_id"),
    ],
)
async def test_a_wrong_post_is_told_by_field(body: dict[str, Any], field: str, ada: Reader) -> None:
    problem = told(await ada.ask("POST", "posts", json=body), 422)
    assert problem["errors"][0]["field"] == field


async def test_a_script_is_a_text_like_any_other(ada: Reader) -> None:
    script = "<script>alert('hi')</script>"
    answer = await ada.ask("GET", f"posts/{await ada.publish(script)}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["text"] == script


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "posts"),
        ("DELETE", f"posts/{NOBODY}/like"),
        ("PUT", f"posts/{NOBODY}/like"),
        ("POST", f"posts/{NOBODY}/comments"),
        ("PUT", f"users/{NOBODY}/follow"),
        ("GET", "bookmarks"),
        ("GET", "blocks"),
    ],
)
async def test_writing_wants_somebody_who_signed_in(
    method: str, path: str, client: httpx.AsyncClient, workspace: Tenant
) -> None:
    told(await Reader(client, None).ask(method, path, json={"text": "a"}), 401)
    key = await client.request(method, f"/v1/feed/{path}", headers=workspace.headers)
    told(key, 401)


async def connect(client: httpx.AsyncClient, tenant: Tenant, handle: str) -> httpx.Response:
    """Connect a page of the feed."""
    body = {"network": "feed", "credentials": {"handle": handle}}
    return await client.post("/v1/accounts", json=body, headers=tenant.headers)


async def test_a_page_belongs_to_the_workspace_that_connected_it(
    ada: Reader, client: httpx.AsyncClient, workspace: Tenant, other_workspace: Tenant
) -> None:
    account = told(await connect(client, workspace, "Bakery"), 201)
    profile = await ada.get("profiles/bakery")
    assert (account["remote_id"], account["handle"]) == (profile["id"], "Bakery")
    for tenant, handle in ((other_workspace, "bakery"), (workspace, "ADA")):
        problem = told(await connect(client, tenant, handle), 409)
        assert problem["errors"][0]["field"] == "credentials.handle"
    again = told(await connect(client, workspace, "bakery"))
    assert again["id"] == account["id"]
    path = f"/v1/accounts/{account['id']}"
    assert (await client.delete(path, headers=workspace.headers)).status_code == 204
    told(await connect(client, other_workspace, "bakery"), 409)
    anew = told(await connect(client, workspace, "bakery"), 201)
    assert anew["remote_id"] == account["remote_id"]
