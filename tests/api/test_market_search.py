"""Finding listings: by words, by what they are, in an order that holds while people sell."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import insert, text

from domain.ids import new_id
from storage.database import Database
from storage.tables import FavouriteRow, ListingRow, UserRow
from tests.api.conftest import NewPerson
from tests.api.market_actors import Trader, rules, told
from tests.sent_statements import sent_to, whole_reads


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who sells."""
    return Trader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who looks."""
    return Trader(client, await new_user("bob"))


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Rolling pin", "Flour mill", "Oven"]),
        ({"q": "oven"}, ["Oven", "Rolling pin"]),
        ({"q": "OVEN -pin"}, ["Oven"]),
        ({"q": '"for the oven"'}, ["Rolling pin"]),
        ({"q": "mill or pin", "sort": "newest"}, ["Rolling pin", "Flour mill"]),
        ({"q": "'; DROP TABLE listings; --"}, []),
        ({"q": "%"}, []),
        ({"category": "home"}, ["Flour mill", "Oven"]),
        ({"condition": "new"}, ["Rolling pin"]),
        ({"currency": "EUR"}, ["Rolling pin", "Oven"]),
        ({"currency": "EUR", "price_min": "10.01"}, ["Oven"]),
        ({"currency": "EUR", "price_min": "10", "price_max": "200"}, ["Rolling pin", "Oven"]),
        ({"currency": "EUR", "price_max": "199.99"}, ["Rolling pin"]),
        ({"place": "leipzig"}, ["Rolling pin", "Oven"]),
        ({"place": "leip"}, []),
        ({"currency": "EUR", "sort": "price_asc"}, ["Rolling pin", "Oven"]),
        ({"currency": "EUR", "sort": "price_desc"}, ["Oven", "Rolling pin"]),
    ],
)
async def test_what_is_found(
    ada: Trader, bob: Trader, query: dict[str, str], expected: list[str]
) -> None:
    await ada.offer(title="Oven", description="Bakes.", price=euros("200"))
    usd = {"amount": "50", "currency": "USD"}
    await ada.offer(title="Flour mill", price=usd, place={"name": "Halle"}, description="")
    await ada.offer(
        title="Rolling pin",
        description="Not for the oven.",
        price=euros("10"),
        category="tools",
        condition="new",
    )
    assert await bob.titles(**query) == expected
    assert await bob.titles(**query, limit=1) == expected


async def test_it_can_be_one_sellers(ada: Trader, bob: Trader) -> None:
    await ada.offer(title="Hers")
    await bob.offer(title="His")
    assert await bob.titles(seller_id=str(ada.person.user_id)) == ["Hers"]


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ({"sort": "price_asc"}, "currency", "missing"),
        ({"price_min": "1"}, "currency", "missing"),
        ({"currency": "EUR", "price_min": "-1"}, "price_min", "not_an_amount"),
        ({"currency": "EUR", "price_max": "1.234"}, "price_max", "too_many_decimals"),
        ({"currency": "euro"}, "currency", "string_too_long"),
        ({"currency": "QQQ"}, "currency", "unknown_currency"),
        ({"sort": "relevance"}, "q", "missing"),
        ({"sort": "random"}, "sort", "enum"),
        ({"category": "weapons"}, "category", "enum"),
        ({"q": "a\x00b"}, "q", "character_not_allowed"),
        ({"cursor": "made up"}, "cursor", "unknown_cursor"),
        ({"cursor": "W10"}, "cursor", "unknown_cursor"),
        ({"cursor": "bnVsbA"}, "cursor", "unknown_cursor"),
        ({"limit": "101"}, "limit", "less_than_equal"),
    ],
)
async def test_a_question_without_sense_is_refused(
    bob: Trader, query: dict[str, str], field: str, rule: str
) -> None:
    answer = await bob.ask("GET", "/v1/marketplace/listings", params=query)
    assert rules(answer) == {field: rule}


async def test_a_cursor_fits_its_own_order_only(ada: Trader, bob: Trader) -> None:
    for _ in range(2):
        await ada.offer()
    cursor = (await bob.page(limit=1))["next_cursor"]
    query = {"cursor": cursor, "sort": "price_asc", "currency": "EUR"}
    answer = await bob.ask("GET", "/v1/marketplace/listings", params=query)
    assert rules(answer) == {"cursor": "unknown_cursor"}


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "newest"},
        {"sort": "price_asc", "currency": "EUR"},
        {"sort": "price_desc", "currency": "EUR"},
        {"sort": "relevance", "q": "oven"},
    ],
)
async def test_pages_neither_skip_nor_repeat_while_people_sell(
    ada: Trader, bob: Trader, query: dict[str, str]
) -> None:
    there = {await ada.offer(price=euros(str(number // 3))) for number in range(12)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await bob.page(**query, **cursor, limit=3)
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        await ada.offer(price=euros("0"))
        await ada.offer(price=euros("99"))
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


async def test_whoever_is_blocked_sells_nothing_to_the_other(ada: Trader, bob: Trader) -> None:
    listing = await ada.offer()
    told(await ada.ask("PUT", f"/v1/feed/users/{bob.person.user_id}/block"), 204)
    assert await bob.titles() == []
    assert (await bob.listing("GET", listing)).status_code == 404
    assert await ada.titles() == ["Bread oven"]


LISTINGS, SELLERS, MARKED = 6_000, 3_000, 50


async def fill(database: Database, viewer: UUID) -> None:
    """Some thousands, of which most are for sale."""
    sellers = [new_id() for _ in range(SELLERS)]
    categories = ("home", "tools", "garden", "vehicles", "other")
    async with database.transaction() as session:
        session.add_all(
            UserRow(id=one, handle=one.hex, display_name="Seller", email=f"{one.hex}@example.org")
            for one in sellers
        )
        await session.flush()
        rows: Sequence[dict[str, Any]] = [
            {
                "id": (listing_id := new_id()),
                "seller_id": sellers[number % SELLERS],
                "title": f"Thing {number} {'oven' if number % 50 == 0 else 'bread'}",
                "description": f"Number {number} of many things. " * 5,
                "price": Decimal(number % 700),
                "currency": ("EUR", "USD", "JPY")[number % 3],
                "condition": "good",
                "category": categories[number % len(categories)],
                "place": f"Town {number % 100}",
                "status": "sold" if number % 10 == 0 and number % 50 else "active",
                "position": listing_id,
            }
            for number in range(LISTINGS)
        ]
        await session.execute(insert(ListingRow), rows)
        marked = [(viewer, row["id"]) for row in rows[:MARKED]]
        marked += [(sellers[number % SELLERS], row["id"]) for number, row in enumerate(rows)]
        await session.execute(
            insert(FavouriteRow),
            [{"id": new_id(), "user_id": user, "listing_id": one} for user, one in marked],
        )
        await session.execute(text("ANALYZE"))


async def test_every_search_reads_thousands_of_listings_by_an_index(
    ada: Trader, database: Database, database_dsn: str
) -> None:
    await fill(database, ada.person.user_id)
    listing = (await ada.page(limit=1))["items"][0]
    told(await ada.listing("PUT", listing["id"], "/favourite"), 204)
    for path, query in (
        ("", {}),
        ("", {"q": "oven"}),
        ("", {"q": "oven", "sort": "newest", "category": "home"}),
        ("", {"category": "tools"}),
        ("", {"place": "Town 7"}),
        ("", {"currency": "EUR", "sort": "price_asc", "price_min": "300"}),
        ("", {"currency": "USD", "sort": "price_desc", "price_max": "300"}),
        ("", {"seller_id": listing["seller"]["user_id"]}),
        ("/v1/users/me/listings", {}),
        ("/v1/users/me/favourites", {}),
        ("/v1/users/me/favourites/count", {}),
        (f"/v1/marketplace/listings/{listing['id']}", {}),
    ):
        cursor: dict[str, str] = {}
        for _ in range(2):  # the second page too, where there is one
            with sent_to(database) as sent:
                page = await ada.page(path or "/v1/marketplace/listings", **query, **cursor)
            asked = [one for one in sent if "listings" in one[0]]
            assert asked, path
            tables = {"listings", "favourites", "users"}
            assert await whole_reads(database_dsn, asked, tables) == set(), (path, query)
            if not page.get("next_cursor"):
                break
            cursor = {"cursor": page["next_cursor"]}


async def test_a_page_costs_the_same_however_long_it_is(
    ada: Trader, bob: Trader, database: Database, picture: Any
) -> None:
    async def cost(path: str, **query: str) -> int:
        with sent_to(database) as sent:
            await bob.page(path, **query)
        return len([one for one, _ in sent if "sessions" not in one])

    async def costs() -> list[int]:
        return [
            await cost("/v1/marketplace/listings"),
            await cost("/v1/marketplace/listings", q="oven"),
            await cost("/v1/users/me/favourites"),
            await cost("/v1/users/me/listings"),
        ]

    async def grow() -> None:
        for trader in (ada, bob):
            listing = await trader.offer()
            told(await trader.show_images(listing, await trader.upload(picture())))
            told(await bob.listing("PUT", listing, "/favourite"), 204)

    await grow()
    few = await costs()
    for _ in range(5):
        await grow()
    assert await costs() == few
    assert max(few) <= 4


async def test_favourites_are_marked_once_and_let_go_once(ada: Trader, bob: Trader) -> None:
    first, second = await ada.offer(title="First"), await ada.offer(title="Second")
    for listing in (first, second, first):
        told(await bob.listing("PUT", listing, "/favourite"), 204)
    await asyncio.gather(*(bob.listing("PUT", second, "/favourite") for _ in range(4)))
    assert await bob.titles("/v1/users/me/favourites", limit=1) == ["Second", "First"]
    assert (await bob.page("/v1/users/me/favourites/count")) == {"count": 2}
    seen, by_seller = await bob.see(first), await ada.see(first)
    assert (seen["favourite_count"], seen["is_favourite"]) == (1, True)
    assert (by_seller["favourite_count"], by_seller["is_favourite"]) == (1, False)
    for _ in range(2):
        told(await bob.listing("DELETE", first, "/favourite"), 204)
    assert (await bob.see(first))["favourite_count"] == 0
    told(await ada.move(second, "withdrawn"))
    assert await bob.titles("/v1/users/me/favourites") == []
    assert (await bob.page("/v1/users/me/favourites/count")) == {"count": 0}
    draft = await ada.offer(status="draft")
    assert (await bob.listing("PUT", draft, "/favourite")).status_code == 404
    assert UUID(draft)
