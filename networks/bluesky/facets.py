"""Which stretches of a text are links, mentions and tags on Bluesky.

Bluesky makes nothing of a plain text by itself: each post says where its links are, in UTF-8 bytes.
What counts as one follows detectFacets of @atproto/api, so that a post looks as if written in
Bluesky's own app.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import regex

from domain.top_level_domains import TOP_LEVEL_DOMAINS

TAG_LIMIT = 64
"""Characters of a tag without its hash sign."""

_MENTION = regex.compile(r"(?:^|[\s(])@(?P<handle>[a-zA-Z0-9.-]+)\b")
_HANDLE = regex.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""What the protocol takes for a handle; asked for anything else, servers answer 500."""
_NONSPACE = r"[^\s\uFEFF]"
"""What is no space to the server: there, a byte order mark is one."""
_LINK = regex.compile(
    rf"(?:^|[\s(])"
    rf"(?P<link>https?://{_NONSPACE}+|(?P<domain>[a-z][a-z0-9]*(?:\.[a-z0-9]+)+){_NONSPACE}*)",
    regex.IGNORECASE | regex.MULTILINE,
)
_NO_HOST = regex.compile(r"https?://(?:/.*)?", regex.IGNORECASE | regex.DOTALL)
"""No address at all: with a link to it, the server refuses the whole post."""
_INVISIBLE = r"\u00AD\u2060\u200A\u200B\u200C\u200D\u20E2"
_TAG = regex.compile(
    rf"(?:^|\s)(?P<tag>[#＃](?!\uFE0F)[^\s{_INVISIBLE}]*"
    rf"[^\d\s\p{{P}}{_INVISIBLE}][^\s{_INVISIBLE}]*)"
)
_LAST_PUNCTUATION = regex.compile(r"\p{P}+$")

Facet = dict[str, Any]


def handles_in(text: str) -> tuple[str, ...]:
    """The handles a text mentions, in lower case, each once, in order."""
    found = (match["handle"].lower() for match in _MENTION.finditer(text))
    return tuple(dict.fromkeys(handle for handle in found if _is_handle(handle)))


def facets_of(text: str, dids: Mapping[str, str]) -> list[Facet]:
    """The facets of a text, by their place in it.

    `dids` is handle in lower case → DID of the mentions that exist; others stay plain text.
    """
    found = [*_mentions(text, dids), *_links(text), *_tags(text)]
    kept: list[Facet] = []
    end = 0
    for facet in sorted(found, key=lambda facet: int(facet["index"]["byteStart"])):
        # Readers drop a facet that overlaps the one before it.
        if facet["index"]["byteStart"] >= end:
            kept.append(facet)
            end = facet["index"]["byteEnd"]
    return kept


def _mentions(text: str, dids: Mapping[str, str]) -> Iterator[Facet]:
    for match in _MENTION.finditer(text):
        did = dids.get(match["handle"].lower())
        if did is not None:
            start, end = match.span("handle")
            yield _facet(text, start - 1, end, "mention", did=did)


def _links(text: str) -> Iterator[Facet]:
    for match in _LINK.finditer(text):
        link = match["link"]
        if match["domain"] and not _is_domain(match["domain"]):
            continue
        if link[-1] in ".,;:!?":
            link = link[:-1]
        if link.endswith(")") and "(" not in link:
            link = link[:-1]
        if _NO_HOST.fullmatch(link):
            continue
        start = match.start("link")
        uri = f"https://{link}" if match["domain"] else link
        yield _facet(text, start, start + len(link), "link", uri=uri)


def _tags(text: str) -> Iterator[Facet]:
    for match in _TAG.finditer(text):
        tag = _LAST_PUNCTUATION.sub("", match["tag"])
        if 1 < len(tag) <= TAG_LIMIT + 1:
            start = match.start("tag")
            yield _facet(text, start, start + len(tag), "tag", tag=tag[1:])


def _facet(text: str, start: int, end: int, kind: str, **feature: str) -> Facet:
    byte_start = len(text[:start].encode())
    byte_end = byte_start + len(text[start:end].encode())
    return {
        "index": {"byteStart": byte_start, "byteEnd": byte_end},
        "features": [{"$type": f"app.bsky.richtext.facet#{kind}", **feature}],
    }


def _is_handle(name: str) -> bool:
    return _HANDLE.fullmatch(name) is not None and _is_domain(name)


def _is_domain(name: str) -> bool:
    """Whether it ends in a top-level domain; `.test` is for handles of test servers."""
    _, dot, last = name.rpartition(".")
    return bool(dot) and (last.lower() in TOP_LEVEL_DOMAINS or last.lower() == "test")
