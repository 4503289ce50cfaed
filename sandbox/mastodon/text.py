"""How Mastodon counts a text and turns it into HTML."""

from html import escape

import regex

URL_LENGTH = 23
_URL = regex.compile(
    r"(?<![\p{L}\p{N}/@])https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}»”’]", regex.IGNORECASE
)
_MENTION = regex.compile(
    r"(?<![=/\w])@(?P<name>[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)@[\p{L}\p{N}.-]+[\p{L}\p{N}]",
    regex.IGNORECASE,
)
_HASHTAG = regex.compile(
    r"(?<![=/)\p{L}\p{N}_&])[#＃](?P<tag>[\p{L}\p{N}_·]*[\p{L}_·][\p{L}\p{N}_·]*)"
)
_SHOWN_LENGTH = 30


def status_length(spoiler_text: str, text: str) -> int:
    """Grapheme clusters of warning and text; a URL is 23, a mention counts without its domain."""
    counted = _URL.sub("x" * URL_LENGTH, text)
    counted = _MENTION.sub(lambda match: f"@{match['name']}", counted)
    return len(regex.findall(r"\X", spoiler_text + counted))


def status_html(text: str, base: str) -> str:
    """Paragraphs and line breaks, links shortened by invisible parts, hashtags as links."""
    paragraphs = regex.split(r"\n{2,}", text.replace("\r\n", "\n").strip())
    inner = (_inline(paragraph, base).replace("\n", "<br />") for paragraph in paragraphs)
    return "".join(f"<p>{paragraph}</p>" for paragraph in inner if paragraph)


def _inline(text: str, base: str) -> str:
    pieces, position = [], 0
    for match in _URL.finditer(text):
        pieces += [_tagged(text[position : match.start()], base), _link(match[0])]
        position = match.end()
    pieces.append(_tagged(text[position:], base))
    return "".join(pieces)


def _tagged(text: str, base: str) -> str:
    pieces, position = [], 0
    for match in _HASHTAG.finditer(text):
        tag = escape(match["tag"])
        href = f"{base}/tags/{escape(match['tag'].lower())}"
        pieces += [
            escape(text[position : match.start()], quote=False),
            f'<a href="{href}" class="mention hashtag" rel="tag">#<span>{tag}</span></a>',
        ]
        position = match.end()
    pieces.append(escape(text[position:], quote=False))
    return "".join(pieces)


def _link(url: str) -> str:
    start = regex.match(r"https?://(?:www\.)?", url, regex.IGNORECASE)
    prefix = start[0] if start else ""
    shown = url[len(prefix) : len(prefix) + _SHOWN_LENGTH]
    rest = url[len(prefix) + _SHOWN_LENGTH :]
    shown_class = "ellipsis" if rest else ""
    return (
        f'<a href="{escape(url)}" target="_blank" rel="nofollow noopener noreferrer"'
        f' translate="no"><span class="invisible">{escape(prefix)}</span>'
        f'<span class="{shown_class}">{escape(shown)}</span>'
        f'<span class="invisible">{escape(rest)}</span></a>'
    )
