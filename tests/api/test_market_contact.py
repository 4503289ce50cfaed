"""Asking a seller: a conversation about a listing."""

import httpx
import pytest

from tests.api.chats import Chat
from tests.api.conftest import NewPerson
from tests.api.market_actors import Trader, rules, told


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who sells."""
    return Trader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who asks."""
    return Trader(client, await new_user("bob"))


@pytest.fixture
async def eve(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who has nothing to do with it."""
    return Trader(client, await new_user("eve"))


@pytest.fixture
def chat(client: httpx.AsyncClient) -> Chat:
    return Chat(client)


def about(conversation: str) -> str:
    return f"/v1/marketplace/conversations/{conversation}/listings"


async def test_asking_opens_the_conversation_and_says_it_once(
    ada: Trader, bob: Trader, chat: Chat
) -> None:
    listing = await ada.offer()
    body = {"client_id": "first", "text": "Is it still there?"}
    asked = told(await bob.listing("POST", listing, "/contact", json=body))
    assert told(await bob.listing("POST", listing, "/contact", json=body)) == asked
    conversation = asked["conversation_id"]
    assert conversation == await chat.direct(ada.person, bob.person)
    found = await chat.read(f"/conversations/{conversation}/messages", ada.person)
    assert [(one["id"], one["text"]) for one in found["items"]] == [
        (asked["message_id"], "Is it still there?")
    ]


async def test_both_see_what_they_talk_about(ada: Trader, bob: Trader, eve: Trader) -> None:
    oven, pin = await ada.offer(), await ada.offer(title="Rolling pin")
    for listing in (oven, pin, oven):
        asked = told(await bob.listing("POST", listing, "/contact", json={}))
        assert asked["message_id"] is None
    path = about(asked["conversation_id"])
    told(await ada.move(oven, "withdrawn"))
    for trader in (ada, bob):
        found = told(await trader.ask("GET", path))
        assert [(one["title"], one["status"]) for one in found] == [
            ("Rolling pin", "active"),
            ("Bread oven", "withdrawn"),
        ]
    assert (await eve.ask("GET", path)).status_code == 404


async def test_nobody_asks_themselves(ada: Trader) -> None:
    listing = await ada.offer()
    refused = await ada.listing("POST", listing, "/contact", json={})
    assert told(refused, 409)["type"] == "/problems/own-listing"


async def test_what_is_sold_is_not_asked_about(ada: Trader, bob: Trader) -> None:
    listing = await ada.offer()
    told(await ada.move(listing, "sold"))
    refused = await bob.listing("POST", listing, "/contact", json={})
    assert told(refused, 409)["type"] == "/problems/not-for-sale"
    hidden = await ada.offer(status="draft")
    assert (await bob.listing("POST", hidden, "/contact", json={})).status_code == 404


@pytest.mark.parametrize("by_seller", [True, False])
async def test_whoever_is_blocked_cannot_ask(ada: Trader, bob: Trader, by_seller: bool) -> None:
    listing = await ada.offer()
    one, other = (ada, bob) if by_seller else (bob, ada)
    told(await one.ask("PUT", f"/v1/feed/users/{other.person.user_id}/block"), 204)
    assert (await bob.listing("POST", listing, "/contact", json={})).status_code == 404
    talks = told(await bob.ask("GET", "/v1/chat/conversations"))
    assert talks["items"] == []


async def test_a_message_needs_a_name_of_its_own(ada: Trader, bob: Trader) -> None:
    listing = await ada.offer()
    refused = await bob.listing("POST", listing, "/contact", json={"text": "Hello"})
    assert refused.status_code == 422
    wrong = {"client_id": "a b", "text": "Hello"}
    assert set(rules(await bob.listing("POST", listing, "/contact", json=wrong))) == {"client_id"}
