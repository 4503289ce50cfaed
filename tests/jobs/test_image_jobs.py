"""Sizes of pictures are made whatever dies meanwhile, in either way that jobs are done."""

import io
import signal
import sys
from asyncio import create_subprocess_exec, timeout
from typing import cast
from uuid import UUID

import pytest
from PIL import Image

from domain.ids import new_id
from jobs.handling import JobKind
from jobs.images import MakingImages
from realtime.bus import LiveBus
from runtime.resources import Resources
from storage import media as media_rows
from storage import pictures
from storage.database import Database
from storage.media import NewMedia
from storage.media_store import MediaMissing
from tests.jobs.conftest import Desk, NewUsers, Serve
from tests.jobs.told import Heard
from tests.running_sandbox import ROOT

PIXELS = 1_000_000


@pytest.fixture
async def media_id(resources: Resources, database: Database, new_users: NewUsers) -> UUID:
    """An uploaded picture whose sizes somebody asked for."""
    [owner] = await new_users(1)
    content = io.BytesIO()
    Image.new("RGB", (900, 600), "navy").save(content, "PNG")
    new = NewMedia(
        id=new_id(),
        storage_key=f"{owner}/original",
        file_name="oven.png",
        content_type="image/png",
        sha256=b"",
        size=len(content.getvalue()),
        width=900,
        height=600,
        alt_text="",
    )
    content.seek(0)
    await resources.media_store.put(new.storage_key, content, new.content_type)
    async with database.transaction() as session:
        await media_rows.create_of_user(session, owner, new)
        await pictures.ask_for(session, [new.id])
    return new.id


def making(resources: Resources, live: Heard, max_pixels: int = PIXELS) -> MakingImages:
    return MakingImages(
        database=resources.database,
        store=resources.media_store,
        live=cast("LiveBus", live),
        max_pixels=max_pixels,
    )


async def test_sizes_are_made_and_their_owner_hears_of_it(
    serve: Serve, hurried: Resources, desk: Desk, database: Database, media_id: UUID
) -> None:
    heard = Heard()
    async with serve(hurried, {JobKind.MAKE_IMAGES: making(hurried, heard)}):
        await desk.until_done()
    async with database.transaction() as session:
        picture = await pictures.find(session, media_id)
    assert picture is not None
    assert {name: (one.width, one.height) for name, one in picture.sizes.items()} == {
        "large": (900, 600),
        "medium": (800, 533),
        "small": (320, 213),
    }
    for name, one in picture.sizes.items():
        assert len(await hurried.media_store.read(pictures.size_key(media_id, name))) == one.bytes
    [(_, event, data)] = heard.told
    assert (event, data) == ("media.picture", {"media_id": media_id, "status": "ready"})


async def test_asked_for_twice_they_are_made_once(
    hurried: Resources, desk: Desk, database: Database, media_id: UUID
) -> None:
    async with database.transaction() as session:
        await pictures.ask_for(session, [media_id])
    assert [row.subject_id for row in await desk.rows()] == [media_id]


async def test_too_many_pixels_are_never_decoded(
    serve: Serve, hurried: Resources, desk: Desk, database: Database, media_id: UUID
) -> None:
    handler = making(hurried, Heard(), max_pixels=1000)
    async with serve(hurried, {JobKind.MAKE_IMAGES: handler}):
        await desk.until_done()
    async with database.transaction() as session:
        picture = await pictures.find(session, media_id)
    assert picture is not None
    assert (picture.status, picture.sizes) == ("failed", {})
    with pytest.raises(MediaMissing):
        await hurried.media_store.read(pictures.size_key(media_id, "small"))


@pytest.mark.end_to_end
async def test_killed_between_two_sizes_another_makes_them_all(
    serve: Serve, hurried: Resources, desk: Desk, database: Database, media_id: UUID
) -> None:
    settings = hurried.settings
    dying = await create_subprocess_exec(
        *(sys.executable, "-m", "tests.jobs.dying_image_maker"),
        *(str(settings.database_url), str(settings.storage_base_path)),
        str(settings.queue_lease_seconds),
        cwd=ROOT,
    )
    async with timeout(60):
        assert await dying.wait() == -signal.SIGKILL
    async with database.transaction() as session:
        picture = await pictures.find(session, media_id)
    assert picture is not None
    assert picture.status == "processing"
    async with serve(hurried, {JobKind.MAKE_IMAGES: making(hurried, Heard())}):
        await desk.until_done()
    async with database.transaction() as session:
        picture = await pictures.find(session, media_id)
    assert picture is not None
    assert (picture.status, len(picture.sizes)) == ("ready", 3)
