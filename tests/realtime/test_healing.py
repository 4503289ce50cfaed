"""What was told and lost is told again, from the database."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from api.live.healing import Told
from domain.conversations import Presence
from domain.ids import new_id
from runtime.settings import Settings
from storage import presence
from storage.database import Database
from tests.api.chats import Chat
from tests.api.conftest import Person
from tests.realtime.conftest import Join


@pytest.fixture
def socket_settings(settings: Settings) -> Settings:
    """Healing every moment."""
    return settings.model_copy(update={"socket_heal_seconds": 0.3})


@pytest.fixture
async def deaf_chat(app: FastAPI) -> AsyncIterator[Chat]:
    """People talking through a process whose link to the others is cut: what it tells is lost."""
    link = app.state.resources.link

    async def lose(_: object) -> None:
        return None

    link._publish = lose
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield Chat(client)


async def test_an_idle_socket_learns_that_it_missed_something_and_catches_up(
    deaf_chat: Chat, join: Join, user: Person, other_user: Person
) -> None:
    conversation = await deaf_chat.direct(user, other_user)
    async with join(other_user) as socket:
        sent = await deaf_chat.send(user, conversation, "Nobody told you")
        position = await socket.seen("chat.position")
        assert position == {"conversation_id": conversation, "last_seq": 1}
        caught_up = await socket.call(
            "chat.catch_up", {"positions": [{"conversation_id": conversation, "after": 0}]}
        )
        events = caught_up["conversations"][0]["events"]
        assert [event["message"]["id"] for event in events] == [sent["id"]]


def test_what_was_told_is_known_for_two_rounds() -> None:
    conversation_id, other_id = new_id(), new_id()
    told = Told()
    told.note({"conversation_id": conversation_id, "seq": 7})
    told.note({"conversation_id": str(conversation_id), "seq": 6})  # as it comes over a link
    assert (told.up_to(conversation_id), told.up_to(other_id)) == (7, 0)
    told.turn()
    assert told.up_to(conversation_id) == 7
    told.turn()
    assert told.up_to(conversation_id) == 0


async def test_a_socket_that_was_not_told_of_its_group_hears_it_after_a_while(
    deaf_chat: Chat, chat: Chat, join: Join, user: Person, other_user: Person
) -> None:
    async with join(other_user) as socket:
        group = await deaf_chat.group(user, other_user)
        assert await socket.seen("chat.joined") == {"conversation_id": group}
        await chat.send(user, group, "Told")
        assert (await socket.seen("chat.event"))["message"]["text"] == "Told"
        await deaf_chat.ask("DELETE", f"/conversations/{group}/members/{other_user.user_id}", user)
        assert await socket.seen("chat.left") == {"conversation_id": group}


async def test_people_of_a_process_that_died_are_seen_to_be_gone(
    chat: Chat, join: Join, user: Person, other_user: Person, database: Database
) -> None:
    await chat.direct(user, other_user)
    dead = new_id()
    async with database.transaction() as session:
        await presence.keep_alive(session, dead, timedelta(seconds=5))
        await presence.put(session, dead, {other_user.user_id: Presence.ONLINE})
    async with join(user) as socket:
        wanted = {"user_ids": [str(other_user.user_id)]}
        seen = (await socket.call("presence.watch", wanted))["items"]
        assert seen[0]["state"] == "online"
        async with database.transaction() as session:
            await presence.keep_alive(session, dead, timedelta(seconds=-1))
        assert (await socket.seen("presence"))["state"] == "offline"
