"""A cached home feed never hides what its reader did or what was published, in any process."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from domain.moderation import Reportable
from runtime.resources import Resources, open_resources
from runtime.settings import Settings
from storage.feed import relations
from storage.moderation import subjects
from storage.users import users
from tests.api.conftest import NewPerson
from tests.api.feed_actors import FeedWorker, Reader, many_users, told
from tests.api.test_posts_statements import statements_of
from tests.conftest import API_BASE_URL

LIMIT = 2
"""Followers above which authors of these tests are looked up."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Authors are busy early."""
    return settings.model_copy(update={"feed_fan_out_limit": LIMIT})


@pytest.fixture
async def other_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another API process, with its own memory and no Redis in common."""
    async with open_resources(settings) as resources:
        app = create_app(settings)
        app.state.resources = resources
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
            yield client


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who reads, in one process."""
    return Reader(client, await new_user("ada"))


@pytest.fixture
def ada_elsewhere(other_client: httpx.AsyncClient, ada: Reader) -> Reader:
    """The same, in the other process."""
    return Reader(other_client, ada.person)


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Whom Ada follows."""
    return Reader(client, await new_user("bob"))


@pytest.fixture
def worker(resources: Resources) -> FeedWorker:
    """Does the jobs."""
    return FeedWorker(resources.database, resources.live)


async def test_what_is_kept_is_answered_without_reading_it_anew(
    ada: Reader, bob: Reader, worker: FeedWorker, resources: Resources
) -> None:
    await ada.follow(bob)
    await bob.publish("Bread.")
    await worker.work()
    first = await ada.ask("GET", "home")
    with statements_of(resources.database) as sent:
        again = await ada.ask("GET", "home")
    assert (again.content, again.headers["content-type"]) == (first.content, "application/json")
    [version] = [statement for statement, _ in sent if "feed_" in statement]
    assert "feed_profiles.version" in version


async def test_without_a_cache_everything_is_read_anew(
    ada: Reader, resources: Resources, app: FastAPI
) -> None:
    app.state.resources = replace(resources, feed_cache=None)
    await ada.publish("Mine.")
    for _ in range(2):
        with statements_of(resources.database) as sent:
            assert await ada.texts("home") == ["Mine."]
        assert len([one for one, _ in sent if "feed_posts" in one or "home_entries" in one]) == 2


async def test_ones_own_writes_show_at_once_in_every_process(
    ada: Reader, ada_elsewhere: Reader, bob: Reader, worker: FeedWorker
) -> None:
    await ada.follow(bob)
    post = await bob.publish("Bread.")
    await worker.work()

    async def seen() -> list[tuple[str, int, bool]]:
        pages = [await reader.get("home") for reader in (ada, ada_elsewhere)]
        assert pages[0] == pages[1]
        posts = [item["post"] for item in pages[0]["items"]]
        return [(one["text"], one["like_count"], one["marks"]["liked"]) for one in posts]

    assert await seen() == [("Bread.", 0, False)]
    await ada.put(f"posts/{post}/like")
    assert await seen() == [("Bread.", 1, True)]
    await ada_elsewhere.drop(f"posts/{post}/like")
    assert await seen() == [("Bread.", 0, False)]
    mine = await ada_elsewhere.publish("Mine.")
    assert await seen() == [("Mine.", 0, False), ("Bread.", 0, False)]
    await ada.drop(f"posts/{mine}")
    assert await seen() == [("Bread.", 0, False)]
    await ada_elsewhere.put(f"users/{bob.id}/mute")
    assert await seen() == []


async def test_ones_own_name_shows_at_once_in_every_process(
    ada: Reader, ada_elsewhere: Reader
) -> None:
    await ada.publish("Mine.")

    async def seen() -> list[str]:
        pages = [await reader.get("home") for reader in (ada, ada_elsewhere)]
        return [page["items"][0]["post"]["author"]["handle"] for page in pages]

    assert await seen() == ["ada", "ada"]
    assert ada.person is not None
    change = {"handle": "ada_bakes"}
    told(await ada.client.patch("/v1/users/me", json=change, headers=ada.person.headers))
    assert await seen() == ["ada_bakes", "ada_bakes"]


async def test_what_reaches_the_feed_shows_at_once(
    ada: Reader, ada_elsewhere: Reader, bob: Reader, worker: FeedWorker, resources: Resources
) -> None:
    await ada.follow(bob)
    for reader in (ada, ada_elsewhere):
        assert await reader.texts("home") == []
    await bob.publish("One.")
    await worker.work()
    for reader in (ada, ada_elsewhere):
        assert await reader.texts("home") == ["One."]
    for fan in await many_users(resources.database, ["fan1", "fan2"]):
        async with resources.database.transaction() as session:
            assert bob.person is not None
            await relations.follow(session, fan, bob.person.user_id)
    await bob.publish("Two.")  # which nobody writes to anybody
    for reader in (ada, ada_elsewhere):
        assert await reader.texts("home") == ["Two.", "One."]


async def test_what_trends_is_kept_and_shows_ones_own_marks(
    ada: Reader, bob: Reader, client: httpx.AsyncClient, worker: FeedWorker
) -> None:
    passer_by = Reader(client, None)
    post = await bob.publish("Bread. #bread")
    await worker.work()
    assert await passer_by.texts("trending/posts") == []
    assert (await passer_by.get("trending/hashtags"))["items"][0]["hashtag"] == "bread"
    await ada.put(f"posts/{post}/like")
    [shown] = (await ada.get("trending/posts"))["items"]
    assert (shown["text"], shown["marks"]["liked"]) == ("Bread. #bread", True)
    assert await passer_by.texts("trending/posts") == []  # for half a minute
    assert await passer_by.texts("hashtags/BREAD/posts") == ["Bread. #bread"]
    assert await passer_by.texts("hashtags/%23bread/posts") == ["Bread. #bread"]


async def test_what_a_moderator_does_shows_at_once_in_every_process(
    ada: Reader,
    ada_elsewhere: Reader,
    bob: Reader,
    worker: FeedWorker,
    resources: Resources,
) -> None:
    passers_by = [Reader(reader.client, None) for reader in (ada, ada_elsewhere)]
    await ada.follow(bob)
    posts = [await bob.publish(text) for text in ("Bread.", "Spam.")]
    await ada.put(*(f"posts/{post}/like" for post in posts))
    await worker.work()

    async def seen() -> list[str]:
        """What all of them read alike, at home and in the trends."""
        lists = [await reader.texts("home") for reader in (ada, ada_elsewhere)]
        lists += [
            sorted(await reader.texts("trending/posts"), reverse=True)
            for reader in (ada, ada_elsewhere, *passers_by)
        ]
        assert all(one == lists[0] for one in lists)
        return lists[0]

    assert await seen() == ["Spam.", "Bread."]
    async with resources.database.transaction() as session:
        await subjects.remove(session, Reportable.FEED_POST, UUID(posts[1]), reason="Spam.")
    assert await seen() == ["Bread."]
    assert bob.person is not None
    async with resources.database.transaction() as session:
        await users.suspend(session, bob.person.user_id, reason="Spam.")
    assert await seen() == []
    async with resources.database.transaction() as session:
        await users.restore(session, bob.person.user_id)
    assert await seen() == ["Bread."]
