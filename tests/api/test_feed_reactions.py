"""Likes, reposts, bookmarks and comments: each once, and counted right."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from storage.database import Database
from storage.feed import reactions
from tests.api.conftest import NewPerson
from tests.api.feed_actors import Reader, many_users, told


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who does something with a post."""
    return Reader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Whose post it is."""
    return Reader(client, await new_user("bob"))


@pytest.fixture
async def post(bob: Reader) -> str:
    """A post of Bob's."""
    return await bob.publish("Bread.")


async def counts(reader: Reader, post: str) -> tuple[int, int, int]:
    """Likes, comments, reposts."""
    shown = await reader.get(f"posts/{post}")
    return shown["like_count"], shown["comment_count"], shown["repost_count"]


@pytest.mark.parametrize(("what", "mark"), [("like", "liked"), ("repost", "reposted")])
async def test_done_twice_it_counts_once_and_can_be_taken_back(
    what: str, mark: str, ada: Reader, post: str
) -> None:
    path = f"posts/{post}/{what}"
    await ada.put(path, path)
    shown = await ada.get(f"posts/{post}")
    assert (shown[f"{what}_count"], shown["marks"][mark]) == (1, True)
    [person] = (await ada.get(f"{path}s"))["items"]
    assert (person["id"], person["handle"]) == (ada.id, "ada")
    await ada.drop(path, path)
    shown = await ada.get(f"posts/{post}")
    assert (shown[f"{what}_count"], shown["marks"][mark]) == (0, False)


async def test_many_at_once_are_all_counted(
    ada: Reader, bob: Reader, post: str, client: httpx.AsyncClient, new_user: NewPerson
) -> None:
    people = [Reader(client, await new_user(f"person{number}")) for number in range(6)]
    likes = [one.put(f"posts/{post}/like") for one in people for _ in range(3)]
    comments = [one.comment(post, "Nice.") for one in people]
    reposts = [one.put(f"posts/{post}/repost") for one in people]
    await asyncio.gather(*likes, *comments, *reposts)
    assert await counts(bob, post) == (6, 6, 6)
    await asyncio.gather(
        *(one.drop(f"posts/{post}/like") for one in people[:3] for _ in range(2)),
        *(one.put(f"posts/{post}/like") for one in people[3:]),
    )
    assert await counts(bob, post) == (3, 6, 6)


async def test_nobody_reposts_their_own(bob: Reader, post: str) -> None:
    problem = told(await bob.ask("PUT", f"posts/{post}/repost"), 409)
    assert problem["type"] == "/problems/own-post"


async def test_bookmarks_are_ones_own(ada: Reader, bob: Reader, post: str) -> None:
    later = await bob.publish("Rolls.")
    await ada.put(f"posts/{later}/bookmark", f"posts/{post}/bookmark", f"posts/{post}/bookmark")
    assert await ada.texts("bookmarks") == ["Bread.", "Rolls."]
    assert await ada.pages("bookmarks", 1) == [["Bread."], ["Rolls."]]
    assert await bob.texts("bookmarks") == []
    await ada.drop(f"posts/{later}/bookmark")
    assert await ada.texts("bookmarks") == ["Bread."]


async def test_comments_have_replies_one_level_deep(ada: Reader, bob: Reader, post: str) -> None:
    first = await ada.comment(post, "Which flour?")
    reply = await bob.comment(post, "Rye.", reply_to=first)
    await ada.comment(post, "Thank you.", reply_to=reply)
    await ada.comment(post, "And the crust?")
    assert await ada.texts(f"posts/{post}/comments") == ["And the crust?", "Which flour?"]
    [_, shown] = (await ada.get(f"posts/{post}/comments"))["items"]
    assert (shown["reply_count"], shown["parent_id"]) == (2, None)
    assert await ada.pages(f"comments/{first}/replies", 1) == [["Thank you."], ["Rye."]]
    assert await counts(ada, post) == (0, 4, 0)


async def test_a_deleted_comment_takes_its_replies_along(
    ada: Reader, bob: Reader, post: str, client: httpx.AsyncClient, new_user: NewPerson
) -> None:
    cleo = Reader(client, await new_user("cleo"))
    first = await ada.comment(post, "Which flour?")
    await cleo.comment(post, "Rye.", reply_to=first)
    second = await cleo.comment(post, "Mine.")
    problem = told(await ada.ask("DELETE", f"comments/{second}"), 403)
    assert problem["type"] == "/problems/not-yours"
    await ada.drop(f"comments/{first}")
    assert await counts(ada, post) == (0, 1, 0)
    await bob.drop(f"comments/{second}")  # it is Bob's post
    assert await counts(ada, post) == (0, 0, 0)
    told(await ada.ask("DELETE", f"comments/{second}"), 404)


async def test_a_comment_is_written_once_under_its_key(ada: Reader, post: str) -> None:
    async def send(text: str) -> httpx.Response:
        return await ada.ask(
            "POST", f"posts/{post}/comments", json={"text": text}, headers={"Idempotency-Key": "k"}
        )

    first, second = told(await send("Nice."), 201), told(await send("Nice."), 201)
    assert first == second
    assert told(await send("Other."), 422)["type"] == "/problems/idempotency-key-reused"
    assert await counts(ada, post) == (0, 1, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "  \n"}, "text"),
        ({"text": "a" * 2001}, "text"),
        ({"text": "a\u0000"}, "text"),
        ({"text": "a", "reply_to": str(uuid4())}, "reply_to"),
        ({"text": "a", "reply_to": "7"}, "reply_to"),
    ],
)
async def test_a_wrong_comment_is_told_by_field(
    body: dict[str, str], field: str, ada: Reader, post: str
) -> None:
    problem = told(await ada.ask("POST", f"posts/{post}/comments", json=body), 422)
    assert problem["errors"][0]["field"] == field


async def test_what_one_cannot_see_one_cannot_touch(ada: Reader, bob: Reader, post: str) -> None:
    comment = await bob.comment(post, "Still warm.")
    await bob.put(f"users/{ada.id}/block")
    for method, path in (
        ("GET", f"posts/{post}"),
        ("GET", f"posts/{post}/comments"),
        ("GET", f"posts/{post}/likes"),
        ("GET", f"posts/{post}/reposts"),
        ("GET", f"comments/{comment}/replies"),
        ("GET", f"users/{bob.id}/posts"),
        ("GET", f"users/{bob.id}/followers"),
        ("GET", "profiles/bob"),
        ("PUT", f"posts/{post}/like"),
        ("PUT", f"posts/{post}/repost"),
        ("PUT", f"posts/{post}/bookmark"),
        ("PUT", f"users/{bob.id}/follow"),
        ("PUT", f"users/{bob.id}/mute"),
        ("DELETE", f"posts/{post}"),
        ("DELETE", f"comments/{comment}"),
    ):
        told(await ada.ask(method, path), 404)
    body = {"text": "Hello?"}
    told(await ada.ask("POST", f"posts/{post}/comments", json=body), 404)


async def test_another_persons_post_is_not_deleted(ada: Reader, post: str) -> None:
    told(await ada.ask("DELETE", f"posts/{post}"), 404)
    assert (await ada.get(f"posts/{post}"))["text"] == "Bread."


async def test_a_list_of_likes_comes_in_pages(ada: Reader, post: str, database: Database) -> None:
    users = await many_users(database, [f"fan{number}" for number in range(5)])
    async with database.transaction() as session:
        held = await reactions.hold(session, users[0], UUID(post))
        assert held is not None
        for one in users:
            await reactions.like(session, one, held)
    read: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ada.get(f"posts/{post}/likes", limit=2, **cursor)
        read += [person["handle"] for person in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert read == [f"fan{number}" for number in range(4, -1, -1)]
