"""Catching up: what happened while one was away, in its order, with nothing left out."""

import asyncio

import httpx
import pytest
from sqlalchemy import update

from domain.conversations import RECEIPTS_TOLD_UP_TO
from storage.chat.numbers import THIS_TRANSACTION
from storage.database import Database
from storage.tables import ConversationRow
from tests.api.chats import Chat
from tests.api.conftest import NewPerson, Person


@pytest.fixture
def chat(client: httpx.AsyncClient) -> Chat:
    """People talking."""
    return Chat(client)


async def test_everything_that_happened_comes_in_its_order(
    chat: Chat, user: Person, other_user: Person
) -> None:
    group = await chat.group(user, other_user)
    path = f"/conversations/{group}"
    sent = await chat.send(user, group, "Bred")
    await chat.ask("PATCH", f"{path}/messages/{sent['id']}", user, json={"text": "Bread"})
    await chat.ask("PUT", f"{path}/messages/{sent['id']}/reactions/👍", other_user)
    await chat.ask("DELETE", f"{path}/messages/{sent['id']}/reactions/👍", other_user)
    await chat.ask("PUT", f"{path}/marks", other_user, json={"read_seq": 2})
    await chat.ask("PATCH", path, user, json={"title": "Loaves"})
    await chat.ask("DELETE", f"{path}/messages/{sent['id']}", user)
    caught_up = await chat.events(other_user, group)
    assert [(event["seq"], event["kind"]) for event in caught_up["events"]] == [
        (1, "members_added"),
        (2, "message_sent"),
        (3, "message_edited"),
        (4, "reaction_added"),
        (5, "reaction_removed"),
        (6, "receipt"),
        (7, "renamed"),
        (8, "message_deleted"),
    ]
    assert (caught_up["up_to"], caught_up["more"]) == (8, False)
    assert caught_up["events"][3]["details"] == {"emoji": "👍"}
    assert caught_up["events"][6]["details"] == {"title": "Loaves"}


async def test_a_message_that_is_caught_up_with_is_as_it_is_now(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, "A secret")
    await chat.ask("DELETE", f"/conversations/{conversation}/messages/{sent['id']}", user)
    for event in (await chat.events(other_user, conversation))["events"]:
        assert event["message"]["text"] == ""
        assert event["message"]["changed_seq"] == 2


async def test_catching_up_in_portions_leaves_nothing_out(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    for number in range(7):
        await chat.send(user, conversation, f"{number}")
        if number % 3 == 0:
            marks = {"read_seq": 1 + number}
            await chat.ask("PUT", f"/conversations/{conversation}/marks", other_user, json=marks)
    after, seen = 0, []
    while True:
        portion = await chat.events(other_user, conversation, after=after, limit=2)
        assert len(portion["events"]) <= 2
        seen += [event["kind"] for event in portion["events"]]
        after = portion["up_to"]
        if not portion["more"]:
            break
    assert (seen.count("message_sent"), seen.count("receipt")) == (7, 1)
    assert after == 10


async def test_who_has_everything_gets_nothing(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    await chat.send(user, conversation, "One")
    caught_up = await chat.events(other_user, conversation, after=1)
    assert caught_up == {
        "conversation_id": conversation,
        "events": [],
        "up_to": 1,
        "more": False,
    }


async def test_marks_go_forward_only_and_not_beyond_what_is_there(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    for text in ("One", "Two", "Three"):
        await chat.send(user, conversation, text)
    path = f"/conversations/{conversation}/marks"

    async def mark(**marks: int) -> dict[str, int]:
        answer = await chat.ask("PUT", path, other_user, json=marks)
        moved: dict[str, int] = answer.json()
        return moved

    assert await mark(delivered_seq=2) == {"delivered_seq": 2, "read_seq": 0}
    assert await mark(read_seq=3) == {"delivered_seq": 3, "read_seq": 3}
    assert await mark(delivered_seq=1, read_seq=1) == {"delivered_seq": 3, "read_seq": 3}
    assert await mark(read_seq=10**9) == {"delivered_seq": 3, "read_seq": 3}
    assert (await chat.events(user, conversation))["up_to"] == 5


async def test_who_sends_has_read_their_own_message_but_not_others(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    await chat.send(user, conversation, "One")
    assert (await chat.read("/unread", user))["messages"] == 0
    await chat.send(other_user, conversation, "Two")
    await chat.send(user, conversation, "Three, without having seen two")
    assert (await chat.read("/unread", user))["messages"] == 1


async def test_in_a_large_group_marks_are_kept_without_an_event(
    chat: Chat, user: Person, other_user: Person, database: Database
) -> None:
    group = await chat.group(user, other_user)
    async with database.transaction() as session:
        row = await session.get_one(ConversationRow, group)
        row.member_count = RECEIPTS_TOLD_UP_TO + 1
    await chat.send(user, group, "One")
    await chat.ask("PUT", f"/conversations/{group}/marks", other_user, json={"read_seq": 2})
    assert (await chat.events(user, group))["up_to"] == 2
    members = (await chat.read(f"/conversations/{group}/members", user))["items"]
    read = {member["handle"]: member["read_seq"] for member in members}
    assert read == {"ada": 2, "grace": 2}
    assert (await chat.read("/unread", other_user))["messages"] == 0


async def test_changes_tell_which_conversations_moved_on(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    third = await new_user("edsger")
    quiet, busy = await chat.direct(user, third), await chat.direct(user, other_user)
    everything = await chat.read("/changes", user)
    assert {one["conversation_id"] for one in everything["positions"]} == {quiet, busy}
    await chat.send(other_user, busy, "News")
    changed = await chat.read("/changes", user, cursor=everything["cursor"])
    assert changed["positions"] == [{"conversation_id": busy, "last_seq": 1, "left": False}]
    again = await chat.read("/changes", user, cursor=changed["cursor"])
    assert again["positions"] == []


async def test_changes_tell_of_a_group_that_one_was_put_out_of(
    chat: Chat, user: Person, other_user: Person
) -> None:
    group = await chat.group(user, other_user)
    before = await chat.read("/changes", other_user)
    await chat.ask("DELETE", f"/conversations/{group}/members/{other_user.user_id}", user)
    changed = await chat.read("/changes", other_user, cursor=before["cursor"])
    assert [(one["conversation_id"], one["left"]) for one in changed["positions"]] == [
        (group, True)
    ]
    assert (await chat.read("/changes", other_user))["positions"] == []


async def test_what_commits_late_is_told_though_the_cursor_is_younger(
    chat: Chat, user: Person, other_user: Person, database: Database
) -> None:
    conversation = await chat.direct(user, other_user)
    began, finish = asyncio.Event(), asyncio.Event()

    async def change_slowly() -> None:
        async with database.transaction() as session:
            change = {"last_seq": 7, "changed_in": THIS_TRANSACTION}
            await session.execute(update(ConversationRow).values(change))
            began.set()
            await finish.wait()

    slow = asyncio.create_task(change_slowly())
    await began.wait()
    cursor = (await chat.read("/changes", user))["cursor"]
    finish.set()
    await slow
    changed = await chat.read("/changes", user, cursor=cursor)
    assert changed["positions"] == [{"conversation_id": conversation, "last_seq": 7, "left": False}]


async def test_several_conversations_are_caught_up_with_at_once(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    third = await new_user("edsger")
    mine = [await chat.direct(user, other_user), await chat.direct(user, third)]
    theirs = await chat.direct(other_user, third)
    for conversation, sender in zip([*mine, theirs], [other_user, third, third], strict=True):
        await chat.send(sender, conversation, "Hello")
    positions = [{"conversation_id": one, "after": 0} for one in [*mine, theirs]]
    answer = await chat.ask("POST", "/catch-up", user, json={"positions": positions})
    found = answer.json()["conversations"]
    assert {one["conversation_id"] for one in found} == set(mine)
    assert [len(one["events"]) for one in found] == [1, 1]


async def test_search_finds_words_of_ones_own_conversations(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    third = await new_user("edsger")
    first, second = await chat.direct(user, other_user), await chat.direct(user, third)
    rye = await chat.send(other_user, first, "Rye bread, sliced")
    wheat = await chat.send(third, second, "Wheat BREAD")
    changed = await chat.send(third, second, "Bread?")
    path = f"/conversations/{second}/messages/{changed['id']}"
    await chat.ask("PATCH", path, third, json={"text": "Cake?"})

    async def found(**query: str) -> list[str]:
        page = await chat.read("/search", user, **query)
        return [message["id"] for message in page["items"]]

    assert await found(q="bread") == [wheat["id"], rye["id"]]
    assert await found(q="bread -rye") == [wheat["id"]]
    assert await found(q="bread", conversation_id=first) == [rye["id"]]
    assert await found(q='"bread rye"') == []
    assert await found(q="' & | ! ( :*") == []
