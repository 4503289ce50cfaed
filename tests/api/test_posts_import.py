"""Posts from a CSV file, as people and their spreadsheets write it; errors name line and column."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.networks import Network
from storage.database import Database
from tests.api.test_posts_actors import TOMORROW, Author, accepted, problem, refused
from tests.conftest import Tenant

NOBODY = UUID("8f14e45f-ceea-467f-8b5a-1d0b3c7d9e21")
"""Whose id nothing has; a fixed one, so that every process names its tests alike."""

AT = TOMORROW.isoformat()
WALL = f"{TOMORROW:%Y-%m-%d %H:%M}"
NAMES = "publish_at,accounts,text\n"


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def feed(author: Author) -> str:
    """The account `bakery` of the workspace."""
    return await author.connect(Network.FEED, "bakery")


async def send(
    author: Author, content: str | bytes, key: str | None = None, **options: Any
) -> httpx.Response:
    """POST /v1/posts/import."""
    headers = {"Content-Type": "text/csv"} | ({} if key is None else {"Idempotency-Key": key})
    return await author.ask(
        "POST",
        "/v1/posts/import",
        content=content.encode() if isinstance(content, str) else content,
        headers=headers,
        params=options,
    )


async def imported(author: Author, content: str | bytes, **options: Any) -> list[dict[str, Any]]:
    """The posts that the file became."""
    result = accepted(await send(author, content, **options))
    return [await author.show(row["post_id"]) for row in result["rows"]]


async def test_each_row_is_a_post_of_one_batch(author: Author, feed: str) -> None:
    answer = await send(author, f"{NAMES}{AT},bakery,One\n{AT},{feed},Two\n,bakery,Draft\n")
    result = accepted(answer)
    assert answer.status_code == 201
    assert [row["line"] for row in result["rows"]] == [2, 3, 4]
    posts = [await author.show(row["post_id"]) for row in result["rows"]]
    assert [post["text"] for post in posts] == ["One", "Two", "Draft"]
    assert [post["status"] for post in posts] == ["scheduled", "scheduled", "draft"]
    assert {post["deliveries"][0]["account_id"] for post in posts} == {feed}
    batch = accepted(await author.ask("GET", f"/v1/batches/{result['batch_id']}"))
    assert (batch["source"], batch["posts"]) == ("csv", {"scheduled": 2, "draft": 1})


async def test_every_column_becomes_its_field(author: Author) -> None:
    facebook = await author.connect(Network.FACEBOOK, "Corner Bakery")
    mastodon = await author.connect(Network.MASTODON, "bakery")
    media = [await author.upload(), await author.upload()]
    [post] = await imported(
        author,
        "Text;Accounts;Publish_at;Time_zone;Media;Link;First_comment;Content_warning;Visibility;"
        "Language;Priority\n"
        f'Bread;"corner bakery;@bakery";{WALL};Europe/Berlin;"{media[0]}, {media[1]}";;Where?;'
        "Gluten;unlisted;de;1\n",
    )
    assert [one["account_id"] for one in post["deliveries"]] == [facebook, mastodon]
    assert (post["wall_time"], post["time_zone"]) == (WALL, "Europe/Berlin")
    assert [one["media_id"] for one in post["media"]] == media
    assert [post[name] for name in ("language", "priority", "link")] == ["de", 1, None]
    # Where a network has no use for a field, it does not get it.
    assert post["variants"] == {
        "facebook": {"first_comment": "Where?"},
        "mastodon": {"content_warning": "Gluten", "visibility": "unlisted"},
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(f"\ufeff{NAMES},bakery,Brot 🥖\n", "Brot 🥖", id="byte order mark"),
        pytest.param(f"{NAMES},bakery,Bread", "Bread", id="no last line break"),
        pytest.param(NAMES.replace("\n", "\r\n") + ",bakery,Bread\r\n", "Bread", id="Windows"),
        pytest.param(NAMES.replace(",", ";") + ";bakery;a, b\n", "a, b", id="semicolons"),
        pytest.param(NAMES.replace(",", "\t") + "\tbakery\ta, b\n", "a, b", id="tabs"),
        pytest.param(f'{NAMES},bakery,"a, ""b"""\n', 'a, "b"', id="quotes"),
        pytest.param(f'{NAMES},bakery,"One\nTwo\n\nThree"\n', "One\nTwo\n\nThree", id="lines"),
        pytest.param(f'{NAMES},bakery,"=1+1"\n', "=1+1", id="no formula is worked out"),
        pytest.param(f"\n{NAMES}\n,,\n,bakery,Bread\n\n", "Bread", id="empty lines"),
        pytest.param('"accounts";"text"\n"bakery";"a;b"\n', "a;b", id="everything quoted"),
    ],
)
async def test_it_reads_what_spreadsheets_write(
    author: Author, feed: str, content: str, text: str
) -> None:
    [post] = await imported(author, content)
    assert post["text"] == text


async def test_the_delimiter_can_be_named(author: Author, feed: str) -> None:
    content = "accounts;text\nbakery;a,b,c\n"
    [post] = await imported(author, content, delimiter="semicolon")
    assert post["text"] == "a,b,c"
    refused(await send(author, content, delimiter="comma"), "column 1", "unknown_column")
    refused(await send(author, content, delimiter="|"), "delimiter", "enum")


async def test_a_form_may_carry_the_file(author: Author, feed: str) -> None:
    files = {"file": ("posts.csv", f"{NAMES},bakery,Bread\n".encode(), "text/csv")}
    answer = await author.ask("POST", "/v1/posts/import", files=files)
    assert accepted(answer)["accepted"] == 1
    answer = await author.ask("POST", "/v1/posts/import", files={"other": ("a.csv", b"a")})
    refused(answer, "file", "missing")


@pytest.mark.parametrize(
    ("row", "column", "rule"),
    [
        ("2001-01-01T00:00:00Z,,bakery,Bread,,", "publish_at", "in_the_past"),
        ("WALL,,bakery,Bread,,", "publish_at", "not_a_time"),
        ("WALL:00,,bakery,Bread,,", "publish_at", "missing_offset"),
        ("WALL,Europe/Bielefeld,bakery,Bread,,", "time_zone", "unknown_zone"),
        ("tomorrow,Europe/Berlin,bakery,Bread,,", "publish_at", "not_a_time"),
        ("AT,,,Bread,,", "accounts", "no_target"),
        ("AT,,rival,Bread,,", "accounts", "unknown_account"),
        ("AT,,x:bakery,Bread,,", "accounts", "unknown_account"),
        (f"AT,,{NOBODY},Bread,,", "accounts", "unknown_account"),
        ("AT,,bakery;BAKERY,Bread,,", "accounts", "named_twice"),
        ("AT,,bakery,,,", "text", "text_empty"),
        (f"AT,,bakery,Bread,{NOBODY},", "media", "unknown_media"),
        ("AT,,bakery,Bread,photo.jpg,", "media", "uuid_parsing"),
        ("AT,,bakery,Bread,,6", "priority", "less_than_equal"),
        ("AT,,bakery,Bread,,high", "priority", "int_parsing"),
        ("AT,,bakery,Bread,,3,and more", "row", "too_many_values"),
        (f"AT,,bakery,{'x' * 100_001},,", "text", "string_too_long"),
        ("AT,,bakery,a\u0000b,,", "text", "character_not_allowed"),
    ],
)
async def test_errors_name_line_and_column(
    author: Author, feed: str, row: str, column: str, rule: str
) -> None:
    names = "publish_at,time_zone,accounts,text,media,priority\n"
    good = f'{AT},,bakery,"One\nTwo",,\n'
    row = row.replace("AT", AT, 1).replace("WALL", WALL, 1)
    content = f"{names}{good}{row}\n"
    refused(await send(author, content), f"line 4, {column}", rule)
    assert set((await author.ledger.counts()).values()) == {0}
    result = accepted(await send(author, content, mode="per_row", dry_run="true"))
    assert [(row["line"], len(row["errors"])) for row in result["rows"]] == [(2, 0), (4, 1)]
    error = result["rows"][1]["errors"][0]
    assert (error["field"], error["rule"]) == (column, rule)
    assert error["fix"]


async def test_a_field_that_no_network_of_the_row_has_is_refused(author: Author, feed: str) -> None:
    content = "accounts,text,publish_at,first_comment\n" + f"bakery,Bread,{AT},First!\n"
    refused(await send(author, content), "line 2, first_comment", "first_comment_not_supported")


async def test_everything_wrong_with_a_row_is_told(author: Author) -> None:
    content = "accounts,text,priority,visibility\nnobody,Bread,9,all\n"
    [row] = accepted(await send(author, content, mode="per_row"))["rows"]
    assert {error["field"] for error in row["errors"]} == {"accounts", "priority", "visibility"}


async def test_a_handle_on_two_networks_needs_one_of_them(author: Author, feed: str) -> None:
    x = await author.connect(Network.X, "Bakery")
    error = refused(
        await send(author, f"{NAMES},bakery,Bread\n"), "line 2, accounts", "ambiguous_account"
    )
    assert "x:Bakery" in error["message"]
    [post] = await imported(author, f"{NAMES},X:@bakery,Bread\n")
    assert [one["account_id"] for one in post["deliveries"]] == [x]


async def test_another_workspaces_handles_and_ids_are_unknown(
    author: Author, client: httpx.AsyncClient, database: Database, other_workspace: Tenant
) -> None:
    account = await Author(client, database, other_workspace).connect(Network.X, "rival")
    for name in ("rival", account):
        answer = await send(author, f"{NAMES},{name},Bread\n")
        refused(answer, "line 2, accounts", "unknown_account")


@pytest.mark.parametrize(
    ("content", "field", "rule"),
    [
        (b"", "file", "empty"),
        (b"\xef\xbb\xbf \n\n", "file", "empty"),
        (NAMES, "file", "no_rows"),
        ("text\nBread\n", "accounts", "missing"),
        ("accounts,text,text\nbakery,a,b\n", "text", "named_twice"),
        ("accounts,text,when\nbakery,a,b\n", "column 3", "unknown_column"),
        ("accounts,text,\nbakery,a,b\n", "column 3", "unknown_column"),
        ("accounts,text\nbakery,Caf\u00e9\n".encode("latin-1"), "line 2", "not_utf8"),
        (f"{NAMES},bakery,Bread\n".encode("utf-16"), "line 1", "not_utf8"),
        (f'{NAMES},bakery,Good\n,bakery,"never closed\n,bakery,b\n', "line 3", "not_csv"),
        (f'{NAMES},bakery,"closed" and on\n', "line 2", "not_csv"),
        (NAMES + ",bakery,Bread\n" * 1001, "line 1002", "too_long"),
        ("PK\x03\x04 a spreadsheet itself", "column 1", "unknown_column"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    author: Author, feed: str, content: str | bytes, field: str, rule: str
) -> None:
    refused(await send(author, content), field, rule)
    refused(await send(author, content, mode="per_row", dry_run="true"), field, rule)
    assert set((await author.ledger.counts()).values()) == {0}


async def test_a_thousand_rows_are_taken(author: Author, feed: str) -> None:
    result = accepted(await send(author, NAMES + f"{AT},bakery,Bread\n" * 1000))
    assert (result["accepted"], result["rows"][-1]["line"]) == (1000, 1001)


async def test_the_same_file_under_one_key_is_imported_once(author: Author, feed: str) -> None:
    content = f"{NAMES}{AT},bakery,Bread\n"
    first = await send(author, content, "the key")
    again = await send(author, content, "the key")
    assert (first.status_code, again.content) == (201, first.content)
    assert (await author.ledger.counts())["posts"] == 1
    refused(await send(author, f"{content}\n", "the key"), "Idempotency-Key", "reused")


async def test_a_body_that_is_no_file_is_refused(author: Author) -> None:
    problem(await author.ask("POST", "/v1/posts/import", json={"posts": []}), 415)
    problem(await send(author, b"x" * (9 * 1024 * 1024)), 413)
