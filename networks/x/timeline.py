"""Recognising our own post among those that X lists for an account.

X changes what was written: each address becomes a t.co link, a link to the media is put at the end,
`&`, `<` and `>` are escaped, and an address without a scheme comes back with one.
"""

import hashlib
import html
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from networks.protocol import Outgoing

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far X's clock may be behind ours."""

FIELDS = "created_at,text,entities,referenced_tweets,attachments,note_tweet"
"""`tweet.fields` that `is_ours` reads; a long text is whole in note_tweet only."""

_SCHEME = re.compile(r"https?://", re.IGNORECASE)


def fingerprint(text: str) -> str:
    """SHA-256 of what survives X: the words in NFC, addresses without scheme and last slash."""
    words = unicodedata.normalize("NFC", text).split()
    plain = " ".join(_SCHEME.sub("", word).rstrip("/") for word in words)
    return hashlib.sha256(plain.encode()).hexdigest()


def earliest(outgoing: Outgoing) -> datetime:
    """From when on that attempt's post can stand in the timeline, UTC, in whole seconds."""
    return (outgoing.started_at - CLOCK_TOLERANCE).replace(microsecond=0)


def is_ours(post: Mapping[str, Any], outgoing: Outgoing) -> bool:
    """Whether this listed post is what the attempt sent: text, parent, number of media and time."""
    parent = outgoing.parent.remote_id if outgoing.parent else None
    keys = post.get("attachments", {}).get("media_keys", ())
    return (
        datetime.fromisoformat(post["created_at"]) >= earliest(outgoing)
        and _parent(post) == parent
        and len(keys) == len(outgoing.evidence["media_ids"])
        and outgoing.evidence["text_sha256"] in _fingerprints(post)
    )


def _parent(post: Mapping[str, Any]) -> str | None:
    references = post.get("referenced_tweets", ())
    return next((one["id"] for one in references if one["type"] == "replied_to"), None)


def _fingerprints(post: Mapping[str, Any]) -> set[str]:
    """Of the text as written; two, as one cannot know whether `&amp;` was written or escaped."""
    whole = post.get("note_tweet") or post
    # The link to the media is in the short form's entities even when the text is a long one.
    entities = [*_urls(whole), *_urls(post)]
    escaped = whole["text"]
    written = html.unescape(escaped)
    for entity in entities:
        replacement = "" if _shows_media(entity, post["id"]) else entity["expanded_url"]
        written = written.replace(entity["url"], replacement)
        escaped = escaped.replace(entity["url"], replacement)
    return {fingerprint(written), fingerprint(escaped)}


def _urls(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(holder.get("entities", {}).get("urls", ()))


def _shows_media(entity: Mapping[str, Any], post_id: str) -> bool:
    target = entity["expanded_url"]
    return "media_key" in entity or f"/status/{post_id}/photo/" in target
