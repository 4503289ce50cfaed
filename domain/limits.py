"""What each network allows, as one table: sizes, forms, and which fields mean something there.

Megabytes that a source does not define are read as 10^6 bytes, the smaller reading: a file that is
refused early can be mended, one that the network refuses at the publish time cannot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from domain.content import Part
from domain.counting import (
    CHARACTERS_PER_URL,
    code_points,
    graphemes,
    mastodon_characters,
    x_weighted,
)
from domain.networks import Network

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GIF: Final = "image/gif"
WEBP: Final = "image/webp"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLimits:
    """Limits that a network told of one account; None where it told nothing.

    Mastodon instances publish theirs (`GET /api/v2/instance`), X allows some accounts more, and
    Instagram tells how many posts it takes in 24 hours (`content_publishing_limit`).
    """

    max_characters: int | None = None
    characters_per_url: int | None = None
    max_media: int | None = None
    max_image_bytes: int | None = None
    max_image_pixels: int | None = None
    max_alt_text: int | None = None
    posts_a_day: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaRules:
    """What a network takes as images of one post, reply or comment."""

    max_items: int
    content_types: tuple[str, ...]
    max_bytes: int | None = None
    max_pixels: int | None = None
    """Width times height."""
    min_aspect: Fraction | None = None
    """Width over height of the tallest image."""
    max_aspect: Fraction | None = None
    """Width over height of the widest image."""
    max_alt_text: int | None = None
    """Code points."""
    required: bool = False
    excludes_link: bool = False
    alone: frozenset[str] = frozenset()
    """Content types of which there is one, and nothing beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRules:
    """What one network takes."""

    name: str
    """As the network writes itself."""
    max_characters: int
    count: Callable[[Part, AccountLimits], int]
    """The length of a part in this network's characters."""
    media: MediaRules
    takes: frozenset[str] = frozenset()
    """Fields of a content, beyond text, media and language, that mean something here."""
    max_bytes: int | None = None
    """Of the text in UTF-8."""
    max_hashtags: int | None = None
    max_mentions: int | None = None
    max_cashtags: int | None = None
    refused_characters: str = ""


def _in_code_points(part: Part, _: AccountLimits) -> int:
    return code_points(part.text)


def _in_graphemes(part: Part, _: AccountLimits) -> int:
    return graphemes(part.text)


def _in_weight(part: Part, _: AccountLimits) -> int:
    return x_weighted(part.text)


def _with_content_warning(part: Part, limits: AccountLimits) -> int:
    return mastodon_characters(
        part.text,
        content_warning=part.content_warning,
        characters_per_url=(
            CHARACTERS_PER_URL if limits.characters_per_url is None else limits.characters_per_url
        ),
    )


_FACEBOOK: Final = NetworkRules(
    name="Facebook",
    max_characters=63_206,
    count=_in_code_points,
    takes=frozenset({"link", "first_comment"}),
    media=MediaRules(
        max_items=10,
        content_types=(JPEG, PNG),
        # Error 1366046 names less than 4 MB; other sources say 10 MB, and none is official.
        max_bytes=4_000_000,
        excludes_link=True,
    ),
)
"""Pages. `/feed` takes either a link or attached photos; albums hold ten."""

_INSTAGRAM: Final = NetworkRules(
    name="Instagram",
    max_characters=2_200,
    count=_in_code_points,
    max_hashtags=30,
    max_mentions=20,
    takes=frozenset({"first_comment"}),
    media=MediaRules(
        required=True,
        max_items=10,
        content_types=(JPEG,),
        max_bytes=8 * 1024 * 1024,
        min_aspect=Fraction(4, 5),
        max_aspect=Fraction(191, 100),
    ),
)
"""Content publishing: one image, or a carousel of two to ten. Text alone is impossible."""

_X: Final = NetworkRules(
    name="X",
    max_characters=280,
    count=_in_weight,
    max_cashtags=1,
    refused_characters="\ufffe\ufeff\uffff",
    takes=frozenset({"thread"}),
    media=MediaRules(
        max_items=4,
        content_types=(JPEG, PNG, GIF, WEBP),
        max_bytes=5_000_000,
        max_alt_text=1_000,
        alone=frozenset({GIF}),
    ),
)
"""API v2: four photos or one GIF; one cashtag for self-serve apps; characters by twitter-text."""

_BLUESKY: Final = NetworkRules(
    name="Bluesky",
    max_characters=300,
    count=_in_graphemes,
    max_bytes=3_000,
    takes=frozenset({"thread"}),
    media=MediaRules(
        max_items=4,
        content_types=(JPEG, PNG, GIF, WEBP),
        # The lexicon allows twice as much by now; servers in use still enforce this.
        max_bytes=1_000_000,
    ),
)
"""Lexicons app.bsky.feed.post and app.bsky.embed.images; no limit for alternative text there."""

_MASTODON: Final = NetworkRules(
    name="Mastodon",
    max_characters=500,
    count=_with_content_warning,
    takes=frozenset({"thread", "content_warning", "visibility"}),
    media=MediaRules(
        max_items=4,
        content_types=(JPEG, PNG, GIF, WEBP),
        max_bytes=16_777_216,
        max_pixels=33_177_600,
        max_alt_text=1_500,
        # An animated GIF becomes a video there, and a video stands alone.
        alone=frozenset({GIF}),
    ),
)
"""A server's defaults; each server publishes its own in `configuration` of `/api/v2/instance`."""

_FEED: Final = NetworkRules(
    name="The feed",
    max_characters=5_000,
    count=_in_graphemes,
    media=MediaRules(max_items=10, content_types=(JPEG, PNG, GIF, WEBP)),
)
"""The built-in network, whose limits are our own."""

RULES: Final[Mapping[Network, NetworkRules]] = {
    Network.FACEBOOK: _FACEBOOK,
    Network.INSTAGRAM: _INSTAGRAM,
    Network.X: _X,
    Network.BLUESKY: _BLUESKY,
    Network.MASTODON: _MASTODON,
    Network.FEED: _FEED,
}
"""What every network allows. A network that is missing here cannot be posted to."""
