"""Sockets: who may connect and stay, what they hear, and what becomes of those that misbehave."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.roles import UserRole
from runtime.resources import Resources
from storage.database import Database
from storage.users import sessions, users
from storage.users.access_tokens import AccessTokens
from storage.users.sessions import EndReason
from tests.api.chats import Chat
from tests.api.conftest import NewPerson, Person
from tests.patience import PATIENCE
from tests.realtime.conftest import Join
from tests.realtime.socket_client import ConnectRefused, SocketClient, connected


async def test_a_message_over_http_is_heard_by_both_with_its_number(
    chat: Chat, join: Join, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    async with join(user) as mine, join(other_user) as theirs:
        sent = await chat.send(user, conversation, "Hello")
        for socket in (mine, theirs):
            event = await socket.seen("chat.event")
            assert (event["kind"], event["seq"]) == ("message_sent", 1)
            assert event["message"]["id"] == sent["id"]


async def test_live_and_catching_up_say_the_same(
    chat: Chat, join: Join, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    async with join(user) as mine, join(other_user) as theirs:
        sent = await mine.call(
            "chat.send", {"conversation_id": conversation, "client_id": "1", "text": "Hello"}
        )
        message_id = sent["message"]["id"]
        about = {"conversation_id": conversation, "message_id": message_id}
        assert (await theirs.call("chat.react", {**about, "emoji": "🥖"}))["ok"]
        assert (await theirs.call("chat.mark", {"conversation_id": conversation, "read_seq": 1}))[
            "ok"
        ]
        heard = [await mine.seen("chat.event") for _ in range(3)]
        caught_up = await mine.call(
            "chat.catch_up", {"positions": [{"conversation_id": conversation, "after": 0}]}
        )
    missed = caught_up["conversations"][0]["events"]
    assert [event["seq"] for event in heard] == [1, 2, 3]
    assert heard[1:] == missed[1:]
    assert missed[0]["message"] == heard[1]["message"], "the message as it is now"
    assert (await chat.events(user, conversation))["events"] == missed


async def test_sending_again_over_the_socket_after_http_is_the_same_message(
    chat: Chat, socket: SocketClient, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, "Once", client_id="one")
    again = await socket.call(
        "chat.send", {"conversation_id": conversation, "client_id": "one", "text": "Once"}
    )
    assert (again["ok"], again["repeated"], again["message"]) == (True, True, sent)


async def test_who_is_let_into_a_group_hears_it_at_once_and_no_more_after_leaving(
    chat: Chat, join: Join, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    third = await new_user("edsger")
    async with join(third) as socket:
        group = await chat.group(user, other_user)
        path = f"/conversations/{group}/members"
        await chat.ask("POST", path, user, json={"user_ids": [str(third.user_id)]})
        assert await socket.seen("chat.joined") == {"conversation_id": group}
        assert (await socket.seen("chat.event"))["kind"] == "members_added"
        await chat.ask("DELETE", f"{path}/{third.user_id}", user)
        assert (await socket.seen("chat.event"))["kind"] == "member_left"
        assert await socket.seen("chat.left") == {"conversation_id": group}
        await chat.send(user, group, "Is he gone?")
        direct = await chat.direct(user, third)
        await chat.send(user, direct, "You are gone.")
        assert (await socket.seen("chat.event"))["conversation_id"] == direct


async def test_typing_is_told_to_others_and_not_more_often_than_anybody_can_read(
    chat: Chat, join: Join, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    conversation = await chat.direct(user, other_user)
    stranger = await new_user("eve")
    about = {"conversation_id": conversation}
    async with join(user) as mine, join(other_user) as theirs, join(stranger) as elsewhere:
        for _ in range(5):
            assert (await mine.call("chat.typing", about))["ok"]
        assert (await elsewhere.call("chat.typing", about))["problem"]["status"] == 404
        await chat.send(user, conversation, "Done")
        heard = [await theirs.next("chat.typing", "chat.event") for _ in range(2)]
        assert [name for name, _ in heard] == ["chat.typing", "chat.event"]
        assert heard[0][1] == {"conversation_id": conversation, "user_id": str(user.user_id)}
        assert (await mine.next("chat.typing", "chat.event"))[0] == "chat.event"


@pytest.mark.parametrize(
    "auth", [None, {}, {"token": "x"}, {"token": 7}, {"token": "x", "more": 1}, ["x"], "x"]
)
async def test_nobody_connects_without_a_token_that_counts(api: str, auth: object) -> None:
    with pytest.raises(ConnectRefused) as refused:
        async with connected(api, auth):
            pass
    assert refused.value.error["data"]["type"] == "/problems/unauthorized"


async def test_an_expired_token_opens_no_socket(
    api: str, user: Person, settings_keys: list[str]
) -> None:
    old = AccessTokens(settings_keys, lifetime=timedelta(seconds=-1))
    token = old.issue(user_id=user.user_id, session_id=user.session_id, role=UserRole.USER)
    with pytest.raises(ConnectRefused) as refused:
        async with connected(api, {"token": token}):
            pass
    assert refused.value.error["data"]["type"] == "/problems/token-expired"


@pytest.fixture
def settings_keys(resources: Resources) -> list[str]:
    """What signs access tokens here."""
    return [key.get_secret_value() for key in resources.settings.auth_signing_keys]


async def test_a_socket_is_closed_when_its_token_ends_unless_it_shows_another(
    api: str, user: Person, settings_keys: list[str], new_user: NewPerson
) -> None:
    brief = AccessTokens(settings_keys, lifetime=timedelta(seconds=5))
    token = brief.issue(user_id=user.user_id, session_id=user.session_id, role=UserRole.USER)
    stranger = await new_user("eve")
    async with connected(api, {"token": token}) as ends, connected(api, {"token": token}) as stays:
        refused = await stays.call("auth.renew", {"token": stranger.access_token})
        assert refused["problem"]["status"] == 401
        assert (await stays.call("auth.renew", {"token": user.access_token}))["ok"]
        assert await ends.seen("closed") == {"reason": "token-expired"}
        async with asyncio.timeout(PATIENCE):
            await ends.closed.wait()
        assert (await stays.call("presence.set", {"away": False}))["ok"]


async def test_sockets_of_a_session_that_ended_are_closed_and_others_stay(
    api: str, join: Join, user: Person, database: Database, other_user: Person
) -> None:
    async with join(user) as ends, join(other_user) as stays:
        async with database.transaction() as session:
            await sessions.end(session, user.user_id, user.session_id, reason=EndReason.REVOKED)
        assert await ends.seen("closed") == {"reason": "session-ended"}
        assert (await stays.call("presence.set", {"away": False}))["ok"]
    with pytest.raises(ConnectRefused):
        async with join(user):
            pass


async def test_sockets_of_a_suspended_user_are_closed(
    join: Join, user: Person, database: Database
) -> None:
    async with join(user) as socket:
        async with database.transaction() as session:
            await users.suspend(session, user.user_id, reason="spam")
        assert await socket.seen("closed") == {"reason": "suspended"}
        async with asyncio.timeout(PATIENCE):
            await socket.closed.wait()


async def test_the_bus_of_another_process_tells_and_closes_sockets_here(
    join: Join, user: Person, resources: Resources
) -> None:
    async with join(user) as socket:
        await resources.live.tell([user.user_id], "notification", {"id": uuid4()})
        assert (await socket.seen("notification"))["id"]
        await resources.live.disconnect_user(user.user_id, "suspended")
        assert await socket.seen("closed") == {"reason": "suspended"}


@pytest.mark.parametrize(
    ("event", "payload", "field"),
    [
        ("chat.send", None, "client_id"),
        ("chat.send", [1, 2], "body"),
        ("chat.send", {"conversation_id": "x", "client_id": "1", "text": "x"}, "conversation_id"),
        ("chat.typing", {"conversation_id": str(uuid4()), "more": 1}, "more"),
        ("chat.react", {"conversation_id": str(uuid4()), "message_id": 1}, "message_id"),
        ("presence.watch", {"user_ids": [str(uuid4())] * 101}, "user_ids"),
    ],
)
async def test_a_wrong_payload_is_acknowledged_with_what_is_wrong(
    socket: SocketClient, event: str, payload: object, field: str
) -> None:
    answer = await socket.call(event, payload)
    assert (answer["ok"], answer["problem"]["status"]) == (False, 422)
    assert answer["problem"]["errors"][0]["field"] == field


async def test_an_unknown_event_is_acknowledged_with_the_known_ones(socket: SocketClient) -> None:
    answer = await socket.call("chat.shout", {})
    assert answer["problem"]["status"] == 404
    assert "chat.send" in answer["problem"]["detail"]


@pytest.mark.parametrize(
    "packet", ["4", "49", "42", '42{"a":1}', "42[]", "451-[", "42[7]", '421["chat.send",', b"\x00"]
)
async def test_a_packet_that_means_nothing_harms_nobody_else(
    join: Join, user: Person, other_user: Person, packet: str | bytes
) -> None:
    async with join(user) as wrong, join(other_user) as right:
        await wrong.raw(packet)
        assert (await right.call("presence.set", {"away": False}))["ok"]


async def test_a_packet_over_the_limit_closes_its_socket(
    join: Join, user: Person, resources: Resources
) -> None:
    limit = resources.settings.socket_max_bytes
    async with join(user) as socket:
        await socket.raw("42" + "x" * limit)
        async with asyncio.timeout(PATIENCE):
            await socket.closed.wait()


async def test_a_flooding_socket_is_warned_then_closed_and_the_server_keeps_its_pace(
    chat: Chat, join: Join, user: Person, other_user: Person
) -> None:
    conversation = await chat.direct(user, other_user)
    async with join(user) as flooding, join(other_user) as calm:
        answers: list[asyncio.Future[Any]] = []
        flood = asyncio.create_task(_flood(flooding, answers, conversation))
        slowest = 0.0
        for number in range(10):
            began = time.monotonic()
            message = {"conversation_id": conversation, "client_id": f"{number}", "text": "calm"}
            assert (await calm.call("chat.send", message))["ok"]
            slowest = max(slowest, time.monotonic() - began)
        async with asyncio.timeout(PATIENCE):
            await flooding.closed.wait()
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)
    refused = [one.result() for one in answers if one.done() and not one.result()["ok"]]
    assert refused, "it was told before it was closed"
    assert refused[0]["problem"]["type"] == "/problems/rate-limited"
    assert slowest < PATIENCE / 4


async def _flood(
    socket: SocketClient, answers: list[asyncio.Future[Any]], conversation: str
) -> None:
    for _ in range(5_000):
        answers.append(socket.start("chat.typing"))
        await socket.raw(socket.packet("chat.typing", {"conversation_id": conversation}))


async def test_presence_is_told_to_those_who_watch_and_may(
    chat: Chat, join: Join, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    stranger = await new_user("eve")
    await chat.direct(user, other_user)
    wanted = {"user_ids": [str(other_user.user_id), str(stranger.user_id)]}
    async with join(user) as watching:
        seen = (await watching.call("presence.watch", wanted))["items"]
        assert [(one["user_id"], one["state"]) for one in seen] == [
            (str(other_user.user_id), "offline")
        ]
        async with join(other_user) as socket:
            assert (await watching.seen("presence"))["state"] == "online"
            async with join(other_user) as second:
                await socket.call("presence.set", {"away": True})
                await second.call("presence.set", {"away": True})
                assert (await watching.seen("presence"))["state"] == "away"
        gone = await watching.seen("presence")
        assert gone["state"] == "offline"
        assert gone["last_seen_at"] is not None
    listed = await chat.read("/presence", user, user_ids=wanted["user_ids"])
    assert [one["state"] for one in listed["items"]] == ["offline"]
