"""Recognising our own status among those that a Mastodon server lists for an account.

The server makes HTML of the text: addresses and mentions become links, and a mention is shown
without its domain.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from domain.receipts import Receipt
from networks.http_client import Response
from networks.protocol import Outgoing

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far the server's clock may be behind ours."""

_MENTION = re.compile(r"(@\w+(?:[.-]+\w+)*)@[\w.-]*\w")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What one page of an account's statuses holds for us."""

    ours: Receipt | None
    older_than: str | None
    """The id that the next page goes on from; None when nothing of interest is older."""


def read_page(response: Response, outgoing: Outgoing) -> Page:
    """Look for the attempt's status on a page, which is newest first."""
    statuses = response.json
    if not isinstance(statuses, list):
        raise TypeError("not a list of statuses")
    ours = [receipt(status) for status in statuses if is_ours(status, outgoing)]
    goes_on = bool(statuses) and _created_at(statuses[-1]) >= _earliest(outgoing)
    return Page(
        ours=ours[-1] if ours else None, older_than=str(statuses[-1]["id"]) if goes_on else None
    )


def receipt(status: Mapping[str, Any]) -> Receipt:
    """The proof that a status is."""
    return Receipt(remote_id=str(status["id"]), permalink=status.get("url"))


def is_ours(status: Mapping[str, Any], outgoing: Outgoing) -> bool:
    """Whether it is what the attempt sent: text, warning, parent, number of media and time."""
    piece = outgoing.piece
    parent = outgoing.parent.remote_id if outgoing.parent else None
    return (
        _created_at(status) >= _earliest(outgoing)
        and status.get("in_reply_to_id") == parent
        and len(status["media_attachments"]) == len(piece.media)
        and _words(status["spoiler_text"]) == _words(piece.content_warning or "")
        and _words(_text_of(status["content"])) == _words(piece.text)
    )


def _earliest(outgoing: Outgoing) -> datetime:
    return outgoing.started_at - CLOCK_TOLERANCE


def _created_at(status: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(status["created_at"])


def _words(text: str) -> list[str]:
    return _MENTION.sub(r"\1", unicodedata.normalize("NFC", text)).split()


def _text_of(content: str) -> str:
    stripper = _Stripper()
    stripper.feed(content)
    stripper.close()
    return "".join(stripper.pieces)


class _Stripper(HTMLParser):
    """Keeps the text of HTML, with a line end where a line or paragraph begins."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in {"br", "p"}:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
