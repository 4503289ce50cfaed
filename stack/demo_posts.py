"""What `make demo` publishes: every kind of post, on every network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

NETWORKS = ("facebook", "instagram", "x", "bluesky", "mastodon", "feed")


@dataclass(frozen=True, kw_only=True)
class DemoPost:
    """One post of the demonstration."""

    kind: str
    networks: Sequence[str]
    text: str
    pictures: int = 0
    parts: int = 1
    """How many public items each of its deliveries makes: post, replies, comment."""
    fields: Mapping[str, Any] = field(default_factory=dict)


POSTS = (
    DemoPost(kind="text", networks=["facebook", "x", "mastodon", "feed"], text="Open at seven."),
    DemoPost(
        kind="link",
        networks=["facebook"],
        text="Our new shop window",
        fields={"link": "https://example.com/window"},
    ),
    DemoPost(
        kind="image",
        networks=["facebook", "instagram", "x", "bluesky", "mastodon", "feed"],
        text="Fresh from the oven",
        pictures=1,
    ),
    DemoPost(
        kind="album", networks=["facebook", "instagram", "x"], text="Three loaves", pictures=3
    ),
    DemoPost(
        kind="first comment",
        networks=["facebook"],
        text="Ten free rolls",
        parts=2,
        fields={"first_comment": "For the first ten guests."},
    ),
    DemoPost(
        kind="image, first comment",
        networks=["instagram"],
        text="Rye, wheat, spelt",
        pictures=1,
        parts=2,
        fields={"first_comment": "#bread #bakery"},
    ),
    DemoPost(
        kind="thread",
        networks=["x", "bluesky", "mastodon"],
        text="How we bake",
        parts=3,
        fields={"thread": [{"text": "First, flour."}, {"text": "Then, patience."}]},
    ),
    DemoPost(
        kind="facets",
        networks=["bluesky"],
        text="With @miller.test at https://example.com/mill #flour",
    ),
    DemoPost(
        kind="content warning",
        networks=["mastodon"],
        text="The oven was very hot",
        fields={"variants": {"mastodon": {"content_warning": "burns", "visibility": "unlisted"}}},
    ),
)

AFTER_A_STOP = (
    DemoPost(
        kind="image, after a stop", networks=NETWORKS, text="Still fresh after a stop", pictures=1
    ),
    DemoPost(
        kind="thread, after a stop",
        networks=["x", "bluesky", "mastodon"],
        text="Before the stop",
        parts=2,
        fields={"thread": [{"text": "After it."}]},
    ),
)


def picture(number: int) -> bytes:
    """A small JPEG that can be told from the others."""
    image = Image.new("RGB", (640, 480), (200, 40 * (number % 5) + 40, 60))
    ImageDraw.Draw(image).ellipse((170, 90, 470, 390), fill=(240, 200, 120 + 20 * (number % 5)))
    buffer = BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()
