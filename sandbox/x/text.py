"""How X counts a text and rewrites its links, after twitter-text's configuration v3.

Weighted length: 280 at most; most Latin code points 1, others 2, an emoji sequence 2, a link 23.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import regex

MAX_WEIGHTED_LENGTH = 280
_URL_WEIGHT = 23
_LIGHT_RANGES = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))

_ONE_EMOJI = (
    r"(?:[#*0-9]\uFE0F?\u20E3|\p{RI}\p{RI}|[©®™]\uFE0F|(?![©®™0-9#*\p{RI}])"
    r"(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})\uFE0F?\p{EMod}?[\U000E0020-\U000E007F]*)"
)
_EMOJI = regex.compile(rf"{_ONE_EMOJI}(?:\u200D{_ONE_EMOJI})*")

# The top-level domains that twitter-text knows: one that it does not know makes no link.
_TLDS = Path(__file__).with_name("top_level_domains.txt").read_text(encoding="utf-8").split()
_WIDE = r"[^\s!-/:-@\[-`{-~\u2000-\u206f\u3000-\u303f\uff00-\uffef]"
_LATIN = r"[a-zA-Z0-9\u00c0-\u024f]"
_PATH = r"[\p{Latin}\p{Cyrillic}0-9!*';:=+,.$/%#\[\]\-–_~@|&]"
_PATH_END = r"(?:[\p{Latin}\p{Cyrillic}0-9=_#/+\-]|\([\p{Latin}\p{Cyrillic}0-9=_.\-/&]+\))"
_URL = regex.compile(
    r"(?<![a-zA-Z0-9@＠$#＃])"
    rf"(?:https?://(?<host>(?:{_WIDE}(?:(?:{_WIDE}|[_-])*{_WIDE})?\.)*"
    rf"{_WIDE}(?:(?:{_WIDE}|-)*{_WIDE})?\.\L<tlds>)"
    rf"|(?<![-_./])(?<host>(?:{_LATIN}(?:(?:{_LATIN}|[_-])*{_LATIN})?\.)*"
    rf"{_LATIN}(?:(?:{_LATIN}|-)*{_LATIN})?\.\L<tlds>))"
    r"(?![a-zA-Z0-9@+-])(?::[0-9]+)?"
    rf"(?:/(?:(?:{_PATH}|{_PATH_END})*{_PATH_END})?)?"
    r"(?:\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@]*[a-z0-9\-_&=#/])?",
    regex.IGNORECASE,
    tlds=_TLDS,
)
_DOT_WITHIN = regex.compile(r"\.\w")
"""What every host has and most texts have not."""
_SHORT_LINK = regex.compile(r"https?://t\.co/(?<slug>[a-z0-9]+)", regex.IGNORECASE)
_SHORT_SLUG_LIMIT = 40
_CASHTAG = regex.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?![\w$])")


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a text, `start` and `end` in code points."""

    start: int
    end: int
    url: str

    @property
    def expanded(self) -> str:
        return self.url if "://" in self.url else f"http://{self.url}"


def find_links(text: str) -> list[Link]:
    """The links that X recognises, those without a protocol included."""
    if _DOT_WITHIN.search(text) is None:
        return []
    links = []
    for match in _URL.finditer(text):
        if not all(_is_label(label) for label in match["host"].split(".")):
            continue
        short = _SHORT_LINK.match(match[0])
        if short and len(short["slug"]) > _SHORT_SLUG_LIMIT:
            continue
        url = short[0] if short else match[0]
        links.append(Link(match.start(), match.start() + len(url), url))
    return links


def _is_label(label: str) -> bool:
    if label.isascii():
        return len(label) <= 63
    return not label.startswith("xn--") and len(label.encode("punycode")) + len("xn--") <= 63


def weighted_length(text: str) -> int:
    """The length that X compares with 280."""
    text = unicodedata.normalize("NFC", text)
    length, position = 0, 0
    for link in find_links(text):
        length += _plain_weight(text[position : link.start]) + _URL_WEIGHT
        position = link.end
    return length + _plain_weight(text[position:])


def _plain_weight(text: str) -> int:
    if text.isascii():
        return len(text)
    rest: str
    emoji: int
    rest, emoji = _EMOJI.subn("", text)
    return 2 * emoji + sum(1 if _is_light(ord(character)) else 2 for character in rest)


def _is_light(code_point: int) -> bool:
    return any(first <= code_point <= last for first, last in _LIGHT_RANGES)


def count_cashtags(text: str) -> int:
    return len(_CASHTAG.findall(text))


def show_text(
    text: str, new_short_link: Callable[[], str], media_links: list[dict[str, Any]]
) -> tuple[str, list[dict[str, Any]]]:
    """The text as X's API answers it, and its `entities.urls`.

    Links become t.co links, media are one more t.co link at the end, `&`, `<`, `>` are escaped.
    """
    shown: list[str] = []
    urls: list[dict[str, Any]] = []
    length, position = 0, 0

    def add(piece: str) -> None:
        nonlocal length
        shown.append(piece)
        length += len(piece)

    def add_link(short: str, entity: dict[str, Any]) -> None:
        urls.append({"start": length, "end": length + len(short), "url": short, **entity})
        add(short)

    for link in find_links(text):
        add(escape(text[position : link.start], quote=False))
        bare = link.expanded.split("://", 1)[1].removeprefix("www.")
        display = bare if len(bare) <= 27 else f"{bare[:26]}…"
        add_link(new_short_link(), {"expanded_url": link.expanded, "display_url": display})
        position = link.end
    add(escape(text[position:], quote=False))
    if media_links:
        if length:
            add(" ")
        short = new_short_link()
        start = length
        add(short)
        urls += [{"start": start, "end": length, "url": short, **link} for link in media_links]
    return "".join(shown), urls
