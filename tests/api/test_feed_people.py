"""Profiles, followers, and those who do not want to see each other."""

from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import update

from storage.database import Database
from storage.tables import UserRow
from tests.api.conftest import NewPerson
from tests.api.feed_actors import Reader, told


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who looks."""
    return Reader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who is looked at."""
    return Reader(client, await new_user("Bob"))


@pytest.fixture
def passer_by(client: httpx.AsyncClient) -> Reader:
    """Nobody who signed in."""
    return Reader(client, None)


async def handles(reader: Reader, path: str) -> list[str]:
    """Who is listed there."""
    return [person["handle"] for person in (await reader.get(path))["items"]]


async def test_a_profile_counts_its_followers(ada: Reader, bob: Reader, passer_by: Reader) -> None:
    await ada.follow(bob, bob)
    shown = await ada.get("profiles/@bOB")
    assert shown == {
        "id": bob.id,
        "handle": "Bob",
        "display_name": "Bob",
        "avatar_url": None,
        "follower_count": 1,
        "following_count": 0,
        "following": True,
        "follows_you": False,
        "muted": False,
    }
    seen = await bob.get("profiles/ada")
    assert (seen["following_count"], seen["following"], seen["follows_you"]) == (1, False, True)
    assert (await passer_by.get("profiles/bob"))["following"] is False
    await ada.drop(f"users/{bob.id}/follow", f"users/{bob.id}/follow")
    assert (await ada.get("profiles/bob"))["follower_count"] == 0


async def test_followers_and_followed_are_listed_newest_first(
    ada: Reader, bob: Reader, client: httpx.AsyncClient, new_user: NewPerson, passer_by: Reader
) -> None:
    cleo = Reader(client, await new_user("cleo"))
    await ada.follow(bob)
    await cleo.follow(bob, ada)
    assert await handles(passer_by, f"users/{bob.id}/followers") == ["cleo", "ada"]
    assert await handles(passer_by, f"users/{cleo.id}/following") == ["ada", "Bob"]
    page = await passer_by.get(f"users/{bob.id}/followers", limit=1)
    rest = await passer_by.get(f"users/{bob.id}/followers", limit=1, cursor=page["next_cursor"])
    assert [one["handle"] for one in rest["items"]] == ["ada"]
    assert rest["next_cursor"] is None


async def test_a_block_ends_following_both_ways_and_comes_off_without_it(
    ada: Reader, bob: Reader
) -> None:
    await ada.follow(bob)
    await bob.follow(ada)
    await ada.put(f"users/{bob.id}/block", f"users/{bob.id}/block")
    assert await handles(ada, "blocks") == ["Bob"]
    told(await bob.ask("GET", "profiles/ada"), 404)
    told(await bob.ask("PUT", f"users/{ada.id}/follow"), 404)
    await ada.drop(f"users/{bob.id}/block")
    assert await handles(ada, "blocks") == []
    shown = await bob.get("profiles/ada")
    assert (shown["follower_count"], shown["following_count"]) == (0, 0)
    await bob.follow(ada)


async def test_who_is_muted_does_not_learn_of_it(ada: Reader, bob: Reader) -> None:
    await ada.put(f"users/{bob.id}/mute", f"users/{bob.id}/mute")
    assert await handles(ada, "mutes") == ["Bob"]
    assert (await ada.get("profiles/bob"))["muted"] is True
    assert (await bob.get("profiles/ada"))["muted"] is False
    await bob.follow(ada)
    await ada.drop(f"users/{bob.id}/mute")
    assert await handles(ada, "mutes") == []


@pytest.mark.parametrize("what", ["follow", "block", "mute"])
async def test_there_has_to_be_somebody_else(what: str, ada: Reader) -> None:
    problem = told(await ada.ask("PUT", f"users/{ada.id}/{what}"), 409)
    assert problem["type"] == "/problems/oneself"
    nobody = "0198c5e0-f3a8-7c2b-8d6a-1f0e00000000"
    told(await ada.ask("PUT", f"users/{nobody}/{what}"), 404)
    told(await ada.ask("DELETE", f"users/{nobody}/{what}"), 204)


async def test_a_profile_lists_posts_and_reposts(
    ada: Reader, bob: Reader, passer_by: Reader
) -> None:
    theirs = await ada.publish("Ada's.")
    await bob.publish("One.")
    await bob.put(f"posts/{theirs}/repost")
    await bob.publish("Two.")
    assert await passer_by.texts(f"users/{bob.id}/posts") == ["Two.", "Ada's.", "One."]
    assert await passer_by.pages(f"users/{bob.id}/posts", 2) == [["Two.", "Ada's."], ["One."]]
    [_, shown, _] = (await passer_by.get(f"users/{bob.id}/posts"))["items"]
    assert shown["reposted_by"]["handle"] == "Bob"
    assert shown["post"]["author"]["handle"] == "ada"


async def test_who_is_suspended_is_nowhere_to_be_seen(
    ada: Reader, bob: Reader, passer_by: Reader, database: Database
) -> None:
    await ada.follow(bob)
    await bob.follow(ada)
    post, mine = await bob.publish("Bread. #bread"), await ada.publish("Mine.")
    await bob.put(f"posts/{mine}/like")
    await bob.comment(mine, "Nice.")
    await ada.put(f"posts/{post}/like", f"posts/{post}/bookmark")
    async with database.transaction() as session:
        suspended = update(UserRow).where(UserRow.handle == "Bob")
        await session.execute(suspended.values(suspended_at=datetime.now(UTC)))
    await ada.put(f"posts/{mine}/bookmark")
    for path in ("profiles/bob", f"posts/{post}", f"users/{bob.id}/posts"):
        told(await ada.ask("GET", path), 404)
        told(await passer_by.ask("GET", path), 404)
    for path in ("home", "bookmarks", "trending/posts"):
        assert await ada.texts(path) == ["Mine."]
    for path in ("hashtags/bread/posts", f"posts/{mine}/comments"):
        assert await ada.texts(path) == []
    for path in (f"posts/{mine}/likes", f"users/{ada.id}/followers", f"users/{ada.id}/following"):
        assert await handles(ada, path) == []
