"""The pages: what they show, and that no text can become more than text."""

from typing import Any

import pytest

NASTY = "<script>alert(1)</script> <img src=x onerror=alert(2)> \"quoted\" & 'more'"


async def toot(driver: Any, handle: str, text: str, **more: Any) -> str:
    account = (await driver.connect("mastodon", handle))["credentials"]
    answer = await driver.http.post(
        "/mastodon/api/v1/statuses",
        json={"status": text, **more},
        headers={"Authorization": f"Bearer {account['access_token']}"},
    )
    return str(answer.json()["id"])


@pytest.mark.parametrize("place", ["text", "spoiler", "name"])
async def test_scripts_are_shown_as_text(driver: Any, place: str) -> None:
    name = NASTY if place == "name" else "Alice"
    await driver.connect("mastodon", "alice", name=name)
    spoiler = {"spoiler_text": NASTY} if place == "spoiler" else {}
    await toot(driver, "alice", NASTY if place == "text" else "plain", **spoiler)
    for path in ("/pages/mastodon/alice", "/pages/"):
        page = await driver.http.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<img src=x" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
    shown = await driver.http.get("/pages/mastodon/alice")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown.text


async def test_newest_first_with_threads_nested(driver: Any) -> None:
    first = await toot(driver, "alice", "the first one")
    await toot(driver, "alice", "the second one")
    await toot(driver, "alice", "a reply", in_reply_to_id=first)
    page = (await driver.http.get("/pages/mastodon/alice")).text
    places = [page.index(text) for text in ("the second one", "the first one", "a reply")]
    assert places == sorted(places)
    assert page.count("a reply") == 1
    assert "class=thread" in page
    assert f"id='{first}'" in page


async def test_links_and_images_are_shown(driver: Any, draw: Any) -> None:
    page = (await driver.connect("facebook", "shop"))["credentials"]
    image = draw()
    await driver.http.post(
        f"/facebook/v25.0/{page['page_id']}/photos",
        data={"message": "see https://example.com.", "access_token": page["access_token"]},
        files={"source": ("a.jpg", image)},
    )
    (entry,) = await driver.truth()
    shown = (await driver.http.get("/pages/facebook/shop")).text
    source = f"/pages/media/{entry['media'][0]['sha256']}"
    assert f"src='{source}'" in shown
    assert "<a href='https://example.com'" in shown
    served = await driver.http.get(source)
    assert (served.content, served.headers["content-type"]) == (image, "image/jpeg")
    assert served.headers["x-content-type-options"] == "nosniff"


async def test_permalink_leads_to_the_entry(driver: Any) -> None:
    await toot(driver, "@alice@example.social", "hello")
    (entry,) = await driver.truth()
    page, _, anchor = entry["permalink"].partition("#")
    shown = await driver.http.get(page)
    assert shown.status_code == 200
    assert f"id='{anchor}'" in shown.text


@pytest.mark.parametrize(
    "path",
    ["/pages/mastodon/nobody", "/pages/media/../../etc", "/pages/media/abc", "/x/a/status/1"],
)
async def test_what_is_not_there(driver: Any, path: str) -> None:
    assert (await driver.http.get(path)).status_code == 404


async def test_home_leads_to_the_pages(driver: Any) -> None:
    answer = await driver.http.get("/")
    assert answer.headers["location"] == "/pages/"
    assert "no accounts yet" in (await driver.http.get("/pages/")).text
