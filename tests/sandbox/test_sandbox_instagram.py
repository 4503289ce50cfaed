"""Instagram: containers, what is fetched and checked, publishing, quota and comments."""

from typing import Any

import httpx
import pytest

Account = tuple[str, str]


@pytest.fixture
async def account(driver: Any) -> Account:
    """The path of an account, and its token."""
    credentials = (await driver.connect("instagram"))["credentials"]
    return f"/instagram/v25.0/{credentials['ig_user_id']}", credentials["access_token"]


def error_of(answer: httpx.Response) -> tuple[int, int, int | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("error_subcode")


async def create(driver: Any, account: Account, **values: str) -> httpx.Response:
    path, token = account
    answer: httpx.Response = await driver.http.post(
        f"{path}/media", data={**values, "access_token": token}
    )
    return answer


async def status(driver: Any, account: Account, container: str) -> str:
    wanted = {"fields": "status_code,status", "access_token": account[1]}
    answer = await driver.http.get(f"/instagram/v25.0/{container}", params=wanted)
    return str(answer.json()["status_code"])


async def publish(driver: Any, account: Account, container: str) -> httpx.Response:
    path, token = account
    answer: httpx.Response = await driver.http.post(
        f"{path}/media_publish", data={"creation_id": container, "access_token": token}
    )
    return answer


async def ready_container(driver: Any, account: Account, url: str, **values: str) -> str:
    answer = await create(driver, account, image_url=url, **values)
    container = str(answer.json()["id"])
    while await status(driver, account, container) == "IN_PROGRESS":
        pass
    return container


async def test_photo_from_container_to_permalink(
    driver: Any, account: Account, media_site: Any, draw: Any
) -> None:
    url = media_site.put("photo.jpg", draw())
    answer = await create(driver, account, image_url=url, caption="sea", alt_text="blue")
    container = answer.json()["id"]
    assert "/photo.jpg" in media_site.fetched
    early = await publish(driver, account, container)
    assert error_of(early) == (400, 9007, 2207027)
    seen = [await status(driver, account, container) for _ in range(2)]
    assert seen == ["IN_PROGRESS", "FINISHED"]
    media = (await publish(driver, account, container)).json()["id"]
    assert await status(driver, account, container) == "PUBLISHED"
    wanted = {"fields": "permalink,shortcode,timestamp,caption", "access_token": account[1]}
    shown = (await driver.http.get(f"/instagram/v25.0/{media}", params=wanted)).json()
    permalink = f"{driver.base}/pages/instagram/acme.test#{shown['shortcode']}"
    assert shown["permalink"] == permalink
    assert shown["shortcode"] != media
    again = await publish(driver, account, container)
    assert again.status_code == 400
    (entry,) = await driver.truth()
    assert (entry["text"], entry["media"][0]["alt_text"]) == ("sea", "blue")
    assert entry["permalink"] == permalink


@pytest.mark.parametrize(
    ("size", "file_format", "expected"),
    [
        ((80, 100), "JPEG", None),
        ((191, 100), "JPEG", None),
        ((70, 100), "JPEG", (400, 36003, 2207009)),
        ((200, 100), "JPEG", (400, 36003, 2207009)),
        ((100, 100), "PNG", (400, 36001, 2207005)),
    ],
)
async def test_images_are_checked(
    driver: Any,
    account: Account,
    media_site: Any,
    draw: Any,
    size: tuple[int, int],
    file_format: str,
    expected: tuple[int, int, int] | None,
) -> None:
    url = media_site.put("checked", draw(*size, file_format=file_format))
    answer = await create(driver, account, image_url=url)
    assert answer.status_code == 200 if expected is None else error_of(answer) == expected


async def test_images_have_a_size_limit(
    driver: Any, account: Account, media_site: Any, draw: Any
) -> None:
    for extra, code in ((0, 200), (1, 400)):
        image = draw()
        content = image + bytes(8 * 1024 * 1024 - len(image) + extra)
        answer = await create(driver, account, image_url=media_site.put("large.jpg", content))
        assert answer.status_code == code
    assert error_of(answer) == (400, 36000, 2207004)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"image_url": "http://127.0.0.1:9/none.jpg"}, (400, 9004, 2207052)),
        ({"image_url": "SITE/missing.jpg"}, (400, 9004, 2207052)),
        ({"image_url": "SITE/slow.jpg"}, (400, -2, 2207003)),
        ({"caption": "text alone"}, (400, 100, None)),
        ({"caption": "x" * 2_201}, (400, 36004, 2207010)),
        ({"caption": "#a " * 31}, (400, 36004, 2207010)),
        ({"caption": "@a " * 21}, (400, 36004, 2207010)),
        ({"media_type": "CAROUSEL", "children": "1"}, (400, 100, 2207028)),
        ({"media_type": "CAROUSEL", "children": "1,2"}, (400, 24, 2207006)),
        ({"media_type": "POLL"}, (400, 100, 2207023)),
    ],
)
async def test_bad_containers_are_refused(
    driver: Any,
    account: Account,
    media_site: Any,
    values: dict[str, str],
    expected: tuple[int, int, int | None],
) -> None:
    values = {name: value.replace("SITE", media_site.base) for name, value in values.items()}
    assert error_of(await create(driver, account, **values)) == expected


async def test_carousel(driver: Any, account: Account, media_site: Any, draw: Any) -> None:
    children = [
        await ready_container(
            driver,
            account,
            media_site.put(f"{colour}.jpg", draw(colour=colour)),
            is_carousel_item="true",
            alt_text=colour,
        )
        for colour in ("red", "green")
    ]
    answer = await create(
        driver, account, media_type="CAROUSEL", children=",".join(children), caption="two"
    )
    parent = answer.json()["id"]
    while await status(driver, account, parent) != "FINISHED":
        pass
    assert error_of(await publish(driver, account, children[0])) == (400, 24, 2207006)
    assert (await publish(driver, account, parent)).status_code == 200
    (entry,) = await driver.truth()
    assert [item["alt_text"] for item in entry["media"]] == ["red", "green"]
    assert entry["extra"]["media_type"] == "CAROUSEL_ALBUM"


async def test_children_must_be_finished(
    driver: Any, account: Account, media_site: Any, draw: Any
) -> None:
    url = media_site.put("child.jpg", draw())
    ids = [
        (await create(driver, account, image_url=url, is_carousel_item="true")).json()["id"]
        for _ in range(2)
    ]
    answer = await create(driver, account, media_type="CAROUSEL", children=",".join(ids))
    assert error_of(answer) == (400, 9007, 2207027)


async def test_reel(driver: Any, account: Account, media_site: Any, mp4: bytes) -> None:
    url = media_site.put("reel.mp4", mp4)
    answer = await create(driver, account, video_url=url, media_type="REELS", caption="r")
    container = answer.json()["id"]
    while await status(driver, account, container) != "FINISHED":
        pass
    await publish(driver, account, container)
    assert (await driver.truth())[0]["extra"]["media_product_type"] == "REELS"


async def test_containers_expire_after_a_day(
    driver: Any, account: Account, media_site: Any, draw: Any
) -> None:
    container = await ready_container(driver, account, media_site.put("old.jpg", draw()))
    await driver.advance(86_400)
    assert await status(driver, account, container) == "EXPIRED"
    assert error_of(await publish(driver, account, container)) == (400, 24, 2207008)


async def test_quota_is_fifty_in_any_24_hours(
    driver: Any, account: Account, media_site: Any, draw: Any
) -> None:
    url = media_site.put("many.jpg", draw())
    for number in range(50):
        container = await ready_container(driver, account, url)
        assert (await publish(driver, account, container)).status_code == 200
        if number == 0:
            await driver.advance(3_600)
    container = await ready_container(driver, account, url)
    assert error_of(await publish(driver, account, container)) == (400, 9, 2207042)
    wanted = {"fields": "quota_usage,config", "access_token": account[1]}
    limit = await driver.http.get(f"{account[0]}/content_publishing_limit", params=wanted)
    assert limit.json() == {
        "data": [{"quota_usage": 50, "config": {"quota_total": 50, "quota_duration": 86_400}}]
    }
    await driver.advance(23 * 3_600)
    assert (await publish(driver, account, container)).status_code == 200


async def test_comment_with_fields_is_created_and_refused(
    driver: Any, account: Account, media_site: Any, draw: Any
) -> None:
    container = await ready_container(driver, account, media_site.put("c.jpg", draw()))
    media = (await publish(driver, account, container)).json()["id"]
    comments = f"/instagram/v25.0/{media}/comments"
    values = {"message": "first", "access_token": account[1]}
    good = await driver.http.post(comments, data=values)
    assert set(good.json()) == {"id"}
    bad = await driver.http.post(comments, params={"fields": "id"}, data=values)
    assert error_of(bad) == (400, 20, 1772107)
    assert await driver.texts() == ["", "first", "first"]
    rows = (await driver.http.get(comments, params=values)).json()["data"]
    assert [row["text"] for row in rows] == ["first", "first"]


async def test_media_list_is_newest_first(
    driver: Any, account: Account, media_site: Any, draw: Any
) -> None:
    url = media_site.put("l.jpg", draw())
    for caption in ("one", "two"):
        await publish(driver, account, await ready_container(driver, account, url, caption=caption))
    wanted = {"fields": "id,caption,timestamp,permalink,media_type", "access_token": account[1]}
    rows = (await driver.http.get(f"{account[0]}/media", params=wanted)).json()["data"]
    assert [row["caption"] for row in rows] == ["two", "one"]
    assert rows[0]["media_type"] == "IMAGE"


async def test_token_is_changed_after_a_day(driver: Any, account: Account) -> None:
    wanted = {"grant_type": "ig_refresh_token", "access_token": account[1]}
    early = await driver.http.get("/instagram/refresh_access_token", params=wanted)
    assert early.status_code == 400
    await driver.advance(86_401)
    answer = (await driver.http.get("/instagram/refresh_access_token", params=wanted)).json()
    assert answer["expires_in"] == 5_184_000
    me = {"fields": "username", "access_token": answer["access_token"]}
    shown = await driver.http.get("/instagram/v25.0/me", params=me)
    assert shown.json()["username"] == "acme.test"
    await driver.advance(61 * 86_400)
    expired = await driver.http.get("/instagram/v25.0/me", params=me)
    assert error_of(expired) == (400, 190, 463)
