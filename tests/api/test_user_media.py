"""People's own pictures: others see sizes without secrets, and what is in use stays."""

import io
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from runtime.resources import Resources
from runtime.settings import Settings
from storage import pictures
from storage.database import Database
from storage.tables import PictureRow
from tests.api.chats import Chat
from tests.api.conftest import Person, Picture, Upload
from tests.api.feed_actors import Reader, told
from tests.api.market_actors import Trader, making_images, until_made
from tests.api.test_api_media import kept_files
from tests.api.test_market_images import photograph
from tests.conftest import Tenant


@pytest.fixture
def ada(client: httpx.AsyncClient, user: Person) -> Trader:
    """Whose pictures these are."""
    return Trader(client, user)


async def delete(client: httpx.AsyncClient, person: Person, media_id: str) -> httpx.Response:
    """Delete one of somebody's own."""
    return await client.delete(f"/v1/users/me/media/{media_id}", headers=person.headers)


async def test_nobody_else_gets_what_the_camera_knew(
    ada: Trader, user: Person, client: httpx.AsyncClient, resources: Resources
) -> None:
    media_id = await ada.upload(photograph(width=1200, height=900))
    change = {"avatar_media_id": media_id}
    told(await client.patch("/v1/users/me", json=change, headers=user.headers))
    reader = Reader(client, user)
    post = await reader.get(f"posts/{await reader.publish('', media=[{'media_id': media_id}])}")
    [shown] = post["media"]
    links = [*shown["urls"].values(), post["author"]["avatar_url"]]
    sizes = []
    async with making_images(resources):
        for link in links:
            answer = await until_made(client, link)
            image = Image.open(io.BytesIO(answer.content))
            sizes.append(image.size)
            assert (image.format, dict(image.getexif())) == ("WEBP", {})
    assert sizes == [(240, 320), (600, 800), (900, 1200), (240, 320)]  # upright
    # The links stay the same, so that they are cached, and no link opens the original.
    assert [*(await reader.get(f"posts/{post['id']}"))["media"]] == [shown]
    original = links[0].replace("/pictures/", "/media/").replace("size=small&", "")
    assert (await client.get(original)).status_code == 403


async def test_a_picture_that_an_old_version_published_is_made_for_who_looks_first(
    upload: Upload,
    workspace: Tenant,
    picture: Picture,
    client: httpx.AsyncClient,
    resources: Resources,
) -> None:
    media_id = UUID((await upload(workspace, picture())).json()["id"])
    url = resources.media_links.picture_urls(media_id, ["small"])["small"]
    answer = await client.get(url)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "/problems/picture-in-the-making"
    async with making_images(resources):
        assert (await until_made(client, url)).status_code == 200
    nothing = resources.media_links.picture_urls(uuid4(), ["small"])["small"]
    assert (await client.get(nothing)).status_code == 404


async def test_a_deleted_picture_is_gone_with_all_its_sizes(
    ada: Trader,
    user: Person,
    client: httpx.AsyncClient,
    resources: Resources,
    settings: Settings,
    picture: Picture,
) -> None:
    media_id = await ada.upload(picture())
    change = {"avatar_media_id": media_id}
    told(await client.patch("/v1/users/me", json=change, headers=user.headers))
    url = resources.media_links.picture_urls(UUID(media_id), ["small"])["small"]
    async with making_images(resources):
        assert (await until_made(client, url)).status_code == 200
    assert len(kept_files(settings)) == 4
    assert (await delete(client, user, media_id)).status_code == 204
    assert kept_files(settings) == []
    assert (await client.get(url)).status_code == 404
    me = told(await client.get("/v1/users/me", headers=user.headers))
    assert me["avatar_media_id"] is None
    assert (await delete(client, user, media_id)).status_code == 404


async def test_sizes_that_are_made_while_it_is_deleted_are_not_kept(
    ada: Trader,
    user: Person,
    client: httpx.AsyncClient,
    resources: Resources,
    settings: Settings,
    picture: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    media_id = await ada.upload(picture())
    mark_ready = pictures.mark_ready

    async def late(*arguments: object) -> bool:
        """The picture is deleted when its sizes are in the store, and nobody knows of them yet."""
        assert (await delete(client, user, media_id)).status_code == 204
        return await mark_ready(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pictures, "mark_ready", late)
    url = resources.media_links.picture_urls(UUID(media_id), ["small"])["small"]
    async with making_images(resources):
        assert (await until_made(client, url)).status_code == 404
    assert kept_files(settings) == []


async def test_only_whose_it_is_deletes_it(
    ada: Trader,
    other_user: Person,
    client: httpx.AsyncClient,
    workspace: Tenant,
    picture: Picture,
    database: Database,
) -> None:
    media_id = await ada.upload(picture())
    assert (await delete(client, other_user, media_id)).status_code == 404
    answer = await client.delete(f"/v1/media/{media_id}", headers=workspace.headers)
    assert answer.status_code == 404
    async with database.transaction() as session:
        assert await session.get(PictureRow, UUID(media_id)) is not None


async def test_what_others_see_is_not_deleted_before_it_is_taken_away(
    ada: Trader, user: Person, other_user: Person, client: httpx.AsyncClient, picture: Picture
) -> None:
    media_id = await ada.upload(picture())
    reader, chat = Reader(client, user), Chat(client)

    async def refused() -> str:
        answer = await delete(client, user, media_id)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/media-in-use")
        return str(answer.json()["detail"])

    post = await reader.publish("Look.", media=[{"media_id": media_id}])
    conversation = await chat.direct(user, other_user)
    message = await chat.send(user, conversation, media_ids=[media_id])
    listing = await ada.offer()
    told(await ada.show_images(listing, media_id))
    assert "1 feed post and 1 message and 1 listing." in await refused()
    await reader.drop(f"posts/{post}")
    assert "1 message and 1 listing." in await refused()
    gone = f"/v1/chat/conversations/{conversation}/messages/{message['id']}"
    told(await client.delete(gone, headers=user.headers))
    assert "shown by 1 listing." in await refused()
    told(await ada.show_images(listing))
    assert (await delete(client, user, media_id)).status_code == 204
