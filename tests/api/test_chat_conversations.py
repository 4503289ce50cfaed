"""Conversations: who may be in one, who sees what of it, and how the list is read."""

from uuid import uuid4

import httpx
import pytest

from domain.conversations import MEMBERS_AT_MOST
from domain.ids import new_id
from storage.database import Database
from storage.tables import BlockRow, UserRow
from storage.users import users
from tests.api.chats import Chat
from tests.api.conftest import NewPerson, Person


@pytest.fixture
def chat(client: httpx.AsyncClient) -> Chat:
    """People talking."""
    return Chat(client)


@pytest.fixture
async def third(new_user: NewPerson) -> Person:
    """One more."""
    return await new_user("edsger")


async def test_a_group_of_ten_thousand_is_refused_and_says_how_many_fit(
    chat: Chat, user: Person
) -> None:
    body = {"title": "Everybody", "user_ids": [str(uuid4()) for _ in range(9_999)]}
    answer = await chat.ask("POST", "/conversations/groups", user, json=body)
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["limit"]) == ("user_ids", MEMBERS_AT_MOST - 1)


async def test_a_group_does_not_grow_over_its_limit(
    chat: Chat, user: Person, other_user: Person, database: Database
) -> None:
    people = [new_id() for _ in range(MEMBERS_AT_MOST - 1)]
    async with database.transaction() as session:
        session.add_all(
            UserRow(id=one, handle=f"p{one.hex}", display_name="P", email=f"{one.hex}@example.org")
            for one in people
        )
    body = {"title": "Full", "user_ids": [str(one) for one in people]}
    group = (await chat.ask("POST", "/conversations/groups", user, json=body)).json()
    assert group["member_count"] == MEMBERS_AT_MOST
    more = {"user_ids": [str(other_user.user_id)]}
    answer = await chat.ask("POST", f"/conversations/{group['id']}/members", user, json=more)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-many-members")
    assert answer.json()["errors"][0]["limit"] == MEMBERS_AT_MOST


async def test_people_who_cannot_be_added_are_told_alike(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson, database: Database
) -> None:
    blocking, suspended = await new_user("mallory"), await new_user("trudy")
    async with database.transaction() as session:
        session.add(BlockRow(id=new_id(), blocker_id=blocking.user_id, blocked_id=user.user_id))
        await users.suspend(session, suspended.user_id, reason="spam")
    wanted = [blocking.user_id, other_user.user_id, suspended.user_id, uuid4()]
    body = {"title": "Bakers", "user_ids": [str(one) for one in wanted]}
    answer = await chat.ask("POST", "/conversations/groups", user, json=body)
    errors = answer.json()["errors"]
    assert answer.status_code == 422
    assert [error["field"] for error in errors] == ["user_ids[0]", "user_ids[2]", "user_ids[3]"]
    assert len({error["message"] for error in errors}) == 1
    assert (await chat.read("/conversations", user))["items"] == []


async def test_nobody_talks_to_themselves(chat: Chat, user: Person) -> None:
    body = {"user_id": str(user.user_id)}
    answer = await chat.ask("POST", "/conversations/direct", user, json=body)
    assert answer.status_code == 403


async def test_who_joins_sees_what_happens_from_then_on(
    chat: Chat, user: Person, other_user: Person, third: Person
) -> None:
    group = await chat.group(user, other_user)
    old = await chat.send(user, group, "Before")
    path = f"/conversations/{group}"
    added = {"user_ids": [str(third.user_id), str(other_user.user_id)]}
    answer = await chat.ask("POST", f"{path}/members", user, json=added)
    assert (answer.status_code, answer.json()["member_count"]) == (200, 3)
    new = await chat.send(user, group, "Welcome")
    listed = await chat.read(f"{path}/messages", third)
    assert [message["id"] for message in listed["items"]] == [new["id"]]
    events = await chat.events(third, group)
    assert [event["kind"] for event in events["events"]] == ["members_added", "message_sent"]
    assert events["events"][0]["details"] == {"user_ids": [str(third.user_id)]}
    assert (await chat.read("/search", third, q="before"))["items"] == []
    reaction = f"{path}/messages/{old['id']}/reactions/👍"
    assert (await chat.ask("PUT", reaction, third)).status_code == 404


async def test_who_left_sees_nothing_more_and_may_come_back(
    chat: Chat, user: Person, other_user: Person
) -> None:
    group = await chat.group(user, other_user)
    path = f"/conversations/{group}"
    left = await chat.ask("DELETE", f"{path}/members/{other_user.user_id}", other_user)
    assert left.status_code == 204
    await chat.send(user, group, "Alone")
    assert (await chat.ask("GET", f"{path}/messages", other_user)).status_code == 404
    assert (await chat.try_to_send(other_user, group, "Hi")).status_code == 404
    assert (await chat.read("/conversations", other_user))["items"] == []
    back = {"user_ids": [str(other_user.user_id)]}
    await chat.ask("POST", f"{path}/members", user, json=back)
    assert (await chat.read(f"{path}/messages", other_user))["items"] == []


async def test_only_owners_name_a_group_and_choose_its_members(
    chat: Chat, user: Person, other_user: Person, third: Person
) -> None:
    group = await chat.group(user, other_user, third)
    path = f"/conversations/{group}"
    refused = [
        await chat.ask("PATCH", path, other_user, json={"title": "Mine"}),
        await chat.ask("POST", f"{path}/members", other_user, json={"user_ids": [str(uuid4())]}),
        await chat.ask("DELETE", f"{path}/members/{third.user_id}", other_user),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3
    renamed = await chat.ask("PATCH", path, user, json={"title": "Millers"})
    assert renamed.json()["title"] == "Millers"
    assert (await chat.ask("DELETE", f"{path}/members/{third.user_id}", user)).status_code == 204


async def test_a_group_whose_owner_leaves_belongs_to_its_longest_member(
    chat: Chat, user: Person, other_user: Person, third: Person
) -> None:
    group = await chat.group(user, other_user)
    path = f"/conversations/{group}"
    await chat.ask("POST", f"{path}/members", user, json={"user_ids": [str(third.user_id)]})
    await chat.ask("DELETE", f"{path}/members/{user.user_id}", user)
    members = (await chat.read(f"{path}/members", third))["items"]
    roles = {member["handle"]: member["role"] for member in members}
    assert roles == {"grace": "owner", "edsger": "member"}


async def test_a_direct_conversation_is_no_group(
    chat: Chat, user: Person, other_user: Person, third: Person
) -> None:
    path = f"/conversations/{await chat.direct(user, other_user)}"
    answers = [
        await chat.ask("PATCH", path, user, json={"title": "Us"}),
        await chat.ask("POST", f"{path}/members", user, json={"user_ids": [str(third.user_id)]}),
        await chat.ask("DELETE", f"{path}/members/{other_user.user_id}", user),
    ]
    assert [answer.status_code for answer in answers] == [409] * 3


async def test_the_list_has_the_last_message_first_and_counts_what_is_unread(
    chat: Chat, user: Person, other_user: Person, third: Person
) -> None:
    first, second = await chat.direct(user, other_user), await chat.direct(user, third)
    await chat.send(other_user, first, "One")
    await chat.send(third, second, "Two")
    gone = await chat.send(other_user, first, "Three")
    await chat.send(other_user, first, "Four")
    await chat.ask("DELETE", f"/conversations/{first}/messages/{gone['id']}", other_user)
    listed = (await chat.read("/conversations", user))["items"]
    assert [one["id"] for one in listed] == [first, second]
    assert [one["unread"] for one in listed] == [2, 1]
    assert [one["last_message"]["text"] for one in listed] == ["Four", "Two"]
    assert [one["with_user"]["handle"] for one in listed] == ["grace", "edsger"]
    assert await chat.read("/unread", user) == {"conversations": 2, "messages": 3}
    assert await chat.read("/unread", other_user) == {"conversations": 0, "messages": 0}


async def test_the_list_comes_in_pages(chat: Chat, user: Person, new_user: NewPerson) -> None:
    opened = [await chat.direct(user, await new_user(f"person{n}")) for n in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await chat.read("/conversations", user, **query)
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == opened[::-1]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%", "f" * 32, "_" * 64])
async def test_a_cursor_that_was_made_up_is_refused(chat: Chat, user: Person, cursor: str) -> None:
    for path in ("/conversations", "/changes"):
        answer = await chat.ask("GET", path, user, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor"), path


async def test_members_come_in_pages(chat: Chat, user: Person, new_user: NewPerson) -> None:
    people = [await new_user(f"person{n}") for n in range(4)]
    path = f"/conversations/{await chat.group(user, *people)}/members"
    first = await chat.read(path, user, limit=3)
    rest = await chat.read(path, user, limit=3, cursor=first["next_cursor"])
    shown = [member["user_id"] for member in first["items"] + rest["items"]]
    assert shown == sorted(str(person.user_id) for person in [user, *people])
