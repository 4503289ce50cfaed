"""Listings: written by their sellers, seen by others, sold and withdrawn."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from storage.database import Database
from storage.marketplace import moderating
from tests.api.conftest import NewPerson
from tests.api.market_actors import OVEN, Trader, rules, told

SCRIPT = "<script>alert('1')</script> & \"quoted\""


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who sells."""
    return Trader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who buys."""
    return Trader(client, await new_user("bob"))


async def test_what_is_offered_is_seen_as_it_was_written(ada: Trader, bob: Trader) -> None:
    place = {"name": "Leipzig", "latitude": 51.3396955, "longitude": 12.3730747}
    offered = told(await ada.try_to_offer(place=place), 201)
    seen = await bob.see(offered["id"])
    assert seen == offered
    for field in ("title", "description", "price", "condition", "category", "status"):
        assert seen[field] == OVEN[field]
    assert seen["place"] == {"name": "Leipzig", "latitude": 51.34, "longitude": 12.373}
    assert seen["seller"]["handle"] == "ada"
    assert (seen["images"], seen["favourite_count"], seen["is_favourite"]) == ([], 0, False)


@pytest.mark.parametrize(
    ("price", "field", "rule"),
    [
        ({"amount": "-1", "currency": "EUR"}, "price", "not_an_amount"),
        ({"amount": "NaN", "currency": "EUR"}, "price", "not_an_amount"),
        ({"amount": "1e9", "currency": "EUR"}, "price", "not_an_amount"),
        ({"amount": "1.999", "currency": "EUR"}, "price", "too_many_decimals"),
        ({"amount": "1.5", "currency": "JPY"}, "price", "too_many_decimals"),
        ({"amount": "9" * 13, "currency": "EUR"}, "price", "too_large"),
        ({"amount": "1", "currency": "eur"}, "price.currency", "unknown_currency"),
        ({"amount": "1", "currency": "ZZZ"}, "price.currency", "unknown_currency"),
        ({"amount": 12.5, "currency": "EUR"}, "price.amount", "string_type"),
        ({"amount": "1"}, "price.currency", "missing"),
    ],
)
async def test_a_price_that_is_none_is_refused(
    ada: Trader, price: dict[str, Any], field: str, rule: str
) -> None:
    assert rules(await ada.try_to_offer(price=price)) == {field: rule}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"description": "x" * 10_001}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"condition": "shiny"}, "condition"),
        ({"category": "weapons"}, "category"),
        ({"status": "sold"}, "status"),
        ({"status": "removed"}, "status"),
        ({"place": {"name": "Leipzig", "latitude": 91, "longitude": 0}}, "place.latitude"),
        ({"place": {"name": "Leipzig", "latitude": 1}}, "place"),
        ({"images": ["https://example.org/cat.jpg"]}, "images"),
        ({"seller_id": str(uuid4())}, "seller_id"),
    ],
)
async def test_what_is_no_listing_is_refused_by_field(
    ada: Trader, wrong: dict[str, Any], field: str
) -> None:
    assert set(rules(await ada.try_to_offer(**wrong))) == {field}
    assert (await ada.page("/v1/users/me/listings"))["items"] == []


async def test_script_is_data(ada: Trader, bob: Trader) -> None:
    listing = await ada.offer(title=SCRIPT, description=SCRIPT, place={"name": SCRIPT})
    answer = await bob.listing("GET", listing)
    assert answer.headers["content-type"] == "application/json"
    seen = told(answer)
    assert (seen["title"], seen["description"], seen["place"]["name"]) == (SCRIPT,) * 3
    assert await bob.titles(q="quoted") == [SCRIPT]


async def test_only_what_is_sent_changes(ada: Trader) -> None:
    listing = await ada.offer()
    before = await ada.see(listing)
    change = {"price": {"amount": "199", "currency": "USD"}, "description": ""}
    changed = told(await ada.listing("PATCH", listing, json=change))
    assert changed["price"] == {"amount": "199.00", "currency": "USD"}
    assert changed["description"] == ""
    same = set(before) - {"price", "description", "updated_at"}
    assert {name: changed[name] for name in same} == {name: before[name] for name in same}
    refused = await ada.listing("PATCH", listing, json={"price": {"amount": "-1"}})
    assert refused.status_code == 422
    assert (await ada.see(listing))["price"]["amount"] == "199.00"


async def test_another_persons_listing_cannot_be_touched(ada: Trader, bob: Trader) -> None:
    listing = await ada.offer()
    for method, path, body in (
        ("PATCH", "", {"title": "Mine"}),
        ("DELETE", "", None),
        ("PUT", "/status", {"status": "sold"}),
        ("PUT", "/images", {"media_ids": []}),
    ):
        assert (await bob.listing(method, listing, path, json=body)).status_code == 404
        assert (await bob.listing(method, str(uuid4()), path, json=body)).status_code == 404
    assert (await ada.see(listing))["status"] == "active"


async def test_nobody_sees_anything_without_signing_in(
    ada: Trader, client: httpx.AsyncClient
) -> None:
    listing = await ada.offer()
    for path in ("/v1/marketplace/listings", f"/v1/marketplace/listings/{listing}"):
        assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize(
    ("moves", "found", "shown"),
    [
        ([], False, False),
        (["active"], True, True),
        (["active", "sold"], False, True),
        (["active", "withdrawn"], False, False),
        (["active", "withdrawn", "active"], True, True),
        (["active", "sold", "active"], True, True),
        (["active", "withdrawn", "sold"], False, True),
    ],
)
async def test_what_others_see_follows_the_status(
    ada: Trader, bob: Trader, moves: list[str], found: bool, shown: bool
) -> None:
    listing = await ada.offer(status="draft")
    for status in moves:
        assert told(await ada.move(listing, status))["status"] == status
        assert told(await ada.move(listing, status))["status"] == status  # again is fine
    assert await bob.titles() == (["Bread oven"] if found else [])
    assert (await bob.listing("GET", listing)).status_code == (200 if shown else 404)
    assert (await ada.see(listing))["status"] == (moves or ["draft"])[-1]


@pytest.mark.parametrize(
    ("moves", "then"), [([], "sold"), ([], "withdrawn"), (["active", "sold"], "withdrawn")]
)
async def test_there_is_not_a_way_from_every_status_to_every_other(
    ada: Trader, moves: list[str], then: str
) -> None:
    listing = await ada.offer(status="draft")
    for status in moves:
        told(await ada.move(listing, status))
    assert told(await ada.move(listing, then), 409)["type"] == "/problems/listing-status"
    assert (await ada.move(listing, "draft")).status_code == 422
    assert (await ada.move(listing, "removed")).status_code == 422


async def test_what_is_sold_stays_as_it_was(ada: Trader) -> None:
    listing = await ada.offer()
    told(await ada.move(listing, "sold"))
    refused = await ada.listing("PATCH", listing, json={"title": "Something else"})
    assert told(refused, 409)["type"] == "/problems/listing-settled"
    assert (await ada.see(listing))["title"] == "Bread oven"


async def test_a_deleted_listing_is_gone_with_what_hangs_on_it(ada: Trader, bob: Trader) -> None:
    listing = await ada.offer()
    told(await bob.listing("PUT", listing, "/favourite"), 204)
    told(await bob.listing("POST", listing, "/contact", json={}))
    told(await ada.listing("DELETE", listing), 204)
    assert (await ada.listing("GET", listing)).status_code == 404
    assert (await ada.listing("DELETE", listing)).status_code == 404
    assert await bob.titles("/v1/users/me/favourites") == []


async def test_what_a_moderator_removed_is_told_to_its_seller_only(
    ada: Trader, bob: Trader, database: Database
) -> None:
    listing = await ada.offer()
    async with database.transaction() as session:
        assert await moderating.remove(session, UUID(listing), "Not allowed here.")
        assert not await moderating.remove(session, UUID(listing), "Twice.")
    assert (await bob.listing("GET", listing)).status_code == 404
    assert await bob.titles() == []
    mine = await ada.see(listing)
    assert (mine["status"], mine["removal_reason"]) == ("removed", "Not allowed here.")
    for method, path, body in (
        ("PATCH", "", {"title": "Again"}),
        ("PUT", "/status", {"status": "active"}),
        ("DELETE", "", None),
        ("PUT", "/images", {"media_ids": []}),
    ):
        assert (await ada.listing(method, listing, path, json=body)).status_code == 409
    async with database.transaction() as session:
        assert await moderating.restore(session, UUID(listing))
        assert not await moderating.restore(session, UUID(listing))
    assert (await bob.see(listing))["removal_reason"] is None


async def test_ones_own_are_listed_in_any_state(ada: Trader, bob: Trader) -> None:
    for status in ("draft", "active"):
        await ada.offer(title=status.title(), status=status)
    await bob.offer(title="Another's")
    assert await ada.titles("/v1/users/me/listings", limit=1) == ["Active", "Draft"]
    assert await ada.titles("/v1/users/me/listings", status="draft") == ["Draft"]
    refused = await ada.ask("GET", "/v1/users/me/listings", params={"cursor": "made up"})
    assert rules(refused) == {"cursor": "unknown_cursor"}
