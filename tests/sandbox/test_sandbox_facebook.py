"""Facebook Pages: what is accepted, what is refused and how, what can be looked up."""

import json
from typing import Any

import httpx
import pytest

Page = tuple[str, str]


@pytest.fixture
async def page(driver: Any) -> Page:
    """The path of a page, and its token."""
    credentials = (await driver.connect("facebook"))["credentials"]
    return f"/facebook/v25.0/{credentials['page_id']}", credentials["access_token"]


def error_of(answer: httpx.Response) -> tuple[int, int, int | None]:
    error = answer.json()["error"]
    assert error["type"] == "OAuthException"
    assert error["fbtrace_id"]
    return answer.status_code, error["code"], error.get("error_subcode")


@pytest.mark.parametrize("way", ["form", "json", "query", "bearer"])
async def test_every_way_of_sending_is_accepted(driver: Any, page: Page, way: str) -> None:
    path, token = page
    values = {"message": f"by {way}", "access_token": token}
    match way:
        case "form":
            answer = await driver.http.post(f"{path}/feed", data=values)
        case "json":
            answer = await driver.http.post(f"{path}/feed", json=values)
        case "query":
            answer = await driver.http.post(f"{path}/feed", params=values)
        case _:
            headers = {"Authorization": f"Bearer {token}"}
            answer = await driver.http.post(
                f"{path}/feed", data={"message": f"by {way}"}, headers=headers
            )
    assert answer.status_code == 200
    assert answer.json()["id"].startswith(f"{path.rpartition('/')[2]}_")
    assert await driver.texts() == [f"by {way}"]


async def test_post_answers_the_fields_asked_for(driver: Any, page: Page) -> None:
    path, token = page
    answer = await driver.http.post(
        f"{path}/feed",
        params={"fields": "id,permalink_url"},
        data={"message": "x", "link": "https://example.com", "access_token": token},
    )
    post_id = answer.json()["id"]
    assert answer.json() == {
        "id": post_id,
        "permalink_url": f"{driver.base}/pages/facebook/acme.test#{post_id}",
    }
    assert (await driver.truth())[0]["extra"] == {"link": "https://example.com"}


async def test_identical_post_right_after_is_506(driver: Any, page: Page) -> None:
    path, token = page
    for message in ("same", "other", "same"):
        answer = await driver.http.post(
            f"{path}/feed", data={"message": message, "access_token": token}
        )
        assert answer.status_code == 200
    answer = await driver.http.post(f"{path}/feed", data={"message": "same", "access_token": token})
    assert error_of(answer) == (400, 506, 1455006)
    assert answer.headers["www-authenticate"] == (
        'OAuth "Facebook Platform" "invalid_request" "(#506) Duplicate status message"'
    )
    assert await driver.texts() == ["same", "other", "same"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (400, 100, None)),
        ({"message": "x" * 63_207}, (400, 100, None)),
        ({"message": "x", "attached_media": '[{"media_fbid":"1"}]'}, (400, 100, None)),
    ],
)
async def test_bad_posts_are_refused(
    driver: Any, page: Page, values: dict[str, str], expected: tuple[int, int, int | None]
) -> None:
    path, token = page
    answer = await driver.http.post(f"{path}/feed", data={**values, "access_token": token})
    assert error_of(answer) == expected
    assert await driver.truth() == []


async def test_longest_text_is_accepted(driver: Any, page: Page) -> None:
    path, token = page
    values = {"message": "x" * 63_206, "access_token": token}
    assert (await driver.http.post(f"{path}/feed", data=values)).status_code == 200


@pytest.mark.parametrize("form", ["json", "indexed", "nested"])
async def test_album_is_made_of_unpublished_photos(
    driver: Any, page: Page, media_site: Any, draw: Any, form: str
) -> None:
    path, token = page
    ids = []
    for colour in ("red", "green"):
        url = media_site.put(f"{colour}.jpg", draw(colour=colour))
        values = {"url": url, "published": "false", "access_token": token}
        values["alt_text_custom"] = colour
        answer = await driver.http.post(f"{path}/photos", data=values)
        assert set(answer.json()) == {"id"}
        ids.append(answer.json()["id"])
    assert await driver.truth() == []
    match form:
        case "json":
            attached = {"attached_media": json.dumps([{"media_fbid": photo} for photo in ids])}
        case "indexed":
            attached = {
                f"attached_media[{n}]": json.dumps({"media_fbid": photo})
                for n, photo in enumerate(ids)
            }
        case _:
            attached = {f"attached_media[{n}][media_fbid]": p for n, p in enumerate(ids)}
    values = {"message": "album", "access_token": token, **attached}
    answer = await driver.http.post(f"{path}/feed", data=values)
    assert answer.status_code == 200, answer.text
    (entry,) = await driver.truth()
    assert [item["alt_text"] for item in entry["media"]] == ["red", "green"]
    again = await driver.http.post(f"{path}/feed", data=values)
    assert error_of(again) == (400, 100, 1366051)


async def test_photo_by_upload_and_by_unreachable_url(driver: Any, page: Page, draw: Any) -> None:
    path, token = page
    answer = await driver.http.post(
        f"{path}/photos",
        data={"message": "one", "access_token": token},
        files={"source": ("a.png", draw(file_format="PNG"), "image/png")},
    )
    assert set(answer.json()) == {"id", "post_id"}
    (entry,) = await driver.truth()
    assert entry["id"] == answer.json()["post_id"]
    assert entry["media"][0]["content_type"] == "image/png"
    values = {"url": "http://127.0.0.1:9/none.jpg", "access_token": token}
    answer = await driver.http.post(f"{path}/photos", data=values)
    assert error_of(answer) == (400, 324, 2069019)


async def test_video_becomes_public_when_processed(
    driver: Any, page: Page, media_site: Any, mp4: bytes
) -> None:
    path, token = page
    values = {"file_url": media_site.put("v.mp4", mp4), "description": "moving"}
    answer = await driver.http.post(f"{path}/videos", data={**values, "access_token": token})
    video = answer.json()["id"]
    wanted = {"fields": "status,post_id,permalink_url", "access_token": token}
    seen = [
        (await driver.http.get(f"/facebook/v25.0/{video}", params=wanted)).json() for _ in range(2)
    ]
    assert [answer["status"]["video_status"] for answer in seen] == ["processing", "ready"]
    (entry,) = await driver.truth()
    assert (entry["text"], entry["id"]) == ("moving", seen[1]["post_id"])


async def test_published_posts_are_listed_newest_first(driver: Any, page: Page) -> None:
    path, token = page
    for number in range(3):
        await driver.http.post(
            f"{path}/feed", data={"message": f"post {number}", "access_token": token}
        )
        await driver.advance(60)
    wanted = {"fields": "id,message,created_time,permalink_url,attachments{target}", "limit": 2}
    answer = await driver.http.get(
        f"{path}/published_posts", params={**wanted, "access_token": token}
    )
    rows = answer.json()["data"]
    assert [row["message"] for row in rows] == ["post 2", "post 1"]
    assert rows[0]["created_time"].endswith("+0000")
    after = answer.json()["paging"]["cursors"]["after"]
    answer = await driver.http.get(
        f"{path}/published_posts", params={**wanted, "after": after, "access_token": token}
    )
    assert [row["message"] for row in answer.json()["data"]] == ["post 0"]
    now = (await driver.http.get("/_sandbox/clock")).json()["now"]
    for since, expected in ((now, []), ("1", ["post 2", "post 1", "post 0"])):
        answer = await driver.http.get(
            f"{path}/published_posts",
            params={"fields": "message", "since": since, "access_token": token},
        )
        assert [row["message"] for row in answer.json()["data"]] == expected


async def test_comment_on_a_post(driver: Any, page: Page) -> None:
    path, token = page
    post = await driver.http.post(f"{path}/feed", data={"message": "p", "access_token": token})
    post_id = post.json()["id"]
    comments = f"/facebook/v25.0/{post_id}/comments"
    answer = await driver.http.post(comments, data={"message": "first", "access_token": token})
    comment_id = answer.json()["id"]
    assert comment_id.split("_")[0] == post_id.split("_")[1]
    wanted = {"fields": "id,message,from", "access_token": token}
    (row,) = (await driver.http.get(comments, params=wanted)).json()["data"]
    page_id = post_id.split("_")[0]
    assert row == {
        "id": comment_id,
        "message": "first",
        "from": {"id": page_id, "name": "acme.test"},
    }
    entry = (await driver.truth())[1]
    assert (entry["kind"], entry["parent_id"]) == ("comment", post_id)
    missing = await driver.http.post(
        "/facebook/v25.0/1_2/comments", data={"message": "x", "access_token": token}
    )
    assert error_of(missing) == (400, 100, 33)


async def test_page_me_and_token_are_described(driver: Any, page: Page) -> None:
    path, token = page
    wanted = {"fields": "id,name", "access_token": token}
    expected = {"id": path.rpartition("/")[2], "name": "acme.test"}
    assert (await driver.http.get(path, params=wanted)).json() == expected
    assert (await driver.http.get("/facebook/v25.0/me", params=wanted)).json() == expected
    answer = await driver.http.get(
        "/facebook/v25.0/debug_token", params={"input_token": token, "access_token": token}
    )
    assert answer.json()["data"]["is_valid"] is True


@pytest.mark.parametrize(("kind", "subcode"), [("token_expired", 463), ("token_revoked", 458)])
async def test_ended_tokens_are_190_until_reconnected(
    driver: Any, page: Page, kind: str, subcode: int
) -> None:
    path, token = page
    await driver.fault("facebook", kind, operation="publish")
    for _ in range(2):
        answer = await driver.http.post(
            f"{path}/feed", data={"message": "x", "access_token": token}
        )
        assert error_of(answer) == (400, 190, subcode)
    fresh = (await driver.connect("facebook"))["credentials"]["access_token"]
    answer = await driver.http.post(f"{path}/feed", data={"message": "x", "access_token": fresh})
    assert answer.status_code == 200


@pytest.mark.parametrize(("values", "code"), [({}, 104), ({"access_token": "EAAnothing"}, 190)])
async def test_calls_without_a_token(
    driver: Any, page: Page, values: dict[str, str], code: int
) -> None:
    answer = await driver.http.post(f"{page[0]}/feed", data={"message": "x", **values})
    assert error_of(answer)[:2] == (400, code)


async def test_usage_headers_come_with_many_calls(driver: Any, page: Page) -> None:
    path, token = page
    wanted = {"fields": "id", "access_token": token}
    first = await driver.http.get(path, params=wanted)
    assert "x-business-use-case-usage" not in first.headers
    for _ in range(480):
        last = await driver.http.get(path, params=wanted)
    usage = json.loads(last.headers["x-business-use-case-usage"])
    (business,) = usage[path.rpartition("/")[2]]
    assert (business["type"], business["call_count"]) == ("pages", 10)
    assert json.loads(last.headers["x-app-usage"])["call_count"] == 10


async def test_delete_takes_a_post_out_of_the_truth(driver: Any, page: Page) -> None:
    path, token = page
    post = await driver.http.post(f"{path}/feed", data={"message": "p", "access_token": token})
    answer = await driver.http.delete(
        f"/facebook/v25.0/{post.json()['id']}", params={"access_token": token}
    )
    assert answer.json() == {"success": True}
    assert await driver.truth() == []
    assert len(await driver.truth(include_deleted=True)) == 1
