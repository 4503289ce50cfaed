"""Mastodon: statuses, idempotency, media, lists, counting and HTML."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from sandbox.mastodon.text import status_html, status_length

API = "/mastodon/api"
NOT_FINISHED = "Cannot attach files that have not finished processing. Try again in a moment!"


@pytest.fixture
async def account(driver: Any) -> dict[str, str]:
    credentials: dict[str, str] = (await driver.connect("mastodon"))["credentials"]
    assert credentials["instance_url"] == f"{driver.base}/mastodon"
    return credentials


def auth(account: dict[str, str], **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {account['access_token']}", **more}


async def post(
    driver: Any, account: dict[str, str], body: dict[str, Any], **headers: str
) -> httpx.Response:
    answer: httpx.Response = await driver.http.post(
        f"{API}/v1/statuses", json=body, headers=auth(account, **headers)
    )
    return answer


async def upload(driver: Any, account: dict[str, str], content: bytes) -> httpx.Response:
    answer: httpx.Response = await driver.http.post(
        f"{API}/v2/media",
        files={"file": ("a", content)},
        data={"description": "a square"},
        headers=auth(account),
    )
    return answer


async def test_status_is_html_with_a_url(driver: Any, account: dict[str, str]) -> None:
    body = {"status": "a < b", "visibility": "unlisted", "spoiler_text": "maths"}
    answer = await post(driver, account, body)
    assert answer.status_code == 200
    status = answer.json()
    assert status["content"] == "<p>a &lt; b</p>"
    assert status["url"] == f"{driver.base}/pages/mastodon/acme.test#{status['id']}"
    assert status["application"]["name"] == "Punctual"
    assert status["sensitive"] is True
    (entry,) = await driver.truth()
    assert entry["extra"]["visibility"] == "unlisted"
    assert entry["extra"]["spoiler_text"] == "maths"


async def test_form_is_accepted_too(driver: Any, account: dict[str, str], draw: Any) -> None:
    media = (await upload(driver, account, draw())).json()["id"]
    form = {"status": "by form", "media_ids[]": [media], "sensitive": "true"}
    answer = await driver.http.post(f"{API}/v1/statuses", data=form, headers=auth(account))
    assert answer.json()["media_attachments"][0]["description"] == "a square"
    assert answer.json()["sensitive"] is True


async def test_idempotency_key_keeps_the_first_for_an_hour(
    driver: Any, account: dict[str, str]
) -> None:
    key = {"Idempotency-Key": "k1"}
    first = (await post(driver, account, {"status": "one"}, **key)).json()
    again = await post(driver, account, {"status": "another"}, **key)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    other = (await driver.connect("mastodon", "other"))["credentials"]
    assert (await post(driver, other, {"status": "two"}, **key)).json()["id"] != first["id"]
    await driver.advance(3_600)
    later = await post(driver, account, {"status": "another"}, **key)
    assert later.json()["id"] != first["id"]
    assert await driver.texts() == ["one", "two", "another"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"status": ""}, 422, "Validation failed: Text can't be blank"),
        ({"status": "x" * 500}, 200, None),
        (
            {"status": "x" * 501},
            422,
            "Validation failed: Text character limit of 500 exceeded",
        ),
        ({"status": f"{'x' * 476} https://example.com/{'x' * 90}"}, 200, None),
        ({"status": "x" * 496, "spoiler_text": "12345"}, 422, None),
        ({"status": "x", "visibility": "secret"}, 422, None),
        ({"status": "x", "media_ids": ["1"]}, 422, None),
        ({"status": "x", "in_reply_to_id": "1"}, 404, None),
    ],
)
async def test_what_is_accepted(
    driver: Any, account: dict[str, str], body: dict[str, Any], status: int, message: str | None
) -> None:
    answer = await post(driver, account, body)
    assert answer.status_code == status, answer.text
    if message is not None:
        assert answer.json() == {"error": message}


async def test_media_is_ready_described_and_used_once(
    driver: Any, account: dict[str, str], draw: Any
) -> None:
    answer = await upload(driver, account, draw())
    assert answer.status_code == 200
    media = answer.json()["id"]
    assert answer.json()["url"].startswith(f"{driver.base}/pages/media/")
    path = f"{API}/v1/media/{media}"
    changed = await driver.http.put(path, data={"description": "better"}, headers=auth(account))
    assert changed.json()["description"] == "better"
    body = {"status": "", "media_ids": [media]}
    assert (await post(driver, account, body)).status_code == 200
    assert (await driver.truth())[0]["media"][0]["alt_text"] == "better"
    gone = await driver.http.get(path, headers=auth(account))
    assert (gone.status_code, gone.json()) == (404, {"error": "Record not found"})
    assert (await post(driver, account, body)).status_code == 422


async def test_media_in_processing(driver: Any, account: dict[str, str], draw: Any) -> None:
    await driver.fault("mastodon", "media_processing", polls=1)
    answer = await upload(driver, account, draw())
    assert (answer.status_code, answer.json()["url"]) == (202, None)
    media = answer.json()["id"]
    body = {"status": "x", "media_ids": [media]}
    refused = await post(driver, account, body)
    assert (refused.status_code, refused.json()) == (422, {"error": NOT_FINISHED})
    path = f"{API}/v1/media/{media}"
    seen = [(await driver.http.get(path, headers=auth(account))).status_code for _ in range(2)]
    assert seen == [206, 200]
    assert (await post(driver, account, body)).status_code == 200


async def test_media_that_fails(driver: Any, account: dict[str, str], draw: Any) -> None:
    await driver.fault("mastodon", "media_failed")
    media = (await upload(driver, account, draw())).json()["id"]
    answer = await driver.http.get(f"{API}/v1/media/{media}", headers=auth(account))
    assert answer.status_code == 422


async def test_thread_and_lists(driver: Any, account: dict[str, str]) -> None:
    first = (await post(driver, account, {"status": "one"})).json()["id"]
    reply = {"status": "two", "in_reply_to_id": first}
    second = (await post(driver, account, reply)).json()
    assert second["in_reply_to_account_id"] == account["account_id"]
    path = f"{API}/v1/accounts/{account['account_id']}/statuses"

    async def listed(**wanted: Any) -> list[str]:
        answer = await driver.http.get(path, params=wanted, headers=auth(account))
        return [row["id"] for row in answer.json()]

    assert await listed() == [second["id"], first]
    assert await listed(min_id=first) == [second["id"]]
    assert await listed(max_id=second["id"]) == [first]
    assert await listed(exclude_replies="true") == [first]
    shown = await driver.http.get(f"{API}/v1/statuses/{first}", headers=auth(account))
    assert shown.json()["replies_count"] == 1


async def test_instance_and_credentials(driver: Any, account: dict[str, str]) -> None:
    configuration = (await driver.http.get(f"{API}/v2/instance")).json()["configuration"]
    assert configuration["statuses"] == {
        "max_characters": 500,
        "max_media_attachments": 4,
        "characters_reserved_per_url": 23,
    }
    assert configuration["media_attachments"]["image_size_limit"] == 16_777_216
    answer = await driver.http.get(f"{API}/v1/accounts/verify_credentials", headers=auth(account))
    assert answer.json()["id"] == account["account_id"]


async def test_unknown_token_is_401(driver: Any) -> None:
    answer = await post(driver, {"access_token": "nothing"}, {"status": "x"})
    assert (answer.status_code, answer.json()) == (401, {"error": "The access token is invalid"})


async def test_media_limit_resets_at_an_iso_time(
    driver: Any, account: dict[str, str], draw: Any
) -> None:
    image = draw()
    for _ in range(30):
        assert (await upload(driver, account, image)).status_code == 200
    refused = await upload(driver, account, image)
    assert (refused.status_code, refused.json()) == (429, {"error": "Too many requests"})
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert datetime.fromisoformat(refused.headers["x-ratelimit-reset"]).tzinfo is not None


@pytest.mark.parametrize(
    ("spoiler_text", "text", "expected"),
    [
        ("", "abc", 3),
        ("cw", "abc", 5),
        ("", "👩‍👩‍👧‍👦", 1),
        ("", "e\u0301", 1),
        ("", "https://example.com/" + "x" * 200, 23),
        ("", "(https://example.com).", 26),
        ("", "@alice@very.long.example.social hi", 9),
        ("", "@alice hi", 9),
    ],
)
def test_status_length(spoiler_text: str, text: str, expected: int) -> None:
    assert status_length(spoiler_text, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n\nc", "<p>a<br />b</p><p>c</p>"),
        ("<script>", "<p>&lt;script&gt;</p>"),
        (
            "#news",
            '<p><a href="http://h/tags/news" class="mention hashtag" rel="tag">'
            "#<span>news</span></a></p>",
        ),
        (
            "https://www.example.com/a/very/long/path/that/is/cut",
            '<p><a href="https://www.example.com/a/very/long/path/that/is/cut" target="_blank"'
            ' rel="nofollow noopener noreferrer" translate="no">'
            '<span class="invisible">https://www.</span>'
            '<span class="ellipsis">example.com/a/very/long/path/t</span>'
            '<span class="invisible">hat/is/cut</span></a></p>',
        ),
    ],
)
def test_status_html(text: str, expected: str) -> None:
    assert status_html(text, "http://h") == expected
