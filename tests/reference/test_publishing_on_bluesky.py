"""Scheduled through Punctual's API, public on the reference server: what its own API shows."""

import io
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from tests.reference.lossy_proxy import lossy_proxy
from tests.reference.punctual_api import PunctualApi
from tests.reference.reference_server import POST, Owner, ReferenceServer, blob_cid

pytestmark = [pytest.mark.bluesky_reference, pytest.mark.timeout(900)]

CREATED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TOLERANCE = timedelta(seconds=10)
"""Between the publish time and `createdAt`, on a busy machine."""


@pytest.fixture(scope="session")
async def miller(reference_server: ReferenceServer) -> Owner:
    """Somebody to mention."""
    return await reference_server.new_owner("miller")


@pytest.fixture
async def account_id(punctual: PunctualApi, baker: Owner) -> str:
    """The baker's account in Punctual, found at the server of the settings."""
    return await punctual.connect(baker)


def facet(text: str, covered: str, kind: str, **feature: str) -> dict[str, Any]:
    """What marks `covered`, which stands once in the text."""
    before, _, _ = text.partition(covered)
    start = len(before.encode())
    return {
        "index": {"byteStart": start, "byteEnd": start + len(covered.encode())},
        "features": [{"$type": f"app.bsky.richtext.facet#{kind}", **feature}],
    }


def picture(width: int, height: int, kind: str) -> bytes:
    """A noisy picture that no other is equal to."""
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def require_timely(delivery: dict[str, Any], value: dict[str, Any]) -> None:
    """The record carries the moment of its sending, in the form that the lexicon asks for."""
    assert CREATED_AT.fullmatch(value["createdAt"])
    created_at = datetime.fromisoformat(value["createdAt"])
    assert abs(created_at - datetime.fromisoformat(delivery["publish_at"])) < TOLERANCE


async def test_text_with_facets(
    punctual: PunctualApi,
    reference_server: ReferenceServer,
    baker: Owner,
    miller: Owner,
    account_id: str,
) -> None:
    text = (
        "👩‍👩‍👧 Früh auf: @miller.test mahlt, https://example.com/möhre?a=1#b erklärt es "
        "(und example.org/brot). #Müsli #日本 🥖 @nobody.test"
    )
    delivery = await punctual.publish(account_id, text=text, language="de-AT")
    (public,) = await reference_server.records(baker)
    value = public["value"]
    require_timely(delivery, value)
    assert value == {
        "$type": POST,
        "text": text,
        "createdAt": value["createdAt"],
        "langs": ["de-AT"],
        "facets": [
            facet(text, "@miller.test", "mention", did=miller.did),
            facet(
                text,
                "https://example.com/möhre?a=1#b",
                "link",
                uri="https://example.com/möhre?a=1#b",
            ),
            facet(text, "example.org/brot", "link", uri="https://example.org/brot"),
            facet(text, "#Müsli", "tag", tag="Müsli"),
            facet(text, "#日本", "tag", tag="日本"),
        ],
    }
    rkey = public["uri"].rpartition("/")[2]
    assert delivery["remote_id"] == public["uri"] == f"at://{baker.did}/{POST}/{rkey}"
    assert delivery["permalink"] == f"https://bsky.app/profile/{baker.handle}/post/{rkey}"


async def test_images_with_alt_text(
    punctual: PunctualApi, reference_server: ReferenceServer, baker: Owner
) -> None:
    account_id = await punctual.connect(baker, service_url=reference_server.url)
    loaf, oven = picture(640, 360, "JPEG"), picture(90, 120, "PNG")
    delivery = await punctual.publish(
        account_id,
        text="Fresh from the oven",
        media=[
            {"media_id": await punctual.upload(loaf, alt_text="A loaf of rye, “still warm” 🍞")},
            {"media_id": await punctual.upload(oven, alt_text="Oven"), "alt_text": "The oven"},
        ],
    )
    (public,) = await reference_server.records(baker)
    assert public["uri"] == delivery["remote_id"]
    require_timely(delivery, public["value"])
    assert public["value"]["embed"] == {
        "$type": "app.bsky.embed.images",
        "images": [
            image(loaf, "image/jpeg", alt="A loaf of rye, “still warm” 🍞", width=640, height=360),
            image(oven, "image/png", alt="The oven", width=90, height=120),
        ],
    }
    for sent in (loaf, oven):
        assert await reference_server.blob(baker, blob_cid(sent)) == sent


def image(
    content: bytes, content_type: str, *, alt: str, width: int, height: int
) -> dict[str, Any]:
    """What an embed says about one picture."""
    return {
        "alt": alt,
        "aspectRatio": {"width": width, "height": height},
        "image": {
            "$type": "blob",
            "ref": {"$link": blob_cid(content)},
            "mimeType": content_type,
            "size": len(content),
        },
    }


async def test_thread_of_three(
    punctual: PunctualApi, reference_server: ReferenceServer, baker: Owner, account_id: str
) -> None:
    flour = picture(200, 200, "JPEG")
    media_id = await punctual.upload(flour, alt_text="Flour")
    delivery = await punctual.publish(
        account_id,
        text="How we bake",
        thread=[
            {"text": "First, flour.", "media": [{"media_id": media_id}]},
            {"text": "Then, patience: https://example.com/patience"},
        ],
    )
    public = await reference_server.records(baker)
    assert [record["value"]["text"] for record in public] == [
        "How we bake",
        "First, flour.",
        "Then, patience: https://example.com/patience",
    ]
    assert delivery["remote_id"] == public[0]["uri"]
    root, second, _ = [{"uri": record["uri"], "cid": record["cid"]} for record in public]
    assert [record["value"].get("reply") for record in public] == [
        None,
        {"root": root, "parent": root},
        {"root": root, "parent": second},
    ]
    assert public[1]["value"]["embed"]["images"][0]["alt"] == "Flour"
    (link,) = public[2]["value"]["facets"][0]["features"]
    assert link["uri"] == "https://example.com/patience"


async def test_what_looks_like_a_link_or_a_mention_and_is_none(
    punctual: PunctualApi, reference_server: ReferenceServer, baker: Owner, account_id: str
) -> None:
    text = "Write https://, not https:///bread; ask @.com, @a_b.test or @-x.test, v1.2"
    await punctual.publish(account_id, text=text)
    (public,) = await reference_server.records(baker)
    assert public["value"]["text"] == text
    assert "facets" not in public["value"]


@pytest.mark.parametrize("parts", [1, 3])
async def test_lost_answers_leave_each_part_public_once(
    punctual: PunctualApi, reference_server: ReferenceServer, baker: Owner, parts: int
) -> None:
    async with lossy_proxy(reference_server.url) as proxy:
        account_id = await punctual.connect(baker, service_url=proxy.url)
        proxy.lose("com.atproto.repo.putRecord", answers=1)
        texts = [f"Part {number}" for number in range(1, parts + 1)]
        thread = [{"text": text} for text in texts[1:]]
        delivery = await punctual.publish(account_id, text=texts[0], thread=thread)
        assert proxy.lost == 1
    public = await reference_server.records(baker)
    assert [record["value"]["text"] for record in public] == texts
    assert delivery["remote_id"] == public[0]["uri"]


async def test_lost_requests_are_sent_again(
    punctual: PunctualApi, reference_server: ReferenceServer, baker: Owner
) -> None:
    async with lossy_proxy(reference_server.url) as proxy:
        account_id = await punctual.connect(baker, service_url=proxy.url)
        proxy.lose("com.atproto.repo.putRecord", requests=1)
        delivery = await punctual.publish(account_id, text="Sent twice, arrived once")
        assert proxy.lost == 1
    (public,) = await reference_server.records(baker)
    assert public["uri"] == delivery["remote_id"]
