"""Where a text has web addresses, as X and Mastodon see them: both count one as 23 characters.

X publishes its rules as the twitter-text library; Mastodon uses that library and widens what a path
may hold. A domain needs a known top-level domain. X also takes a domain without `https://`.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import regex

from domain.top_level_domains import TOP_LEVEL_DOMAINS

_LONGEST: Final = 4096
"""Characters an address may have, its scheme counted once more: twitter-text's MAX_URL_LENGTH."""

_LONGEST_TCO_SLUG: Final = 40

_NOT_IN_TEXT: Final = r"\uFFFE\uFEFF\uFFFF"
_DIRECTION_MARKS: Final = r"\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"
_SPACES: Final = r"\x09-\x0D\x20\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_ACCENTED: Final = (
    r"\xC0-\xD6\xD8-\xF6\xF8-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272"
    r"\u0289\u028B\u02BB\u0300-\u036F\u1E00-\u1EFF"
)
_LETTER: Final = (
    r"[^!'#%&()*+,\\\-./:;<=>?@\[\]\^_{|}~$"
    rf"{_SPACES}{_NOT_IN_TEXT}{_DIRECTION_MARKS}]"
)
"""A character of a domain: whatever is no ASCII punctuation, no space and no control mark."""

# Possessive, and bounded by what DNS allows, so that no text takes more than linear time.
_LABEL: Final = rf"(?![_\-])(?:{_LETTER}|[_\-](?=[_\-]*+{_LETTER})){{1,63}}+\."
_TOP: Final = r"(?:\L<top_level>(?![0-9A-Za-z@+\-])|xn--[\-0-9a-z]+)"

_TOP_LEVEL: Final = regex.compile(_TOP, regex.IGNORECASE, top_level=TOP_LEVEL_DOMAINS)
_ASCII_DOMAIN: Final = regex.compile(
    rf"(?:[\-a-z0-9{_ACCENTED}]++\.)+{_TOP}", regex.IGNORECASE, top_level=TOP_LEVEL_DOMAINS
)
_TCO: Final = regex.compile(
    r"https?://t\.co/([a-z0-9]+)(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?",
    regex.IGNORECASE,
)


class Span(NamedTuple):
    """A stretch of a text: the indices of its first character and of the one after its last."""

    start: int
    end: int


class _Address(NamedTuple):
    """An address and its parts."""

    before: str
    scheme: str
    domain: Span
    has_path: bool
    whole: Span


class _Syntax(NamedTuple):
    """How one network reads addresses."""

    start: regex.Pattern[str]
    """The character before, the scheme, and every label that a dot follows."""
    rest: regex.Pattern[str]
    """Port, path and query."""


def _syntax(*, scheme: str, path: str, path_end: str, query: str, query_end: str) -> _Syntax:
    """The syntax of addresses, given the characters that one network allows in their parts."""
    # A path may hold parentheses when they are balanced, one level inside another at most.
    parentheses = rf"\({path}*+(?:\({path}++\){path}*+)?(?<!\()\)"
    start = (
        rf"(?P<before>[^A-Za-z0-9@＠$#＃{_NOT_IN_TEXT}]|^)"
        rf"(?P<scheme>{scheme})(?P<labels>(?:{_LABEL}){{1,127}}+)"
    )
    rest = (
        r"(?::[0-9]++)?"
        rf"(?P<path>/(?:(?:{path}|{parentheses})*(?:{path_end}|{parentheses}))?)?"
        rf"(?:\?{query}*{query_end})?"
    )
    return _Syntax(regex.compile(start, regex.IGNORECASE), regex.compile(rest, regex.IGNORECASE))


_ON_X: Final = _syntax(
    scheme="(?:https?://)?",
    path=rf"[a-z\u0400-\u04FF0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_ACCENTED}]",
    path_end=rf"[+\-a-z\u0400-\u04FF0-9=_#/{_ACCENTED}]",
    query=r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]",
    query_end=r"[a-z0-9\-_&=#/]",
)

_BEYOND_ASCII: Final = r"\xA0-\uD7FF\uE000-\uFFEF\U00010000-\U0010FFFD"
_ON_MASTODON: Final = _syntax(
    scheme="(?:https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini)://",
    path=r"[^\s<>()?]",
    path_end=r"""[^\s()?!*"'「」<>;:=,.$%\[\]~&|@]""",
    query=rf"[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@\^{_BEYOND_ASCII}]",
    query_end=rf"[a-z0-9_&=#/\-{_BEYOND_ASCII}]",
)


_INNER_DOT: Final = regex.compile(rf"[^{_SPACES}]\.[^{_SPACES}]")
"""What every address has: a label, a dot and what follows it."""


def urls_on_x(text: str) -> tuple[Span, ...]:
    """The addresses X replaces by t.co links, in order; `text` is in normal form C.

    Follows extractUrlsWithIndices of twitter-text 3.
    """
    return tuple(
        span for address in _addresses(_ON_X, text) for span in _linked_on_x(address, text)
    )


def urls_on_mastodon(text: str) -> tuple[Span, ...]:
    """The addresses Mastodon makes links of, in order: those with a scheme.

    Follows config/initializers/twitter_regex.rb of mastodon/mastodon.
    """
    return tuple(address.whole for address in _addresses(_ON_MASTODON, text))


def _addresses(syntax: _Syntax, text: str) -> Iterator[_Address]:
    """Everything in a text that has an address's form and a domain DNS can hold."""
    if _INNER_DOT.search(text) is None:
        return
    position = 0
    while match := syntax.start.search(text, position):
        end = _domain_end(match, text)
        if end is None:
            # The labels begin no domain, so none of them does; a scheme may follow the last dot.
            position = match.end() - 1
            continue
        rest = syntax.rest.match(text, end)
        position = rest.end() if rest else end
        address = _Address(
            before=match["before"],
            scheme=match["scheme"],
            domain=Span(match.start("labels"), end),
            has_path=bool(rest and rest["path"]),
            whole=Span(match.start("scheme"), position),
        )
        if _is_real(address, text):
            yield address


def _domain_end(match: regex.Match[str], text: str) -> int | None:
    """Where the longest domain within some labels ends, its top-level domain included."""
    position: int = match.end("labels")
    for label in reversed(match["labels"][:-1].split(".")):
        if "_" not in label and (top := _TOP_LEVEL.match(text, position)):
            end: int = top.end()
            return end
        position -= len(label) + 1
    return None


def _is_real(address: _Address, text: str) -> bool:
    """Whether DNS can hold the domain, and the address is not longer than an address may be."""
    domain = text[slice(*address.domain)]
    try:
        encoded = domain.encode("idna")
    except UnicodeError:
        return False
    length = address.whole.end - address.whole.start + len(encoded) - len(domain)
    return length + len(address.scheme or "https://") <= _LONGEST


def _linked_on_x(address: _Address, text: str) -> Iterator[Span]:
    """What of an address X makes links of."""
    start, end = address.whole
    if not address.scheme:
        yield from _ascii_domains(address, text)
    elif (short := _TCO.match(text, start, end)) is None:
        yield address.whole
    elif len(short[1]) <= _LONGEST_TCO_SLUG:
        # Whatever follows a t.co link is text again.
        yield Span(start, short.end())


def _ascii_domains(address: _Address, text: str) -> Iterator[Span]:
    """The ASCII domains of an address without a scheme; the last of them takes the path with it."""
    if address.before and address.before in "-_./":
        return
    spans = [Span(*found.span()) for found in _ASCII_DOMAIN.finditer(text, *address.domain)]
    if spans and address.has_path:
        spans[-1] = Span(spans[-1].start, address.whole.end)
    yield from spans
