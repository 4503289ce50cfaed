"""The built-in network as the public sees it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.content import PartKind
from domain.networks import Network
from domain.receipts import Receipt
from networks.feed import FeedPosts
from networks.protocol import MediaFile, Outgoing, Piece, Target
from runtime.resources import FeedTable, Resources
from storage.database import Database
from tests.api.market_actors import making_images, until_made
from tests.api.test_posts_actors import Author, accepted, problem, refused
from tests.conftest import API_BASE_URL, Tenant


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


async def publish(
    database: Database, account_id: str, text: str, media: tuple[MediaFile, ...] = ()
) -> Receipt:
    """Put a post on the feed, as a worker does."""
    adapter = FeedPosts(FeedTable(database), public_base_url=API_BASE_URL)
    target = Target(account_id=UUID(account_id), remote_id="1", handle="bakery", credentials={})
    outgoing = Outgoing(
        attempt_id=uuid4(),
        started_at=datetime.now(UTC),
        piece=Piece(index=0, kind=PartKind.POST, text=text, media=media),
        prepared={},
        evidence={},
    )
    return await adapter.send(target, outgoing)


async def unread() -> bytes:
    """The feed keeps a picture's id and asks for no bytes."""
    raise AssertionError


async def public(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    """What somebody without a key reads."""
    return accepted(await client.get(f"/v1/feed/{path}", params=query))


async def test_the_permalink_shows_the_post_to_everybody(
    author: Author, client: httpx.AsyncClient, database: Database
) -> None:
    account = await author.connect(Network.FEED, "bakery")
    before = datetime.now(UTC)
    receipt = await publish(database, account, "Bread 🥖\nat seven.")
    assert receipt.permalink is not None
    told = accepted(await client.get(receipt.permalink))
    assert before <= datetime.fromisoformat(told.pop("published_at")) <= datetime.now(UTC)
    assert told.pop("author")["handle"] == "bakery"
    assert told == {
        "id": receipt.remote_id,
        "account_id": account,
        "text": "Bread 🥖\nat seven.",
        "media": [],
        "like_count": 0,
        "comment_count": 0,
        "repost_count": 0,
        "marks": None,
    }


async def test_a_picture_comes_with_its_description_and_links_that_work(
    author: Author, client: httpx.AsyncClient, database: Database, resources: Resources
) -> None:
    account, bread = await author.connect(Network.FEED), await author.upload()
    file = MediaFile(
        media_id=UUID(bread),
        content_type="image/jpeg",
        size=1,
        width=640,
        height=640,
        alt_text="A loaf",
        public_url="",
        read=unread,
    )
    receipt = await publish(database, account, "Bread.", (file,))
    [item] = (await public(client, f"posts/{receipt.remote_id}"))["media"]
    assert (item["media_id"], item["alt_text"]) == (bread, "A loaf")
    assert (await client.get(item["urls"]["large"])).headers["retry-after"] == "1"
    async with making_images(resources):
        for url in item["urls"].values():
            shown = await until_made(client, url)
            assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")


async def test_a_profile_lists_its_own_posts_newest_first_in_pages(
    author: Author, client: httpx.AsyncClient, database: Database
) -> None:
    account, other = await author.connect(Network.FEED), await author.connect(Network.FEED)
    for word in ("one", "two", "three"):
        await publish(database, account, word)
        await publish(database, other, "other")
    path = f"accounts/{account}/posts"
    first = await public(client, path, limit=2)
    assert [item["text"] for item in first["items"]] == ["three", "two"]
    await publish(database, account, "added meanwhile")
    rest = await public(client, path, limit=2, cursor=first["next_cursor"])
    assert [item["text"] for item in rest["items"]] == ["one"]
    assert rest["next_cursor"] is None


async def test_nothing_but_the_public_post_is_told(
    author: Author, client: httpx.AsyncClient, database: Database
) -> None:
    receipt = await publish(database, await author.connect(Network.FEED), "Bread.")
    answer = await client.get(f"/v1/feed/posts/{receipt.remote_id}")
    assert str(author.tenant.id) not in answer.text
    assert "publish_key" not in answer.text


async def test_a_scheduled_post_is_not_public_yet(
    author: Author, client: httpx.AsyncClient
) -> None:
    account = await author.connect(Network.FEED)
    post = await author.schedule(account)
    for wanted in (post["id"], post["deliveries"][0]["id"]):
        problem(await client.get(f"/v1/feed/posts/{wanted}"), 404)
    assert (await public(client, f"accounts/{account}/posts"))["items"] == []


async def test_what_is_not_there_or_cannot_be_asked_for_is_said_so(
    client: httpx.AsyncClient,
) -> None:
    nobodys = uuid4()
    assert str(nobodys) in problem(await client.get(f"/v1/feed/posts/{nobodys}"), 404)["detail"]
    assert await public(client, f"accounts/{nobodys}/posts") == {"items": [], "next_cursor": None}
    refused(await client.get("/v1/feed/posts/first"), "feed_post_id", "uuid_parsing")
    path = f"/v1/feed/accounts/{nobodys}/posts"
    refused(await client.get(path, params={"limit": 10**9}), "limit", "less_than_equal")
    refused(await client.get(path, params={"cursor": "made up"}), "cursor", "unknown_cursor")
