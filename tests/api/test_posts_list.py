"""A workspace's posts in pages, and one post's events in order."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.networks import Network
from storage.database import Database
from tests.api.test_posts_actors import (
    TOMORROW,
    Author,
    PublishingWorker,
    accepted,
    problem,
    refused,
)
from tests.conftest import Tenant


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
def worker(database: Database) -> PublishingWorker:
    """Publishes meanwhile."""
    return PublishingWorker(database)


async def listed(author: Author, **query: Any) -> dict[str, Any]:
    """One page of the workspace's posts."""
    return accepted(await author.ask("GET", "/v1/posts", params=query))


async def texts(author: Author, **query: Any) -> list[str]:
    """What the posts of a page say."""
    return [item["text"] for item in (await listed(author, **query))["items"]]


async def test_an_empty_workspace_has_an_empty_list(author: Author) -> None:
    assert await listed(author) == {"items": [], "next_cursor": None}


async def test_posts_are_listed_newest_first_as_they_are_shown_alone(author: Author) -> None:
    feed = await author.connect(Network.FEED)
    posts = [await author.schedule(feed, text=word) for word in ("Bread.", "Rolls.", "Cake.")]
    assert (await listed(author))["items"] == list(reversed(posts))


async def test_a_page_has_25_items_unless_told_otherwise(author: Author) -> None:
    for _ in range(26):
        await author.draft()
    page = await listed(author)
    assert len(page["items"]) == 25
    assert page["next_cursor"] is not None
    assert len((await listed(author, limit=26))["items"]) == 26
    assert (await listed(author, limit=26))["next_cursor"] is None


async def test_pages_neither_skip_nor_repeat_while_posts_are_created(author: Author) -> None:
    for number in range(7):
        await author.draft(text=f"{number}")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    page: dict[str, Any]
    while True:
        page, _ = await asyncio.gather(
            listed(author, limit=3, **cursor), author.draft(text="added meanwhile")
        )
        seen += [item["text"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    kept = [text for text in seen if text != "added meanwhile"]
    assert kept == ["6", "5", "4", "3", "2", "1", "0"]
    # Only what may have come before the first page's own reading.
    assert len(seen) - len(kept) <= 1


async def test_a_cursor_goes_with_the_filter(author: Author) -> None:
    feed = await author.connect(Network.FEED)
    for number in range(5):
        await author.schedule(feed, text=f"{number}")
        await author.draft(text="draft")
    first = await listed(author, status="scheduled", limit=3)
    assert [item["text"] for item in first["items"]] == ["4", "3", "2"]
    rest = await listed(author, status="scheduled", limit=3, cursor=first["next_cursor"])
    assert [item["text"] for item in rest["items"]] == ["1", "0"]
    assert rest["next_cursor"] is None


async def test_posts_are_filtered_by_status(author: Author, worker: PublishingWorker) -> None:
    feed = await author.connect(Network.FEED)
    x = await author.connect(Network.X)
    await author.draft(text="draft")
    await author.schedule(feed, text="scheduled")
    accepted(await author.cancel(await author.schedule(feed, text="cancelled")))
    publishing = await author.schedule(feed, text="publishing")
    await worker.claim(publishing["deliveries"][0]["id"])
    published = await author.schedule(feed, text="published")
    await worker.publish(published["deliveries"][0]["id"])
    failed = await author.schedule(feed, text="failed")
    await worker.fail(failed["deliveries"][0]["id"])
    half = await author.schedule(feed, x, text="partially_published")
    await worker.publish(half["deliveries"][0]["id"])
    await worker.fail(half["deliveries"][1]["id"])
    for item in (await listed(author))["items"]:
        assert item["status"] == item["text"]
        assert await texts(author, status=item["status"]) == [item["text"]]
    assert len(await texts(author)) == 7


async def test_posts_are_filtered_by_network_and_account(author: Author) -> None:
    feed = await author.connect(Network.FEED)
    one, other = await author.connect(Network.X, "one"), await author.connect(Network.X, "other")
    await author.schedule(feed, text="feed")
    await author.schedule(one, text="one")
    await author.schedule(feed, other, text="both")
    assert await texts(author, network="feed") == ["both", "feed"]
    assert await texts(author, network="x") == ["both", "one"]
    assert await texts(author, account_id=one) == ["one"]
    assert await texts(author, network="x", account_id=feed) == []
    assert await texts(author, network="mastodon") == []


async def test_an_account_that_an_edit_dropped_is_no_longer_filtered_for(author: Author) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    post = await author.schedule(feed, x)
    accepted(await author.change(post, targets=[feed]))
    assert await texts(author, account_id=x) == []
    assert await texts(author, network="x") == []
    assert await texts(author, network="feed") == ["Bread."]


async def test_posts_are_filtered_by_publish_time_from_inclusive_until_exclusive(
    author: Author,
) -> None:
    feed = await author.connect(Network.FEED)
    times = [TOMORROW + timedelta(hours=hour) for hour in range(4)]
    for hour, time in enumerate(times):
        await author.schedule(feed, text=f"{hour}", publish_at=time.isoformat())
    await author.draft(text="draft")
    window = {"publish_from": times[1].isoformat(), "publish_until": times[3].isoformat()}
    assert await texts(author, **window) == ["2", "1"]
    assert await texts(author, publish_from=times[3].isoformat()) == ["3"]
    assert await texts(author, publish_until=times[0].isoformat()) == []
    assert await texts(author, **window, status="draft") == []


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ({"limit": 0}, "limit", "greater_than_equal"),
        ({"limit": -1}, "limit", "greater_than_equal"),
        ({"limit": 101}, "limit", "less_than_equal"),
        ({"limit": 10**30}, "limit", "less_than_equal"),
        ({"limit": "many"}, "limit", "int_parsing"),
        ({"cursor": ""}, "cursor", "unknown_cursor"),
        ({"cursor": "next"}, "cursor", "unknown_cursor"),
        ({"cursor": "ключ"}, "cursor", "unknown_cursor"),
        ({"cursor": "\0"}, "cursor", "unknown_cursor"),
        ({"cursor": "AAAAAAAAAAAAAAAAAAAAAA"}, "cursor", "unknown_cursor"),
        ({"cursor": "A" * 65}, "cursor", "string_too_long"),
        ({"status": "sent"}, "status", "enum"),
        ({"network": "tiktok"}, "network", "enum"),
        ({"account_id": "bakery"}, "account_id", "uuid_parsing"),
        ({"publish_from": "tomorrow"}, "publish_from", "not_a_time"),
        ({"publish_until": "2027-03-01T09:00:00"}, "publish_until", "missing_offset"),
        ({"publish_until": "9" * 65}, "publish_until", "string_too_long"),
    ],
)
async def test_a_filter_that_cannot_be_used_is_named(
    author: Author, query: dict[str, Any], field: str, rule: str
) -> None:
    refused(await author.ask("GET", "/v1/posts", params=query), field, rule)


async def test_the_timeline_tells_everything_in_order(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    [delivery] = post["deliveries"]
    edited = accepted(await author.change(post, text="Rolls."))
    later = TOMORROW + timedelta(hours=1)
    accepted(await author.change(edited, publish_at=later.isoformat()))
    await worker.publish(delivery["id"])
    told = accepted(await author.ask("GET", f"/v1/posts/{post['id']}/timeline"))["items"]
    assert [(item["event"], item["delivery_id"]) for item in told] == [
        ("created", None),
        ("scheduled", None),
        ("edited", None),
        ("rescheduled", None),
        ("armed", delivery["id"]),
        ("sending", delivery["id"]),
        ("published", delivery["id"]),
    ]
    assert [item["at"] for item in told] == sorted(item["at"] for item in told)
    assert told[1]["details"] == {"publish_at": post["publish_at"].replace("Z", "+00:00")}
    assert told[2]["details"] == {"revision": 2}
    assert told[3]["details"] == {"revision": 3, "publish_at": later.isoformat()}
    assert told[6]["details"]["permalink"] == "https://network.example/1"


async def test_a_post_that_is_not_there_has_no_timeline(author: Author) -> None:
    path = "/v1/posts/0198c5e0-f3a8-7c2b-8d6a-1f0e5b7c9d11/timeline"
    problem(await author.ask("GET", path), 404)
