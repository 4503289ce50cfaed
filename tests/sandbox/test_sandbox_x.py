"""X: posts, duplicates, media, timelines, tokens and limits."""

import base64
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest


@pytest.fixture
async def account(driver: Any) -> dict[str, str]:
    credentials: dict[str, str] = (await driver.connect("x"))["credentials"]
    return credentials


def auth(account: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {account['access_token']}"}


async def post(driver: Any, account: dict[str, str], body: dict[str, Any]) -> httpx.Response:
    answer: httpx.Response = await driver.http.post("/x/2/tweets", json=body, headers=auth(account))
    return answer


async def timeline(driver: Any, account: dict[str, str], **wanted: Any) -> dict[str, Any]:
    path = f"/x/2/users/{account['user_id']}/tweets"
    answer = await driver.http.get(path, params=wanted, headers=auth(account))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_post_answers_201_with_short_links(driver: Any, account: dict[str, str]) -> None:
    answer = await post(driver, account, {"text": "see https://example.com/a?b=1 & more"})
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["id"].isdigit()
    assert len(data["id"]) <= 19
    assert "example.com" not in data["text"]
    fields = {"tweet.fields": "created_at,text,entities,referenced_tweets,attachments"}
    (shown,) = (await timeline(driver, account, **fields))["data"]
    (url,) = shown["entities"]["urls"]
    assert shown["text"] == f"see {url['url']} &amp; more" == data["text"]
    assert url["expanded_url"] == "https://example.com/a?b=1"
    assert shown["created_at"].endswith("Z")
    (entry,) = await driver.truth()
    assert entry["text"] == "see https://example.com/a?b=1 & more"
    assert entry["permalink"] == f"{driver.base}/pages/x/acme.test#{data['id']}"
    friendly = await driver.http.get(f"/x/acme.test/status/{data['id']}")
    assert friendly.headers["location"] == f"/pages/x/acme.test#{data['id']}"


async def test_duplicates_are_403_for_a_day(driver: Any, account: dict[str, str]) -> None:
    for text in ("same", "other"):
        assert (await post(driver, account, {"text": text})).status_code == 201
    refused = await post(driver, account, {"text": "same"})
    assert refused.status_code == 403
    assert refused.json() == {
        "title": "Forbidden",
        "detail": "You are not allowed to create a Tweet with duplicate content.",
        "type": "about:blank",
        "status": 403,
    }
    assert refused.headers["content-type"] == "application/problem+json"
    await driver.advance(86_400)
    fresh = (await driver.connect("x"))["credentials"]
    assert (await post(driver, fresh, {"text": "same"})).status_code == 201


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"text": "x" * 280}, 201),
        ({"text": "x" * 281}, 403),
        ({"text": "語" * 140}, 201),
        ({"text": "語" * 141}, 403),
        ({"text": f"{'x' * 256} https://example.com/{'long' * 50}"}, 201),
        ({"text": ""}, 400),
        ({"text": "x", "nonsense": 1}, 400),
        ({"text": "x", "media": {"media_ids": ["1"]}}, 400),
        ({"text": "x", "media": {"media_ids": ["1", "2", "3", "4", "5"]}}, 400),
        ({"text": "x", "media": {"media_ids": ["1"]}, "quote_tweet_id": "2"}, 400),
        ({"text": "$AAA $BBB"}, 400),
        ({"text": "x", "reply": {"in_reply_to_tweet_id": "1"}}, 403),
    ],
)
async def test_what_is_accepted(
    driver: Any, account: dict[str, str], body: dict[str, Any], expected: int
) -> None:
    answer = await post(driver, account, body)
    assert answer.status_code == expected, answer.text
    assert len(await driver.truth()) == (expected == 201)


async def test_thread_is_replies(driver: Any, account: dict[str, str]) -> None:
    first = (await post(driver, account, {"text": "one"})).json()["data"]["id"]
    reply = {"text": "two", "reply": {"in_reply_to_tweet_id": first}}
    second = (await post(driver, account, reply)).json()["data"]["id"]
    shown = (await timeline(driver, account, **{"tweet.fields": "referenced_tweets"}))["data"]
    assert [row["id"] for row in shown] == [second, first]
    assert shown[0]["referenced_tweets"] == [{"type": "replied_to", "id": first}]
    assert [entry["kind"] for entry in await driver.truth()] == ["post", "reply"]
    other = (await driver.connect("x", "other"))["credentials"]
    refused = await post(driver, other, reply | {"text": "three"})
    assert refused.json()["detail"] == "You are not permitted to perform this action."


async def test_timeline_pages_and_start_time(driver: Any, account: dict[str, str]) -> None:
    assert await timeline(driver, account) == {"meta": {"result_count": 0}}
    for number in range(7):
        await post(driver, account, {"text": str(number)})
    page = await timeline(driver, account, max_results=5)
    assert [row["text"] for row in page["data"]] == ["6", "5", "4", "3", "2"]
    token = page["meta"]["next_token"]
    rest = await timeline(driver, account, max_results=5, pagination_token=token)
    assert [row["text"] for row in rest["data"]] == ["1", "0"]
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    assert "data" not in await timeline(driver, account, start_time=now)
    path = f"/x/2/users/{account['user_id']}/tweets"
    for bad in ({"max_results": 4}, {"start_time": "yesterday"}):
        answer = await driver.http.get(path, params=bad, headers=auth(account))
        assert answer.status_code == 400


@pytest.mark.parametrize("way", ["multipart", "base64"])
async def test_image_with_alt_text(
    driver: Any, account: dict[str, str], draw: Any, way: str
) -> None:
    sent: dict[str, Any]
    if way == "multipart":
        sent = {
            "files": {"media": ("a.jpg", draw(), "image/jpeg")},
            "data": {"media_category": "tweet_image", "media_type": "image/jpeg"},
        }
    else:
        sent = {"json": {"media": base64.b64encode(draw()).decode()}}
        sent["json"]["media_category"] = "tweet_image"
    answer = await driver.http.post("/x/2/media/upload", headers=auth(account), **sent)
    data = answer.json()["data"]
    assert data["media_key"] == f"3_{data['id']}"
    assert "processing_info" not in data
    alt = {"id": data["id"], "metadata": {"alt_text": {"text": "a square"}}}
    described = await driver.http.post("/x/2/media/metadata", json=alt, headers=auth(account))
    assert described.status_code == 200
    body = {"text": "pic", "media": {"media_ids": [data["id"]]}}
    published = (await post(driver, account, body)).json()["data"]
    assert published["text"].startswith("pic https://t.co/")
    fields = {"tweet.fields": "attachments,entities"}
    (shown,) = (await timeline(driver, account, **fields))["data"]
    assert shown["attachments"]["media_keys"] == [data["media_key"]]
    assert shown["entities"]["urls"][-1]["media_key"] == data["media_key"]
    assert (await driver.truth())[0]["media"][0]["alt_text"] == "a square"


async def test_chunked_video_is_processed(driver: Any, account: dict[str, str], mp4: bytes) -> None:
    root, headers = "/x/2/media/upload", auth(account)
    announced = {"media_type": "video/mp4", "total_bytes": len(mp4)}
    announced["media_category"] = "tweet_video"
    started = await driver.http.post(f"{root}/initialize", json=announced, headers=headers)
    media = started.json()["data"]["id"]
    for segment, part in enumerate((mp4[:20], mp4[20:])):
        appended = await driver.http.post(
            f"{root}/{media}/append",
            data={"segment_index": str(segment)},
            files={"media": ("part", part)},
            headers=headers,
        )
        assert appended.json()["data"]["expires_at"] > 0
    final = await driver.http.post(f"{root}/{media}/finalize", headers=headers)
    assert final.json()["data"]["processing_info"]["state"] == "pending"
    body = {"text": "video", "media": {"media_ids": [media]}}
    assert (await post(driver, account, body)).status_code == 400
    states = []
    for _ in range(2):
        wanted = {"command": "STATUS", "media_id": media}
        looked = await driver.http.get(root, params=wanted, headers=headers)
        states.append(looked.json()["data"]["processing_info"]["state"])
    assert states == ["in_progress", "succeeded"]
    assert (await post(driver, account, body)).status_code == 201


async def test_oversize_part_and_missing_bytes(driver: Any, account: dict[str, str]) -> None:
    root, headers = "/x/2/media/upload", auth(account)
    announced = {"media_type": "video/mp4", "total_bytes": 9, "media_category": "tweet_video"}
    started = await driver.http.post(f"{root}/initialize", json=announced, headers=headers)
    media = started.json()["data"]["id"]
    large = {"media": ("part", bytes(5 * 1024 * 1024 + 1))}
    path = f"{root}/{media}/append"
    answer = await driver.http.post(path, data={"segment_index": "0"}, files=large, headers=headers)
    assert answer.status_code == 413
    assert (await driver.http.post(f"{root}/{media}/finalize", headers=headers)).status_code == 400


async def refresh(driver: Any, account: dict[str, str], token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    form["client_id"] = account["client_id"]
    answer: httpx.Response = await driver.http.post("/x/2/oauth2/token", data=form)
    return answer


async def test_reused_refresh_token_kills_the_family(driver: Any, account: dict[str, str]) -> None:
    fresh = (await refresh(driver, account, account["refresh_token"])).json()
    assert fresh["expires_in"] == 7_200
    assert fresh["refresh_token"] != account["refresh_token"]
    assert (await post(driver, fresh, {"text": "fresh"})).status_code == 201
    reused = await refresh(driver, account, account["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_request")
    assert (await refresh(driver, account, fresh["refresh_token"])).status_code == 400
    assert (await post(driver, fresh, {"text": "dead"})).status_code == 401
    again = (await driver.connect("x"))["credentials"]
    assert (await post(driver, again, {"text": "reconnected"})).status_code == 201


async def test_access_ends_after_two_hours(driver: Any, account: dict[str, str]) -> None:
    await driver.advance(7_200)
    answer = await post(driver, account, {"text": "late"})
    assert answer.status_code == 401
    assert answer.json()["title"] == "Unauthorized"
    assert answer.headers["content-type"] == "application/problem+json"
    fresh = (await refresh(driver, account, account["refresh_token"])).json()
    assert (await post(driver, fresh, {"text": "late"})).status_code == 201


async def test_limit_of_a_quarter_hour(driver: Any, account: dict[str, str]) -> None:
    for number in range(100):
        answer = await post(driver, account, {"text": str(number)})
    assert answer.headers["x-rate-limit-limit"] == "100"
    assert answer.headers["x-rate-limit-remaining"] == "0"
    reset = int(answer.headers["x-rate-limit-reset"])
    assert 0 < reset - datetime.now(UTC).timestamp() <= 901
    assert answer.headers["x-app-limit-24hour-remaining"] == "9900"
    refused = await post(driver, account, {"text": "101"})
    assert refused.status_code == 429
    assert refused.json() == {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
    assert refused.headers["x-rate-limit-reset"] == str(reset)
    await driver.advance(901)
    assert (await post(driver, account, {"text": "101"})).status_code == 201


async def test_unlimited_account_has_no_limit(driver: Any) -> None:
    account = (await driver.connect("x", "bench", unlimited=True))["credentials"]
    for number in range(101):
        assert (await post(driver, account, {"text": str(number)})).status_code == 201


async def test_deleted_post_is_gone_and_can_be_said_again(
    driver: Any, account: dict[str, str]
) -> None:
    post_id = (await post(driver, account, {"text": "once"})).json()["data"]["id"]
    answer = await driver.http.delete(f"/x/2/tweets/{post_id}", headers=auth(account))
    assert answer.json() == {"data": {"deleted": True}}
    missing = await driver.http.get(f"/x/2/tweets/{post_id}", headers=auth(account))
    assert missing.json()["errors"][0]["title"] == "Not Found Error"
    assert (await post(driver, account, {"text": "once"})).status_code == 201


async def test_me(driver: Any, account: dict[str, str]) -> None:
    answer = await driver.http.get("/x/2/users/me", headers=auth(account))
    assert answer.json()["data"] == {
        "id": account["user_id"],
        "name": "acme.test",
        "username": "acme.test",
    }
