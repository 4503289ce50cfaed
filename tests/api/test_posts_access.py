"""Posts are their workspace's alone, and a key does only what it may."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.networks import Network
from storage.database import Database
from tests.api.test_posts_actors import TOMORROW, Author, accepted, problem, refused
from tests.conftest import Tenant

NOBODYS = "0198c5e0-f3a8-7c2b-8d6a-1f0e5b7c9d11"

READS = [
    ("GET", "/v1/posts"),
    ("GET", "/v1/posts/{post}"),
    ("GET", "/v1/posts/{post}/timeline"),
    ("GET", "/v1/deliveries/{delivery}"),
    ("POST", "/v1/posts/validate"),
]
WRITES = [
    ("POST", "/v1/posts"),
    ("PATCH", "/v1/posts/{post}"),
    ("POST", "/v1/posts/{post}/publish-now"),
    ("POST", "/v1/posts/{post}/cancel"),
    ("POST", "/v1/deliveries/{delivery}/cancel"),
    ("POST", "/v1/deliveries/{delivery}/retry"),
    ("POST", "/v1/deliveries/{delivery}/resolve"),
]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/posts": {"text": "Cake."},
    "/v1/posts/validate": {"text": "Cake."},
    "/v1/posts/{post}": {"text": "Cake."},
    "/v1/deliveries/{delivery}/resolve": {"outcome": "send_again"},
}


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
def rival(client: httpx.AsyncClient, database: Database, other_workspace: Tenant) -> Author:
    """Writes for another workspace."""
    return Author(client, database, other_workspace)


@pytest.fixture
async def post(author: Author) -> dict[str, Any]:
    """A post of the workspace."""
    return await author.schedule(await author.connect(Network.FEED))


async def ask(
    author: Author, post: dict[str, Any], method: str, path: str, key: str | None = None
) -> httpx.Response:
    """A request about that post and its delivery, with the author's key or that one."""
    delivery = post["deliveries"][0]["id"]
    headers = {"If-Match": '"1"'} | ({"Authorization": f"Bearer {key}"} if key else {})
    return await author.ask(
        method,
        path.format(post=post["id"], delivery=delivery),
        headers=headers,
        json=BODIES.get(path) if method != "GET" else None,
    )


async def key_with(author: Author, *scopes: str) -> str:
    body = {"name": "Narrow", "scopes": scopes}
    made = accepted(await author.ask("POST", "/v1/api-keys", json=body))
    key: str = made["api_key"]
    return key


async def test_a_key_that_reads_cannot_write(author: Author, post: dict[str, Any]) -> None:
    key = await key_with(author, "posts:read", "accounts:write", "media:write")
    before = await author.ledger.counts()
    for method, path in READS:
        assert (await ask(author, post, method, path, key)).is_success, path
    for method, path in WRITES:
        assert "posts:write" in problem(await ask(author, post, method, path, key), 403)["detail"]
    assert await author.ledger.counts() == before


async def test_a_key_that_writes_cannot_read(author: Author, post: dict[str, Any]) -> None:
    key = await key_with(author, "posts:write")
    for method, path in READS:
        assert "posts:read" in problem(await ask(author, post, method, path, key), 403)["detail"]
    assert (await ask(author, post, "PATCH", "/v1/posts/{post}", key)).is_success


@pytest.mark.parametrize("key", ["", "pk_aaaaaaaaaaaa_" + "a" * 43, "secret"])
async def test_without_a_good_key_nothing_is_told(
    author: Author, post: dict[str, Any], key: str
) -> None:
    for method, path in READS + WRITES:
        answer = await ask(author, post, method, path, key or " ")
        problem(answer, 401)
        assert post["id"] not in answer.text


async def test_anothers_posts_and_deliveries_are_not_there(
    author: Author, rival: Author, post: dict[str, Any]
) -> None:
    before = await author.ledger.counts()
    for method, path in READS + WRITES:
        if "{" not in path:
            continue
        told = problem(await ask(rival, post, method, path), 404)
        missing = post["deliveries"][0]["id"] if "deliveries" in path else post["id"]
        assert missing in told["detail"]
    assert await author.show(post["id"]) == post
    assert await author.ledger.counts() == before


async def test_what_never_was_is_answered_like_what_is_anothers(
    author: Author, rival: Author, post: dict[str, Any]
) -> None:
    theirs = problem(await rival.ask("GET", f"/v1/posts/{post['id']}"), 404)
    nobodys = problem(await rival.ask("GET", f"/v1/posts/{NOBODYS}"), 404)
    assert nobodys["detail"] == theirs["detail"].replace(post["id"], NOBODYS)
    assert nobodys["title"] == theirs["title"]


async def test_lists_show_ones_own_posts_only(
    author: Author, rival: Author, post: dict[str, Any]
) -> None:
    account = post["deliveries"][0]["account_id"]
    for query in ({}, {"network": "feed"}, {"account_id": account}, {"status": "scheduled"}):
        assert accepted(await rival.ask("GET", "/v1/posts", params=query))["items"] == []


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/posts/validate"])
async def test_anothers_account_is_unknown_as_a_target(
    author: Author, rival: Author, path: str
) -> None:
    own, anothers = await author.connect(Network.FEED), await rival.connect(Network.FEED)
    body = {"text": "Bread.", "targets": [own, anothers], "publish_at": TOMORROW.isoformat()}
    error = refused(await author.ask("POST", path, json=body), "targets[1]", "unknown_account")
    assert "GET /v1/accounts" in error["fix"]
    assert set((await author.ledger.counts()).values()) == {0}


@pytest.mark.parametrize(
    "field",
    [
        "media[1].media_id",
        "thread[0].media[0].media_id",
        "variants.x.media[0].media_id",
        "variants.mastodon.thread[1].media[0].media_id",
    ],
)
async def test_anothers_media_are_unknown_wherever_they_are_named(
    author: Author, rival: Author, field: str
) -> None:
    own, anothers = {"media_id": await author.upload()}, {"media_id": await rival.upload()}
    body = {
        "text": "Bread.",
        "media": [own, anothers if field.startswith("media") else own],
        "thread": [{"media": [anothers if field.startswith("thread") else own]}],
        "variants": {
            "x": {"media": [anothers if ".x." in field else own]},
            "mastodon": {
                "thread": [{"text": "a"}, {"media": [anothers if ".mastodon." in field else own]}]
            },
        },
    }
    draft = await author.draft()
    before = await author.ledger.counts()
    answers = [
        await author.create(body),
        await author.ask("POST", "/v1/posts/validate", json=body),
        await author.change(draft, **body),
    ]
    for answer in answers:
        error = refused(answer, field, "unknown_media")
        assert anothers["media_id"] in error["message"]
    assert await author.ledger.counts() == before


async def test_a_change_cannot_bring_in_anothers_account(
    author: Author, rival: Author, post: dict[str, Any]
) -> None:
    anothers = await rival.connect(Network.FEED)
    refused(await author.change(post, targets=[anothers]), "targets[0]", "unknown_account")
    assert await author.show(post["id"]) == post


async def test_the_key_that_wrote_a_revision_is_kept_with_it(
    author: Author, post: dict[str, Any]
) -> None:
    made = accepted(
        await author.ask("POST", "/v1/api-keys", json={"name": "B", "scopes": ["posts:write"]})
    )
    await ask(author, post, "PATCH", "/v1/posts/{post}", made["api_key"])
    first, second = await author.ledger.rows("post_revisions")
    assert first["created_by"] != second["created_by"] == UUID(made["id"])
