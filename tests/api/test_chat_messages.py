"""Messages: sent once, in one order, changed, reacted to, and never seen by others."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from domain.conversations import MEDIA_AT_MOST, TEXT_AT_MOST, ChatEventKind
from domain.ids import new_id
from runtime.resources import Resources
from storage.chat import conversations, events, members
from storage.database import Database
from storage.tables import BlockRow, ChatEventRow, JobRow, MessageRow
from tests.api.chats import Chat
from tests.api.conftest import NewPerson, Person, Picture
from tests.api.lock_waits import waiting_for_a_lock
from tests.api.market_actors import making_images, until_made


@pytest.fixture
def chat(client: httpx.AsyncClient) -> Chat:
    """People talking."""
    return Chat(client)


async def test_what_is_sent_is_there_for_both_in_the_order_of_its_numbers(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    first = await chat.send(user, conversation, "Are you open on Sunday?")
    second = await chat.send(other_user, conversation, "From eight.")
    for reader in (user, other_user):
        listed = await chat.read(f"/conversations/{conversation}/messages", reader)
        assert [message["id"] for message in listed["items"]] == [second["id"], first["id"]]
        assert [message["seq"] for message in listed["items"]] == [2, 1]


async def test_two_people_have_one_direct_conversation(
    chat: Chat, user: Person, other_user: Person
) -> None:
    assert await chat.direct(user, other_user) == await chat.direct(other_user, user)


async def test_the_same_client_id_again_sends_nothing_and_answers_the_first(
    chat: Chat, user: Person, other_user: Person, database: Database
) -> None:
    conversation = await chat.direct(user, other_user)
    first = await chat.try_to_send(user, conversation, "Two loaves", client_id="one")
    again = await chat.try_to_send(user, conversation, "Two loaves", client_id="one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(MessageRow)) == 1
        assert await session.scalar(select(func.count()).select_from(ChatEventRow)) == 1


async def test_one_message_sent_many_times_at_once_is_there_once_and_no_number_is_lost(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    answers = await asyncio.gather(
        *(chat.try_to_send(user, conversation, "Now", client_id="one") for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert {answer.json()["seq"] for answer in answers} == {1}
    assert (await chat.send(user, conversation, "Next"))["seq"] == 2


async def test_the_same_client_id_of_another_person_is_another_message(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    await chat.send(user, conversation, "Mine", client_id="one")
    await chat.send(other_user, conversation, "Yours", client_id="one")


async def test_many_senders_at_once_get_numbers_without_gaps(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    sent = await asyncio.gather(
        *(chat.send(sender, conversation, "!") for sender in (user, other_user) for _ in range(10))
    )
    assert sorted(message["seq"] for message in sent) == list(range(1, 21))


async def test_who_is_put_out_while_their_message_waits_has_sent_nothing(
    chat: Chat, user: Person, other_user: Person, database: Database
) -> None:
    group = UUID(await chat.group(user, other_user))
    async with database.transaction() as session:
        assert await conversations.lock(session, group, user.user_id)
        await events.append(session, group, ChatEventKind.MEMBER_LEFT, actor_id=user.user_id)
        await members.remove_member(session, group, other_user.user_id)
        sending = asyncio.create_task(chat.try_to_send(other_user, str(group), "Wait for me"))
        await waiting_for_a_lock(database, 1)
    assert (await sending).status_code == 404
    assert (await chat.events(user, str(group)))["up_to"] == 2
    assert (await chat.send(user, str(group), "Next"))["seq"] == 3


async def test_a_message_is_changed_by_its_sender_only(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, "Sunnday")
    path = f"/conversations/{conversation}/messages/{sent['id']}"
    refused = await chat.ask("PATCH", path, other_user, json={"text": "Monday"})
    changed = await chat.ask("PATCH", path, user, json={"text": "Sunday"})
    assert refused.status_code == 403
    assert changed.json()["text"] == "Sunday"
    assert changed.json()["edited_at"] is not None
    assert changed.json()["seq"] == 1
    assert changed.json()["changed_seq"] == 2


async def test_of_a_deleted_message_only_its_place_is_left(
    chat: Chat, user: Person, other_user: Person, database: Database
) -> None:
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, "A secret")
    path = f"/conversations/{conversation}/messages/{sent['id']}"
    await chat.ask("PUT", f"{path}/reactions/👍", other_user)
    assert (await chat.ask("DELETE", path, other_user)).status_code == 403
    deleted = (await chat.ask("DELETE", path, user)).json()
    assert (deleted["text"], deleted["reactions"]) == ("", [])
    assert deleted["deleted_at"] is not None
    assert (await chat.ask("DELETE", path, user)).json() == deleted
    late = await chat.ask("PATCH", path, user, json={"text": "Back"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/message-deleted")
    async with database.transaction() as session:
        kept = await session.scalar(select(func.string_agg(MessageRow.text, "")))
        told = (await session.scalars(select(ChatEventRow.details))).all()
    assert kept == ""
    assert "secret" not in str(told)


async def test_reactions_are_one_of_each_emoji_a_person(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, "Bread is ready")
    path = f"/conversations/{conversation}/messages/{sent['id']}/reactions"
    for emoji in ("🎉", "🎉", "👩‍🍳"):
        answer = await chat.ask("PUT", f"{path}/{emoji}", other_user)
        assert answer.status_code == 200, answer.text
    await chat.ask("PUT", f"{path}/🎉", user)
    assert answer.json()["changed_seq"] == 3
    taken_back = await chat.ask("DELETE", f"{path}/👩‍🍳", other_user)
    assert taken_back.json()["reactions"] == [
        {"emoji": "🎉", "user_ids": [str(other_user.user_id), str(user.user_id)]}
    ]


@pytest.mark.parametrize("word", ["no", "👍👍", "7", "<b>"])
async def test_a_reaction_is_one_emoji(
    chat: Chat, user: Person, other_user: Person, word: str
) -> None:
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, "Bread")
    path = f"/conversations/{conversation}/messages/{sent['id']}/reactions/{word}"
    answer = await chat.ask("PUT", path, user)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "emoji")


async def test_a_reply_is_to_a_message_of_the_same_conversation(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    third = await new_user("edsger")
    here, elsewhere = await chat.direct(user, other_user), await chat.direct(user, third)
    question = await chat.send(user, here, "Rye?")
    answer = await chat.send(other_user, here, "Yes", reply_to=question["id"])
    assert answer["reply_to"] == question["id"]
    refused = await chat.try_to_send(user, elsewhere, "Yes", reply_to=question["id"])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reply_to")


async def test_a_message_carries_media_of_its_sender(
    chat: Chat, user: Person, other_user: Person, picture: Picture, resources: Resources
) -> None:
    conversation = await chat.direct(user, other_user)
    uploaded = await chat.client.post(
        "/v1/users/me/media", headers=user.headers, files={"file": ("bread.png", picture())}
    )
    assert uploaded.status_code == 201, uploaded.text
    media_id = uploaded.json()["id"]
    sent = await chat.send(user, conversation, media_ids=[media_id])
    assert [item["media_id"] for item in sent["media"]] == [media_id]
    async with making_images(resources):
        shown = await until_made(chat.client, sent["media"][0]["urls"]["medium"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    stolen = await chat.try_to_send(other_user, conversation, media_ids=[media_id])
    assert (stolen.status_code, stolen.json()["errors"][0]["field"]) == (422, "media_ids[0]")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "body"),
        ({"text": " \n"}, "body"),
        ({"text": "x" * (TEXT_AT_MOST + 1)}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "x", "client_id": ""}, "client_id"),
        ({"text": "x", "client_id": "a b"}, "client_id"),
        ({"text": "x", "media_ids": [str(uuid4())] * (MEDIA_AT_MOST + 1)}, "media_ids"),
        ({"text": "x", "media_ids": [str(uuid4())]}, "media_ids[0]"),
        ({"text": "x", "reply_to": str(uuid4())}, "reply_to"),
        ({"text": "x", "shout": True}, "shout"),
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused_with_its_field(
    chat: Chat, user: Person, other_user: Person, body: dict[str, Any], field: str
) -> None:
    conversation = await chat.direct(user, other_user)
    answer = await chat.try_to_send(user, conversation, **body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_script_in_a_text_is_kept_and_served_as_data(
    chat: Chat, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    text = "<script>alert('bread')</script>"
    await chat.send(user, conversation, text)
    answer = await chat.ask("GET", f"/conversations/{conversation}/messages", other_user)
    assert answer.json()["items"][0]["text"] == text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("blocker_is_sender", [True, False])
async def test_nobody_writes_to_who_blocked_them_nor_to_whom_they_blocked(
    chat: Chat, user: Person, other_user: Person, database: Database, blocker_is_sender: bool
) -> None:
    conversation = await chat.direct(user, other_user)
    before = await chat.send(user, conversation, "Hello")
    blocker, blocked = (user, other_user) if blocker_is_sender else (other_user, user)
    async with database.transaction() as session:
        session.add(BlockRow(id=new_id(), blocker_id=blocker.user_id, blocked_id=blocked.user_id))
    message = f"/conversations/{conversation}/messages/{before['id']}"
    answers = [
        await chat.try_to_send(user, conversation, "Still there?"),
        await chat.ask("PATCH", message, user, json={"text": "Read this"}),
        await chat.ask("PUT", f"{message}/reactions/👍", user),
        await chat.ask(
            "POST", "/conversations/direct", user, json={"user_id": str(other_user.user_id)}
        ),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert {answer.json()["type"] for answer in answers} == {"/problems/not-reachable"}
    assert (await chat.ask("DELETE", message, user)).status_code == 200


async def test_a_conversation_of_others_is_not_there(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    stranger = await new_user("eve")
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, "Between us")
    path = f"/conversations/{conversation}"
    message = f"{path}/messages/{sent['id']}"
    answers = [
        await chat.ask("GET", path, stranger),
        await chat.ask("GET", f"{path}/messages", stranger),
        await chat.ask("GET", f"{path}/members", stranger),
        await chat.ask("GET", f"{path}/events", stranger),
        await chat.try_to_send(stranger, conversation, "Hi"),
        await chat.ask("PATCH", message, stranger, json={"text": "x"}),
        await chat.ask("DELETE", message, stranger),
        await chat.ask("PUT", f"{message}/reactions/👍", stranger),
        await chat.ask("DELETE", f"{message}/reactions/👍", stranger),
        await chat.ask("PUT", f"{path}/marks", stranger, json={"read_seq": 1}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    found = await chat.read("/search", stranger, q="between")
    assert found["items"] == []


async def test_others_are_notified_of_a_message_without_its_text(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson, database: Database
) -> None:
    third = await new_user("edsger")
    conversation = await chat.group(user, other_user, third)
    sent = await chat.send(user, conversation, "A secret recipe")
    async with database.transaction() as session:
        job = (await session.scalars(select(JobRow).where(JobRow.kind == "notify"))).one()
    assert str(job.subject_id) == conversation
    assert job.payload["kind"] == "message"
    assert job.payload["cause_id"] == sent["id"]
    assert set(job.payload["user_ids"]) == {str(other_user.user_id), str(third.user_id)}
    assert "recipe" not in str(job.payload)
