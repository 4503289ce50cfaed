"""Pictures of listings: uploaded, made ready, shown; never linked, and never told of too much."""

import io
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from runtime.resources import Resources
from runtime.settings import Settings
from storage.database import Database
from storage.media_store import LocalMediaStore, MediaStoreUnavailable
from storage.pictures import size_key
from storage.tables import MediaRow
from tests.api.conftest import NewPerson, Picture
from tests.api.market_actors import Trader, making_images, rules, told


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who sells."""
    return Trader(client, await new_user("ada"))


@pytest.fixture
async def bob(client: httpx.AsyncClient, new_user: NewPerson) -> Trader:
    """Who looks."""
    return Trader(client, await new_user("bob"))


def photograph(width: int = 1200, height: int = 900) -> bytes:
    """As a telephone takes it: lying on its side, and telling where."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (51.0, 20.0, 0.0)}
    target = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(target, "JPEG", exif=exif)
    return target.getvalue()


async def test_a_picture_is_shown_upright_in_sizes_without_what_the_camera_knew(
    ada: Trader, bob: Trader, resources: Resources, client: httpx.AsyncClient
) -> None:
    listing = await ada.offer()
    media = await ada.upload(photograph())
    shown = told(await ada.show_images(listing, media))
    assert [(one["status"], one["sizes"]) for one in shown["images"]] == [("processing", {})]
    assert (await bob.see(listing))["images"] == []  # not before it is ready
    async with making_images(resources):
        [image] = await ada.until_made(listing)
    assert (image["media_id"], image["status"], image["failure"]) == (media, "ready", None)
    [seen] = (await bob.see(listing))["images"]
    assert seen == image
    assert {name: (one["width"], one["height"]) for name, one in seen["sizes"].items()} == {
        "small": (240, 320),
        "medium": (600, 800),
        "large": (900, 1200),
    }
    for one in seen["sizes"].values():
        answer = await client.get(one["url"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["content-length"] == str(len(answer.content))
        assert answer.headers["x-content-type-options"] == "nosniff"
        directives = answer.headers["cache-control"].split(", ")
        assert {"public", "immutable"} <= set(directives)
        assert int(directives[1].removeprefix("max-age=")) >= 6 * 24 * 3600
        fetched = Image.open(io.BytesIO(answer.content))
        assert fetched.size == (one["width"], one["height"])
        assert dict(fetched.getexif()) == {}


async def test_a_link_to_a_size_stays_the_same_and_leads_nowhere_else(
    ada: Trader, resources: Resources, client: httpx.AsyncClient, picture: Picture
) -> None:
    listing = await ada.offer()
    media, other = await ada.upload(picture()), await ada.upload(picture(50, 50))
    told(await ada.show_images(listing, media))
    async with making_images(resources):
        [image] = await ada.until_made(listing)
    [again] = (await ada.see(listing))["images"]
    url = image["sizes"]["small"]["url"]
    assert again["sizes"]["small"]["url"] == url
    assert (await client.get(url.replace(media, other))).status_code == 403
    forged = url[:-1] + ("1" if url.endswith("0") else "0")
    assert (await client.get(forged)).status_code == 403
    assert (await client.get(url.replace("expires=", "expires=1"))).status_code == 403
    assert (await client.get(url.replace("size=small", "size=huge"))).status_code == 422
    # The original knows where it was taken: a link to a size must not open it.
    original = url.replace("/pictures/", "/media/").replace("size=small&", "")
    assert (await client.get(original)).status_code == 403


async def test_pictures_come_in_the_order_chosen_and_only_those(
    ada: Trader, resources: Resources, picture: Picture
) -> None:
    listing = await ada.offer()
    media = [await ada.upload(picture(20 + number, 20)) for number in range(10)]
    async with making_images(resources):
        told(await ada.show_images(listing, *media))
        assert [one["media_id"] for one in await ada.until_made(listing)] == media
        told(await ada.show_images(listing, media[3], media[1]))
        images = await ada.until_made(listing)
    assert [one["media_id"] for one in images] == [media[3], media[1]]
    assert [one["status"] for one in images] == ["ready", "ready"]
    assert told(await ada.show_images(listing))["images"] == []


async def test_eleven_are_too_many(ada: Trader, picture: Picture) -> None:
    listing = await ada.offer()
    media = await ada.upload(picture())
    refused = await ada.show_images(listing, *[media] * 11)
    assert rules(refused) == {"media_ids": "too_long"}


async def test_another_persons_picture_cannot_be_shown(
    ada: Trader, bob: Trader, picture: Picture
) -> None:
    listing = await ada.offer()
    mine, his = await ada.upload(picture()), await bob.upload(picture())
    for wrong in (his, str(uuid4()), mine):
        refused = await ada.show_images(listing, mine, wrong)
        assert rules(refused) == {"media_ids[1]": "unknown_media"}
    assert (await ada.see(listing))["images"] == []


async def test_a_link_is_no_picture(ada: Trader) -> None:
    listing = await ada.offer()
    body = {"media_ids": ["https://example.org/oven.jpg"]}
    refused = await ada.listing("PUT", listing, "/images", json=body)
    assert rules(refused) == {"media_ids[0]": "uuid_parsing"}


async def test_a_picture_without_its_file_fails_and_says_why(
    ada: Trader, bob: Trader, resources: Resources, settings: Settings, picture: Picture
) -> None:
    listing = await ada.offer()
    told(await ada.show_images(listing, await ada.upload(picture())))
    for path in settings.storage_base_path.rglob("*"):
        if path.is_file():
            path.unlink()
    async with making_images(resources):
        [image] = await ada.until_made(listing)
    assert (image["status"], image["sizes"]) == ("failed", {})
    assert "Upload it again" in image["failure"]
    assert (await bob.see(listing))["images"] == []


async def test_a_store_that_fails_in_between_costs_nothing(
    ada: Trader, resources: Resources, monkeypatch: pytest.MonkeyPatch, picture: Picture
) -> None:
    listing = await ada.offer()
    media = await ada.upload(picture())
    told(await ada.show_images(listing, media))
    written: list[str] = []
    put = LocalMediaStore.put

    async def failing_once(self: LocalMediaStore, key: str, *more: object) -> None:
        written.append(key)
        if len(written) == 2:
            raise MediaStoreUnavailable("the media store failed")
        await put(self, key, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalMediaStore, "put", failing_once)
    async with making_images(resources):
        [image] = await ada.until_made(listing)
    assert image["status"] == "ready"
    names = ("large", "medium", "small")
    keys = [size_key(image["media_id"], name) for name in names]
    assert written == [keys[0], keys[1], *keys]  # the same keys again
    assert image["media_id"] == media


async def test_the_original_is_kept(
    ada: Trader, resources: Resources, database: Database, picture: Picture
) -> None:
    content = picture()
    listing = await ada.offer()
    media = await ada.upload(content)
    told(await ada.show_images(listing, media))
    async with making_images(resources):
        await ada.until_made(listing)
    async with database.transaction() as session:
        row = await session.get(MediaRow, media)
    assert row is not None
    assert await resources.media_store.read(row.storage_key) == content
    assert Path(row.storage_key).name == media
