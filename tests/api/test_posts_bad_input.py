"""Whatever is sent: a clear refusal that names field and fix, and nothing half-saved."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update

from domain.networks import Network
from storage import connections
from storage.accounts import AccountStatus
from storage.database import Database
from storage.tables import AccountRow
from tests.api.test_posts_actors import TOMORROW, Author, accepted, problem, refused
from tests.conftest import Tenant

NEXT_YEAR = datetime.now(UTC).year + 1
LONE_SURROGATE = "\\ud800"
"""As JSON writes it: no UTF-8 can."""


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def unchanged(author: Author) -> AsyncIterator[dict[str, Any]]:
    """A scheduled post; after the test neither it nor any table of posts has changed."""
    post = await author.schedule(await author.connect(Network.FEED))
    before = await author.ledger.counts()
    yield post
    assert await author.ledger.counts() == before
    assert await author.show(post["id"]) == post


async def everywhere(
    author: Author, post: dict[str, Any], fields: dict[str, Any]
) -> list[httpx.Response]:
    """The same fields created, validated and put into the post."""
    whole = {"text": "Bread.", "targets": [post["deliveries"][0]["account_id"]], **fields}
    return [
        await author.create(whole, f"{uuid4()}"),
        await author.ask("POST", "/v1/posts/validate", json=whole),
        await author.change(post, **fields),
    ]


async def send(author: Author, body: bytes | str, **headers: str) -> httpx.Response:
    """POST these very bytes as JSON."""
    return await author.ask(
        "POST", "/v1/posts", content=body, headers={"Content-Type": "application/json", **headers}
    )


def wall(time_zone: str, wall_time: str = f"{NEXT_YEAR}-03-01T09:00") -> dict[str, str]:
    return {"wall_time": wall_time, "time_zone": time_zone}


async def test_times_that_name_no_moment_ahead(author: Author, unchanged: dict[str, Any]) -> None:
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for publish_at, rule in (
        (an_hour_ago, "in_the_past"),
        (wall("UTC", "2020-01-01T00:00"), "in_the_past"),
        ("9999-12-31T23:59:59Z", "too_far_ahead"),
        ("9999-12-31T23:59:59-12:00", "no_such_time"),
        (wall("America/New_York", "9999-12-31T23:59"), "no_such_time"),
        (wall("Asia/Tokyo", "0001-01-01T00:00"), "no_such_time"),
        (f"{NEXT_YEAR}-06-30T23:59:60Z", "leap_second"),
        (wall("UTC", f"{NEXT_YEAR}-06-30T23:59:60"), "leap_second"),
        (f"{NEXT_YEAR}-02-30T09:00:00Z", "no_such_time"),
        (f"{NEXT_YEAR}-03-01T09:00:00", "missing_offset"),
        (f"{NEXT_YEAR}-03-01", "not_a_time"),
        ("", "not_a_time"),
        ("NOW", "not_a_time"),
        ("1900000000", "not_a_time"),
        (wall("Europe/Berlin", f"{NEXT_YEAR}-03-01T09:00Z"), "unexpected_offset"),
        (wall("Europe/Berlin", "nine"), "not_a_time"),
        (wall("Europe/Bärlin"), "unknown_zone"),
        (wall("europe/berlin"), "unknown_zone"),
        (wall("CEST"), "unknown_zone"),
        (wall("+01:00"), "unknown_zone"),
        (wall(""), "unknown_zone"),
        (wall("../../etc/passwd"), "unknown_zone"),
        (wall("Europe/Berlin\0"), "unknown_zone"),
        ("9" * 65, "not_a_publish_time"),
        ("２０２７-03-01T09:00:00Z", "not_a_publish_time"),
        (1_900_000_000, "not_a_publish_time"),
        (True, "not_a_publish_time"),
        ([], "not_a_publish_time"),
    ):
        for answer in await everywhere(author, unchanged, {"publish_at": publish_at}):
            refused(answer, "publish_at", rule)


async def test_a_near_miss_of_a_zone_is_told_what_was_meant(author: Author) -> None:
    answer = await author.create({"publish_at": wall("Europe/Berln")})
    assert refused(answer, "publish_at", "unknown_zone")["fix"] == "Did you mean Europe/Berlin?"


async def test_fields_of_the_wrong_type_size_or_name(
    author: Author, unchanged: dict[str, Any]
) -> None:
    for fields, field, rule in (
        ({"text": None}, "text", "string_type"),
        ({"text": 7}, "text", "string_type"),
        ({"text": ["Bread."]}, "text", "string_type"),
        ({"text": "x" * 100_001}, "text", "string_too_long"),
        ({"priority": 0}, "priority", "greater_than_equal"),
        ({"priority": 6}, "priority", "less_than_equal"),
        ({"priority": -(10**40)}, "priority", "greater_than_equal"),
        ({"priority": 2.5}, "priority", "int_from_float"),
        ({"priority": "urgent"}, "priority", "int_parsing"),
        ({"targets": "all"}, "targets", "list_type"),
        ({"targets": None}, "targets", "list_type"),
        ({"targets": ["bakery"]}, "targets[0]", "uuid_parsing"),
        ({"targets": [str(uuid4()) for _ in range(51)]}, "targets", "too_long"),
        ({"media": [{}]}, "media[0].media_id", "missing"),
        ({"media": ["bread.jpg"]}, "media[0]", "model_attributes_type"),
        ({"media": [{"media_id": "bread"}]}, "media[0].media_id", "uuid_parsing"),
        ({"media": [{"media_id": str(uuid4())}] * 51}, "media", "too_long"),
        (
            {"media": [{"media_id": str(uuid4()), "alt_text": 1}]},
            "media[0].alt_text",
            "string_type",
        ),
        ({"media": [{"media_id": str(uuid4()), "alt": ""}]}, "media[0].alt", "extra_forbidden"),
        ({"thread": [{"text": "a", "link": "b"}]}, "thread[0].link", "extra_forbidden"),
        ({"thread": [{"text": "a"}] * 51}, "thread", "too_long"),
        ({"visibility": "everyone"}, "visibility", "enum"),
        ({"language": "x" * 36}, "language", "string_too_long"),
        ({"link": "https://a.example/" + "a" * 2048}, "link", "string_too_long"),
        ({"txet": "Bread."}, "txet", "extra_forbidden"),
        ({"id": str(uuid4())}, "id", "extra_forbidden"),
        ({"variants": []}, "variants", "dict_type"),
        ({"variants": {"x": None}}, "variants.x", "model_attributes_type"),
        ({"variants": {"x": {"txet": "a"}}}, "variants.x.txet", "extra_forbidden"),
        ({"variants": {"x": {"targets": []}}}, "variants.x.targets", "extra_forbidden"),
        ({"variants": {"x": {"text": 1}}}, "variants.x.text", "string_type"),
        ({"publish_at": {"wall_time": "2027"}}, "publish_at.time_zone", "missing"),
        ({"publish_at": {**wall("UTC"), "fold": 1}}, "publish_at.fold", "extra_forbidden"),
        ({"publish_at": wall("Z" * 65)}, "publish_at.time_zone", "string_too_long"),
    ):
        for answer in await everywhere(author, unchanged, fields):
            refused(answer, field, rule)


async def test_a_variant_for_a_network_that_nobody_knows(
    author: Author, unchanged: dict[str, Any]
) -> None:
    for answer in await everywhere(author, unchanged, {"variants": {"tiktok": {"text": "a"}}}):
        [error] = problem(answer, 422)["errors"]
        assert error["field"].startswith("variants.tiktok")
        assert "mastodon" in error["fix"]


@pytest.mark.parametrize(
    "character", ["\\u0000", "\\u0001", "\\u001b", "\\u007f", "\\u0085", LONE_SURROGATE]
)
async def test_characters_that_no_text_has(
    author: Author, unchanged: dict[str, Any], character: str
) -> None:
    media_id = uuid4()
    for field, body in (
        ("text", '{"text": "Br%sd"}'),
        ("link", '{"link": "https://a.example/%s"}'),
        ("language", '{"language": "e%s"}'),
        ("first_comment", '{"first_comment": "%s"}'),
        ("content_warning", '{"content_warning": "%s"}'),
        ("thread[0].text", '{"thread": [{"text": "%s"}]}'),
        ("variants.x.text", '{"variants": {"x": {"text": "%s"}}}'),
        ("media[0].alt_text", f'{{"media": [{{"media_id": "{media_id}", "alt_text": "%s"}}]}}'),
    ):
        errors = problem(await send(author, body % character), 422)["errors"]
        assert [error["field"] for error in errors] == [field], errors


async def test_line_breaks_and_tabs_are_text(author: Author) -> None:
    post = await author.draft(text="Bread:\r\n\t- rye\n\t- wheat")
    assert post["text"] == "Bread:\r\n\t- rye\n\t- wheat"


async def test_names_that_no_field_has(author: Author, unchanged: dict[str, Any]) -> None:
    for body in (
        f'{{"{LONE_SURROGATE}": 1}}',
        '{"\\u0000": 1}',
        '{"": 1}',
        f'{{"variants": {{"{LONE_SURROGATE}": {{}}}}}}',
        f'{{"targets": ["{LONE_SURROGATE}"]}}',
        f'{{"publish_at": "{LONE_SURROGATE}"}}',
        f'{{"publish_at": {{"wall_time": "{LONE_SURROGATE}", "time_zone": "UTC"}}}}',
        f'{{"visibility": "{LONE_SURROGATE}"}}',
    ):
        assert problem(await send(author, body), 422)["errors"], body


async def test_bodies_that_are_not_json(author: Author, unchanged: dict[str, Any]) -> None:
    for body in (
        b"{",
        b'{"text": "Bread."',
        b'{"text": "Bread.",}',
        b"{'text': 'Bread.'}",
        b"text=Bread.",
        b"\xff\xfe",
        b'{"text": "\xff"}',
        b"\0",
        b'{"text": "Br\nead"}',
        b"[" * 100_000,
        b'{"priority": ' + b"9" * 5_000 + b"}",
    ):
        told = problem(await send(author, body), 400)
        assert told["type"] == "/problems/malformed-body", body[:40]


async def test_json_that_is_no_post(author: Author, unchanged: dict[str, Any]) -> None:
    for body, rule in (
        ("[]", "model_attributes_type"),
        ('"Bread."', "model_attributes_type"),
        ("7", "model_attributes_type"),
        ("null", "model_attributes_type"),
        ("", "missing"),
    ):
        error = refused(await send(author, body), "body", rule)
        assert error["fix"], body
    assert problem(await send(author, '{"priority": NaN}'), 422)["errors"][0]["field"] == "priority"


async def test_a_thousand_levels_of_nesting(author: Author, unchanged: dict[str, Any]) -> None:
    for levels in (100, 1_000, 10_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = opening * levels + "1" + closing * levels
            for field in ("text", "media", "variants", "publish_at", "made_up"):
                answer = await send(author, f'{{"{field}": {nested}}}')
                assert answer.status_code in {400, 422}, answer.text[:200]
                problem(answer, answer.status_code)
                assert len(answer.content) < 5_000


async def test_a_body_of_two_megabytes(author: Author, unchanged: dict[str, Any]) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        for _ in range(32):
            yield b"x" * 65_536
        yield b'"}'

    body = json.dumps({"text": "x" * 2 * 1024 * 1024})
    for content in (body, in_pieces()):
        answer = await author.ask(
            "POST", "/v1/posts", content=content, headers={"Content-Type": "application/json"}
        )
        [error] = problem(answer, 413)["errors"]
        assert (error["field"], error["limit"]) == ("body", 1024 * 1024)


async def test_bodies_of_another_kind(author: Author, unchanged: dict[str, Any]) -> None:
    for content_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        answer = await send(author, '{"text": "Bread."}', **{"Content-Type": content_type})
        error = refused(answer, "body", "model_attributes_type")
        assert "application/json" in error["fix"]
    answer = await author.ask("POST", "/v1/posts", files={"file": b"Bread."})
    refused(answer, "body", "model_attributes_type")


async def test_a_text_too_long_for_one_of_three_targets(
    author: Author, unchanged: dict[str, Any]
) -> None:
    targets = [
        await author.connect(network) for network in (Network.FEED, Network.X, Network.FACEBOOK)
    ]
    answer = await author.create(
        {"text": "x" * 281, "targets": targets, "publish_at": TOMORROW.isoformat()}
    )
    error = refused(answer, "text", "text_too_long")
    assert len(answer.json()["errors"]) == 1
    assert (error["limit"], error["actual"]) == (280, 281)
    assert error["message"].startswith("X counts 281")
    assert "variants.x.text" in error["fix"]


async def test_targets_that_are_unknown_or_named_twice(
    author: Author, unchanged: dict[str, Any]
) -> None:
    account = unchanged["deliveries"][0]["account_id"]
    nobodys = str(uuid4())
    targets = [account, nobodys, account.upper(), account.replace("-", "")]
    for answer in await everywhere(author, unchanged, {"targets": targets}):
        errors = problem(answer, 422)["errors"]
        assert [(error["field"], error["rule"]) for error in errors] == [
            ("targets[1]", "unknown_account"),
            ("targets[2]", "named_twice"),
            ("targets[3]", "named_twice"),
        ]


@pytest.mark.parametrize("status", [AccountStatus.RECONNECT, AccountStatus.BLOCKED])
async def test_an_account_that_the_network_turned_away(
    author: Author, unchanged: dict[str, Any], database: Database, status: AccountStatus
) -> None:
    account = await author.connect(Network.X, "bread_on_x")
    async with database.transaction() as session:
        await session.execute(
            update(AccountRow).where(AccountRow.id == account).values(status=status.value)
        )
    answers = [
        await author.create({"text": "a", "targets": [account], "publish_at": "now"}),
        await author.change(unchanged, targets=[account]),
    ]
    for answer in answers:
        error = refused(answer, "targets[0]", "account_not_connected")
        assert f"bread_on_x is {status}" in error["message"]
        assert "POST /v1/accounts" in error["fix"]


async def test_an_account_that_was_disconnected(
    author: Author, unchanged: dict[str, Any], database: Database
) -> None:
    account = await author.connect(Network.X)
    async with database.transaction() as session:
        await connections.disconnect(session, UUID(account))
    answer = await author.create({"text": "a", "targets": [account], "publish_at": "now"})
    refused(answer, "targets[0]", "account_not_connected")


async def test_idempotency_keys_that_cannot_be_kept(
    author: Author, unchanged: dict[str, Any]
) -> None:
    for key, rule in (
        (b"", "string_too_short"),
        (b"k" * 201, "string_too_long"),
        (b"k\0k", "not_printable"),
        (b"k\x1bk", "not_printable"),
        (b"k\x7f", "not_printable"),
        (b"k\tk", "not_printable"),
        ("schlüssel".encode(), "not_printable"),
        (b"\xff", "not_printable"),
    ):
        answer = await author.client.post(
            "/v1/posts",
            json={"text": "Bread."},
            headers=[
                (b"authorization", author.tenant.headers["Authorization"].encode()),
                (b"idempotency-key", key),
            ],
        )
        refused(answer, "Idempotency-Key", rule)


async def test_an_if_match_that_is_no_etag(author: Author, unchanged: dict[str, Any]) -> None:
    for etag, rule in (
        ("", "not_an_etag"),
        ("*", "not_an_etag"),
        ("latest", "not_an_etag"),
        ('"1", "2"', "not_an_etag"),
        ('"-1"', "not_an_etag"),
        ('"1.0"', "not_an_etag"),
        ('"9999999999"', "not_an_etag"),
        ('"' + "1" * 64 + '"', "string_too_long"),
    ):
        answer = await author.ask(
            "PATCH",
            f"/v1/posts/{unchanged['id']}",
            json={"text": "Rolls."},
            headers={"If-Match": etag},
        )
        refused(answer, "If-Match", rule)
    for etag in ('"0"', '"2"', '"999999999"'):
        answer = await author.ask(
            "PATCH",
            f"/v1/posts/{unchanged['id']}",
            json={"text": "Rolls."},
            headers={"If-Match": etag},
        )
        problem(answer, 412)


async def test_ids_that_are_none(author: Author) -> None:
    for wanted in ("1", "latest", "0198c5e0-f3a8-7c2b-8d6a-1f0e5b7c9d1", "%00", "%ff", "a" * 3000):
        for method, path in (
            ("GET", "/v1/posts/{}"),
            ("GET", "/v1/posts/{}/timeline"),
            ("POST", "/v1/posts/{}/cancel"),
            ("POST", "/v1/posts/{}/publish-now"),
        ):
            answer = await author.ask(method, path.format(wanted))
            refused(answer, "post_id", "uuid_parsing")
        refused(await author.ask("GET", f"/v1/deliveries/{wanted}"), "delivery_id", "uuid_parsing")


async def test_methods_and_paths_that_are_not_there(author: Author) -> None:
    for method, path in (
        ("DELETE", "/v1/posts"),
        ("PUT", f"/v1/posts/{uuid4()}"),
        ("GET", f"/v1/posts/{uuid4()}/cancel"),
        ("PATCH", f"/v1/deliveries/{uuid4()}"),
    ):
        answer = await author.ask(method, path)
        assert answer.headers["Allow"], path
        assert method in problem(answer, 405)["detail"]
    for path in ("/", "/v1", "/v2/posts", "/v1/post", f"/v1/posts/{uuid4()}/likes", "/v1/%00"):
        told = problem(await author.ask("GET", path), 404)
        assert "/docs" in told["detail"]


async def test_a_refusal_names_everything_that_is_wrong_at_once(author: Author) -> None:
    answer = await author.create({"text": 1, "priority": 9, "targets": ["a"], "x": 1})
    errors = problem(answer, 422)["errors"]
    assert {error["field"] for error in errors} == {"text", "priority", "targets[0]", "x"}


async def test_the_longest_text_is_checked_for_every_network(author: Author) -> None:
    targets = [await author.connect(network) for network in Network]
    checked = await author.validate(*targets, text="x" * 100_000)
    rules = [{one["rule"] for one in target["violations"]} for target in checked["targets"]]
    assert all("text_too_long" in found for found in rules)


async def test_a_draft_keeps_what_networks_would_refuse(author: Author) -> None:
    post = await author.draft(text="x" * 100_000, language="Klingon!?")
    assert accepted(await author.ask("GET", f"/v1/posts/{post['id']}"))["language"] == "Klingon!?"
