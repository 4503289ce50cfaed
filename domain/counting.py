"""How long a text is in the eyes of each network."""

import unicodedata
from typing import Final

import regex

from domain.urls import Span, urls_on_mastodon, urls_on_x

CHARACTERS_PER_URL: Final = 23
"""What X and Mastodon count for a web address, however long it is."""

_COUNTS_TWICE: Final = regex.compile(r"[^\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]")
"""Code points outside of the ranges that X counts once (twitter-text config/v3.json)."""

_MODIFIED: Final = r"(?:\uFE0F\u20E3?|[\U000E0020-\U000E007E]+\U000E007F)"
_PICTURE: Final = (
    rf"(?:\p{{Emoji_Modifier_Base}}\p{{Emoji_Modifier}}|[\p{{Emoji}}--[0-9#*©®]]{_MODIFIED}?)"
)
_EMOJI: Final = regex.compile(
    rf"(?V1)\p{{RI}}{{2}}|[0-9#*]\uFE0F?\u20E3|[©®]\uFE0F|{_PICTURE}(?:\u200D{_PICTURE})*+"
)
"""Emoji that are drawn as one, by the sequences of UTS #51; a sequence nobody draws counts too."""

_FLAG: Final = regex.compile(r"\p{Regional_Indicator}{2}")
_GRAPHEME: Final = regex.compile(r"\X")

_MASTODON_MENTION: Final = regex.compile(
    r"(?<![=/\w])(?>@(?P<user>[a-z0-9_]+(?:[.\-]+[a-z0-9_]+)*)(?:@\w+(?:[.\-]+\w+)*)?)"
    r"(?![@＠\xC0-\xD6\xD8-\xF6\xF8-\u024F\u1E00-\u1EFF]|://)",
    regex.IGNORECASE,
)

_HASHTAG_RUN: Final = regex.compile(r"(?<![\w&])(?:[#＃][\w\p{M}\p{Extended_Pictographic}]+)+")
_MENTION: Final = regex.compile(r"(?<![\w@.])@[A-Za-z0-9_](?:[A-Za-z0-9_.]*[A-Za-z0-9_])?")
_CASHTAG: Final = regex.compile(
    r"(?<![^\s])\$[a-z]{1,6}(?:[._][a-z]{1,2})?(?=$|\s|[!'#%&()*+,\\\-./:;<=>?@\[\]\^_{|}~$])",
    regex.IGNORECASE,
)


def code_points(text: str) -> int:
    """Length in Unicode code points: Facebook and Instagram, whose documents say "characters"."""
    return len(text)


def graphemes(text: str) -> int:
    """Length in what a reader takes for one character (UAX #29): Bluesky, and the feed."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    # A flag is a pair of indicators; the pattern would walk back over a run of them each time.
    return sum(1 for _ in _GRAPHEME.finditer(_FLAG.sub("f", text)))


def utf8_bytes(text: str) -> int:
    """Length in bytes of UTF-8: Bluesky's second limit.

    Half a surrogate pair counts three, as encoders do that let it pass.
    """
    return len(text.encode("utf-8", "surrogatepass"))


def x_weighted(text: str) -> int:
    """Length on X: most scripts count 1 a code point, CJK and the like 2, an emoji 2, a URL 23.

    Counted after normalisation to form C, with any line end as one character. Follows twitter-text
    3 (configuration v3) and its conformance suite.
    """
    normal = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    length = 0
    rest = 0
    for url in urls_on_x(normal):
        length += _weight(normal[rest : url.start]) + CHARACTERS_PER_URL
        rest = url.end
    return length + _weight(normal[rest:])


def mastodon_characters(
    text: str, *, content_warning: str | None = None, characters_per_url: int = CHARACTERS_PER_URL
) -> int:
    """Length on Mastodon in graphemes: of the content warning as written, and of the text.

    In the text an address counts `characters_per_url`, which an instance may set, and a mention
    counts without its @domain. Follows StatusLengthValidator of mastodon/mastodon.
    """
    urls = urls_on_mastodon(text)
    placeholder = "x" * characters_per_url
    pieces = [content_warning or ""]
    rest = 0
    for span, shown in sorted([*((url, placeholder) for url in urls), *_mentions(text, urls)]):
        pieces += text[rest : span.start], shown
        rest = span.end
    return graphemes("".join([*pieces, text[rest:]]))


def hashtags(text: str) -> int:
    """How many hashtags Instagram sees. They may stand side by side without a space.

    Instagram publishes the limit and no grammar: this is what its app makes links of.
    """
    return sum(
        run.group().count("#") + run.group().count("＃") for run in _HASHTAG_RUN.finditer(text)
    )


def mentions(text: str) -> int:
    """How many @mentions Instagram sees, by the form of its user names; an e-mail has none."""
    return sum(1 for _ in _MENTION.finditer(text))


def cashtags(text: str) -> int:
    """How many cashtags such as $TSLA X sees; twitter-text defines them."""
    return sum(1 for _ in _CASHTAG.finditer(text))


def _weight(text: str) -> int:
    """The weight on X of a text without addresses."""
    if text.isascii():
        return len(text)
    plain: str
    emoji: int
    plain, emoji = _EMOJI.subn("", text)
    return len(plain) + len(_COUNTS_TWICE.findall(plain)) + 2 * emoji


def _mentions(text: str, urls: tuple[Span, ...]) -> list[tuple[Span, str]]:
    """Mastodon's mentions outside of addresses, each with what of it counts."""
    inside = {index for url in urls for index in range(*url)}
    return [
        (Span(*match.span()), f"@{match['user']}")
        for match in _MASTODON_MENTION.finditer(text)
        if match.start() not in inside
    ]
