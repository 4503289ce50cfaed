"""What people read at home: what those whom they follow publish and repost, each post once."""

import httpx
import pytest

from runtime.resources import Resources
from tests.api.conftest import NewPerson
from tests.api.feed_actors import FeedWorker, Reader, told
from tests.conftest import Tenant


@pytest.fixture
def worker(resources: Resources) -> FeedWorker:
    """Does the jobs."""
    return FeedWorker(resources.database, resources.live)


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who reads."""
    return Reader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Whom Ada follows."""
    return Reader(client, await new_user("bob"))


@pytest.fixture
async def cleo(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Somebody else."""
    return Reader(client, await new_user("cleo"))


async def test_a_follower_reads_what_is_published(
    ada: Reader, bob: Reader, cleo: Reader, worker: FeedWorker
) -> None:
    await ada.follow(bob)
    await bob.publish("Bread.")
    await cleo.publish("Rolls.")
    await worker.work()
    [entry] = (await ada.get("home"))["items"]
    assert (entry["post"]["text"], entry["post"]["author"]["handle"]) == ("Bread.", "bob")
    assert entry["reposted_by"] is None
    assert entry["post"]["marks"] == {"liked": False, "reposted": False, "bookmarked": False}


async def test_ones_own_post_is_there_before_any_job_is_done(ada: Reader) -> None:
    assert await ada.texts("home") == []
    await ada.publish("Mine.")
    assert await ada.texts("home") == ["Mine."]


async def test_a_new_follower_finds_what_was_published_before(
    ada: Reader, bob: Reader, worker: FeedWorker
) -> None:
    await bob.publish("Before.")
    await worker.work()
    assert await ada.texts("home") == []
    await ada.follow(bob)
    assert await ada.texts("home") == ["Before."]


async def test_the_feed_comes_in_pages_that_neither_skip_nor_repeat(
    ada: Reader, bob: Reader, worker: FeedWorker
) -> None:
    await ada.follow(bob)
    for number in range(7):
        await bob.publish(f"{number}")
        await ada.publish(f"mine {number}")
    await worker.work()
    first = await ada.get("home", limit=5)
    await bob.publish("meanwhile")
    await worker.work()
    read = [item["post"]["text"] for item in first["items"]]
    cursor = first["next_cursor"]
    while cursor:
        page = await ada.get("home", limit=5, cursor=cursor)
        read += [item["post"]["text"] for item in page["items"]]
        cursor = page["next_cursor"]
    written = [text for number in range(7) for text in (f"{number}", f"mine {number}")]
    assert read == written[::-1]


async def test_who_is_followed_no_more_is_gone_at_once(
    ada: Reader, bob: Reader, worker: FeedWorker
) -> None:
    await ada.follow(bob)
    await bob.publish("Bread.")
    await worker.work()
    assert await ada.texts("home") == ["Bread."]
    await ada.drop(f"users/{bob.id}/follow")
    assert await ada.texts("home") == []
    await ada.follow(bob)
    assert await ada.texts("home") == ["Bread."]


@pytest.mark.parametrize("how", ["mute", "block"])
async def test_who_is_muted_or_blocked_is_gone_at_once(
    how: str, ada: Reader, bob: Reader, cleo: Reader, worker: FeedWorker
) -> None:
    await ada.follow(bob, cleo)
    await bob.publish("Bread.")
    await cleo.put(f"posts/{await bob.publish('Rolls.')}/repost")
    await cleo.publish("Cake.")
    await worker.work()
    assert await ada.texts("home") == ["Cake.", "Rolls.", "Bread."]
    await ada.put(f"users/{bob.id}/{how}")
    assert await ada.texts("home") == ["Cake."]
    await ada.drop(f"users/{bob.id}/{how}")
    if how == "mute":
        assert await ada.texts("home") == ["Cake.", "Rolls.", "Bread."]
    else:  # neither follows the other any more; what another reposts shows again
        assert await ada.texts("home") == ["Cake.", "Rolls."]


async def test_a_post_shows_once_however_many_repost_it(
    ada: Reader,
    bob: Reader,
    cleo: Reader,
    worker: FeedWorker,
    client: httpx.AsyncClient,
    new_user: NewPerson,
) -> None:
    dan = Reader(client, await new_user("dan"))
    await ada.follow(bob, cleo)
    post = await dan.publish("Bread.")
    await bob.put(f"posts/{post}/repost")
    await bob.publish("in between")
    await cleo.put(f"posts/{post}/repost")
    await worker.work()
    items = (await ada.get("home"))["items"]
    assert [item["post"]["text"] for item in items] == ["in between", "Bread."]
    assert items[1]["reposted_by"]["handle"] == "bob"
    await ada.drop(f"users/{bob.id}/follow")  # then it is Cleo who shows it
    [item] = (await ada.get("home"))["items"]
    assert item["reposted_by"]["handle"] == "cleo"
    await ada.follow(dan)  # then it is its author
    [item] = (await ada.get("home"))["items"]
    assert item["reposted_by"] is None


async def test_a_deleted_post_and_a_repost_taken_back_are_gone(
    ada: Reader, bob: Reader, cleo: Reader, worker: FeedWorker
) -> None:
    await ada.follow(bob)
    kept, gone = await bob.publish("kept"), await bob.publish("gone")
    theirs = await cleo.publish("reposted")
    await bob.put(f"posts/{theirs}/repost")
    await worker.work()
    assert await ada.texts("home") == ["reposted", "gone", "kept"]
    await bob.drop(f"posts/{gone}", f"posts/{theirs}/repost")
    await ada.put(f"posts/{kept}/like")  # so that what was cached is not shown any more
    assert await ada.texts("home") == ["kept"]
    told(await ada.ask("GET", f"posts/{gone}"), 404)


async def test_nobody_reads_a_home_feed_without_signing_in(client: httpx.AsyncClient) -> None:
    told(await Reader(client, None).ask("GET", "home"), 401)


async def test_the_short_way_answers_what_the_documented_one_does(
    ada: Reader, client: httpx.AsyncClient, workspace: Tenant
) -> None:
    await ada.publish("Mine.")
    short, documented = await ada.ask("GET", "home"), await ada.ask("GET", "home?limit=25")
    assert (short.status_code, short.content) == (documented.status_code, documented.content)
    strangers: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": "Basic x"},
    )
    for headers in (*strangers, workspace.headers):
        answers = [
            await client.get(f"/v1/feed/home{q}", headers=headers) for q in ("", "?limit=25")
        ]
        first, second = [{**told(one, 401), "request_id": None} for one in answers]
        assert first == second
