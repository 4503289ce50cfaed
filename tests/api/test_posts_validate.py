"""What each network would refuse, told with rule and numbers before anything is saved."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.limits import AccountLimits
from domain.networks import Network
from storage import connections
from storage.database import Database
from tests.api.test_posts_actors import TOMORROW, Author, accepted, refused
from tests.conftest import Tenant

URL = "https://example.com/" + "a" * 80


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


def found(checked: dict[str, Any], position: int = 0) -> list[tuple[str, str, Any, Any]]:
    """What stands against one target."""
    return [
        (one["field"], one["rule"], one["limit"], one["actual"])
        for one in checked["targets"][position]["violations"]
    ]


@pytest.mark.parametrize(
    ("network", "text", "violations"),
    [
        (Network.X, "x" * 280, []),
        (Network.X, "x" * 281, [("text", "text_too_long", 280, 281)]),
        (Network.X, "面" * 141, [("text", "text_too_long", 280, 282)]),
        (Network.X, f"{URL} " + "x" * 256, []),
        (Network.X, f"{URL} " + "x" * 257, [("text", "text_too_long", 280, 281)]),
        (Network.X, "$A $B", [("text", "too_many_cashtags", 1, 2)]),
        (Network.BLUESKY, "x" * 300, []),
        (Network.BLUESKY, "x" * 301, [("text", "text_too_long", 300, 301)]),
        (Network.BLUESKY, "é" * 300, []),
        (Network.BLUESKY, "e\u0301" * 301, [("text", "text_too_long", 300, 301)]),
        (Network.BLUESKY, "👩‍👩‍👧‍👦" * 121, [("text", "text_too_many_bytes", 3000, 3025)]),
        (Network.MASTODON, f"{URL} " + "x" * 476, []),
        (Network.MASTODON, f"{URL} " + "x" * 477, [("text", "text_too_long", 500, 501)]),
        (Network.FACEBOOK, "x" * 63_207, [("text", "text_too_long", 63_206, 63_207)]),
        (Network.FEED, "x" * 5_001, [("text", "text_too_long", 5_000, 5_001)]),
        (Network.FEED, " \n", [("text", "text_empty", None, None)]),
    ],
)
async def test_texts_are_counted_as_each_network_counts_them(
    author: Author, network: Network, text: str, violations: list[tuple[str, str, int, int]]
) -> None:
    account = await author.connect(network)
    checked = await author.validate(account, text=text)
    assert found(checked) == violations
    assert checked["publishable"] is (not violations)
    assert checked["targets"][0]["publishable"] is (not violations)
    assert checked["targets"][0]["account_id"] == account
    assert checked["targets"][0]["network"] == network


@pytest.mark.parametrize(
    ("network", "items", "violations"),
    [
        (Network.INSTAGRAM, 0, [("media", "media_required", 1, 0)]),
        (Network.INSTAGRAM, 10, []),
        (Network.INSTAGRAM, 11, [("media", "too_many_media", 10, 11)]),
        (Network.FACEBOOK, 10, []),
        (Network.FACEBOOK, 11, [("media", "too_many_media", 10, 11)]),
        (Network.X, 5, [("media", "too_many_media", 4, 5)]),
        (Network.BLUESKY, 5, [("media", "too_many_media", 4, 5)]),
        (Network.MASTODON, 5, [("media", "too_many_media", 4, 5)]),
        (Network.FEED, 11, [("media", "too_many_media", 10, 11)]),
    ],
)
async def test_albums_have_each_networks_size(
    author: Author, network: Network, items: int, violations: list[tuple[str, str, int, int]]
) -> None:
    bread = await author.upload()
    checked = await author.validate(
        await author.connect(network), media=[{"media_id": bread}] * items
    )
    assert found(checked) == violations


async def test_pictures_have_each_networks_type_and_shape(author: Author) -> None:
    wide = await author.upload((1000, 300), "PNG")
    checked = await author.validate(
        await author.connect(Network.INSTAGRAM),
        await author.connect(Network.FEED),
        media=[{"media_id": wide}],
    )
    assert found(checked, 0) == [
        ("media[0]", "media_type_not_allowed", "JPEG", "image/png"),
        ("media[0]", "media_aspect_ratio", "4:5 to 1.91:1", "1000:300"),
    ]
    assert found(checked, 1) == []
    assert [one["publishable"] for one in checked["targets"]] == [False, True]
    assert checked["publishable"] is False


@pytest.mark.parametrize(
    ("network", "fields", "field", "rule"),
    [
        (Network.FEED, {"thread": [{"text": "More."}]}, "thread", "thread_not_supported"),
        (Network.X, {"first_comment": "Hi"}, "first_comment", "first_comment_not_supported"),
        (Network.X, {"link": "https://a.example"}, "link", "link_not_supported"),
        (Network.X, {"visibility": "private"}, "visibility", "visibility_not_supported"),
        (Network.X, {"thread": [{"text": "x" * 281}]}, "thread[0].text", "text_too_long"),
        (Network.X, {"thread": [{"text": "a"}, {}]}, "thread[1].text", "text_empty"),
        (Network.FACEBOOK, {"link": "bakery"}, "link", "link_not_a_url"),
        (Network.FACEBOOK, {"first_comment": ""}, "first_comment", "text_empty"),
        (Network.MASTODON, {"content_warning": "x" * 500}, "text", "text_too_long"),
        (Network.FEED, {"language": "Deutsch, bitte"}, "language", "language_not_a_tag"),
    ],
)
async def test_what_a_network_has_no_use_for_is_named_with_the_way_out(
    author: Author, network: Network, fields: dict[str, Any], field: str, rule: str
) -> None:
    checked = await author.validate(await author.connect(network), **fields)
    [violation] = checked["targets"][0]["violations"]
    assert (violation["field"], violation["rule"]) == (field, rule)
    assert violation["message"]
    assert violation["fix"]


async def test_a_variant_mends_it_for_its_network_alone(author: Author) -> None:
    x, bluesky = await author.connect(Network.X), await author.connect(Network.BLUESKY)
    checked = await author.validate(x, bluesky, text="x" * 301, variants={"x": {"text": "Short."}})
    assert found(checked, 0) == []
    assert found(checked, 1) == [("text", "text_too_long", 300, 301)]


async def test_an_error_in_a_variant_points_there(author: Author) -> None:
    x = await author.connect(Network.X)
    fields = {"text": "Short.", "variants": {"x": {"text": "x" * 281, "thread": [{"text": ""}]}}}
    wrong = [
        ("variants.x.text", "text_too_long", 280, 281),
        ("variants.x.thread[0].text", "text_empty", None, None),
    ]
    assert found(await author.validate(x, **fields)) == wrong
    answer = await author.create({**fields, "targets": [x], "publish_at": TOMORROW.isoformat()})
    for field, rule, _, _ in wrong:
        refused(answer, field, rule)


async def test_the_limits_that_a_server_told_of_the_account_count(author: Author) -> None:
    roomy = await author.connect(Network.MASTODON, limits=AccountLimits(max_characters=1000))
    usual = await author.connect(Network.MASTODON)
    checked = await author.validate(roomy, usual, text="x" * 501)
    assert found(checked, 0) == []
    assert found(checked, 1) == [("text", "text_too_long", 500, 501)]


async def test_an_account_that_cannot_publish_now_is_named(
    author: Author, database: Database
) -> None:
    gone = await author.connect(Network.FEED, "gone")
    fine = await author.connect(Network.FEED, "fine")
    async with database.transaction() as session:
        await connections.disconnect(session, UUID(gone))
    checked = await author.validate(fine, gone)
    assert [one["publishable"] for one in checked["targets"]] == [True, False]
    assert found(checked, 1) == [("targets[1]", "account_not_connected", None, None)]
    assert checked["publishable"] is False


async def test_a_post_that_goes_nowhere_is_not_publishable(author: Author) -> None:
    assert await author.validate() == {"publishable": False, "targets": []}


async def test_the_time_is_checked_too(author: Author) -> None:
    body = {"text": "Bread.", "publish_at": "2027-03-01T09:00:00"}
    answer = await author.ask("POST", "/v1/posts/validate", json=body)
    refused(answer, "publish_at", "missing_offset")


async def test_validating_saves_nothing(author: Author) -> None:
    feed = await author.connect(Network.FEED)
    answer = await author.ask(
        "POST",
        "/v1/posts/validate",
        json={"text": "Bread.", "targets": [feed], "publish_at": "now"},
        headers={"Idempotency-Key": "unused"},
    )
    assert accepted(answer)["publishable"] is True
    assert set((await author.ledger.counts()).values()) == {0}


async def test_what_validates_can_be_scheduled_and_what_does_not_cannot(author: Author) -> None:
    targets = [await author.connect(network) for network in Network]
    bread = await author.upload()
    good = {"text": "Bread.", "media": [{"media_id": bread}], "targets": targets}
    for fields in (good, {**good, "media": []}, {**good, "text": "x" * 281}):
        checked = await author.ask("POST", "/v1/posts/validate", json=fields)
        answer = await author.create({**fields, "publish_at": TOMORROW.isoformat()})
        assert answer.is_success is checked.json()["publishable"]
        if not answer.is_success:
            told = {
                (one["field"], one["rule"])
                for target in checked.json()["targets"]
                for one in target["violations"]
            }
            assert {(one["field"], one["rule"]) for one in answer.json()["errors"]} == told
