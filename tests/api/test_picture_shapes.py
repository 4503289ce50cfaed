"""How large a picture is, told wherever it is linked: a client keeps its place while it loads."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.networks import Network
from networks.protocol import MediaFile
from storage.database import Database
from tests.api.chats import Chat
from tests.api.conftest import Person, Picture
from tests.api.feed_actors import Reader, told
from tests.api.market_actors import Trader
from tests.api.test_feed import publish, unread
from tests.api.test_market_images import photograph
from tests.api.test_posts_actors import Author
from tests.conftest import Tenant
from tests.sent_statements import sent_to


@pytest.fixture
def ada(client: httpx.AsyncClient, user: Person) -> Trader:
    """Whose pictures these are."""
    return Trader(client, user)


def shapes_of(shown: dict[str, Any]) -> list[tuple[int, int]]:
    """Width and height of what a post or message shows."""
    return [(one["width"], one["height"]) for one in shown["media"]]


async def test_feed_posts_tell_it_of_the_picture_as_it_is_seen(
    ada: Trader, user: Person, client: httpx.AsyncClient, picture: Picture
) -> None:
    lying, small = await ada.upload(photograph(1200, 900)), await ada.upload(picture(40, 20))
    reader = Reader(client, user)
    media = [{"media_id": small}, {"media_id": lying}]
    post = await reader.publish("Look.", media=media)
    assert shapes_of(await reader.get(f"posts/{post}")) == [(40, 20), (900, 1200)]
    [entry] = (await reader.get("home"))["items"]
    assert shapes_of(entry["post"]) == [(40, 20), (900, 1200)]


async def test_a_scheduled_post_tells_it_too(
    client: httpx.AsyncClient, database: Database, workspace: Tenant
) -> None:
    author = Author(client, database, workspace)
    bread = await author.upload()
    known = told(await client.get(f"/v1/media/{bread}", headers=workspace.headers))
    file = MediaFile(
        media_id=UUID(bread),
        content_type="image/jpeg",
        size=1,
        width=known["width"],
        height=known["height"],
        alt_text="A loaf",
        public_url="",
        read=unread,
    )
    receipt = await publish(database, await author.connect(Network.FEED), "Bread.", (file,))
    shown = told(await client.get(f"/v1/feed/posts/{receipt.remote_id}"))
    assert shapes_of(shown) == [(known["width"], known["height"])]


async def test_a_page_of_pictures_asks_for_all_of_them_at_once(
    ada: Trader, user: Person, client: httpx.AsyncClient, picture: Picture, database: Database
) -> None:
    reader, asked = Reader(client, user), []
    for number in (1, 4):
        for _ in range(number):
            media_id = await ada.upload(picture())
            await reader.publish("Look.", media=[{"media_id": media_id}])
        with sent_to(database) as statements:
            await reader.get(f"users/{reader.id}/posts")
        asked.append(len(statements))
    assert asked[0] == asked[1]


async def test_messages_tell_it_live_in_lists_and_to_who_catches_up(
    ada: Trader, user: Person, other_user: Person, client: httpx.AsyncClient, picture: Picture
) -> None:
    lying, small = await ada.upload(photograph(1200, 900)), await ada.upload(picture(40, 20))
    chat = Chat(client)
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(user, conversation, media_ids=[small, lying])
    assert shapes_of(sent) == [(40, 20), (900, 1200)]
    listed = await chat.read(f"/conversations/{conversation}/messages", other_user)
    assert listed["items"] == [sent]
    caught_up = await chat.events(other_user, conversation)
    assert [event["message"] for event in caught_up["events"] if event["message"]] == [sent]
    again = await chat.try_to_send(
        user, conversation, client_id=sent["client_id"], media_ids=[small, lying]
    )
    assert again.json() == sent
    edited = await chat.ask(
        "PATCH",
        f"/conversations/{conversation}/messages/{sent['id']}",
        user,
        json={"text": "Mine."},
    )
    assert edited.json()["media"] == sent["media"]
