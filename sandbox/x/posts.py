"""What X accepts as a post, how it answers one, and its problem documents (RFC 7807)."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.ledger import PublicEntry
from sandbox.network import Refusal
from sandbox.parameters import Parameters
from sandbox.x.text import MAX_WEIGHTED_LENGTH, count_cashtags, weighted_length

_FIELDS = frozenset(
    [
        "text",
        "media",
        "reply",
        "quote_tweet_id",
        "poll",
        "reply_settings",
        "community_id",
        "share_with_followers",
        "made_with_ai",
        "paid_partnership",
        "edit_options",
        "for_super_followers_only",
        "nullcast",
        "geo",
        "card_uri",
        "direct_message_deep_link",
    ]
)
_EXCLUSIVE = ("media", "poll", "quote_tweet_id")
_MAX_MEDIA = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPost:
    """A post as asked for, its text in NFC."""

    text: str
    media_ids: tuple[str, ...]
    tagged_user_ids: tuple[str, ...]
    reply_to: str | None
    extra: dict[str, Any]


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    kind: str | None = None,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    """A problem document; without a kind its type is `about:blank`."""
    problem_type = f"https://api.twitter.com/2/problems/{kind}" if kind else "about:blank"
    body = {"title": title, "detail": detail, "type": problem_type, "status": status}
    content_type = {"content-type": "application/problem+json"}
    return Refusal(status, {**body, **(extra or {})}, {**content_type, **(headers or {})})


def invalid_request(message: str) -> Refusal:
    return problem(
        400,
        "Invalid Request",
        "One or more parameters to your request was invalid.",
        kind="invalid-request",
        extra={"errors": [{"message": message}]},
    )


def wanted_post(parameters: Parameters) -> WantedPost:
    """Check a request for a post the way X's schema and rules do."""
    values = parameters.values
    if parameters.is_malformed:
        raise invalid_request("Requests with bodies must be valid JSON.")
    if unknown := set(values) - _FIELDS:
        raise invalid_request(f"$.{min(unknown)}: is not defined in the schema")
    if sum(bool(values.get(name)) for name in _EXCLUSIVE) > 1:
        raise invalid_request("media, poll and quote_tweet_id are mutually exclusive")
    text = _checked_text(values.get("text"), has_other=bool(values.get("media")))
    media = values.get("media") or {}
    media_ids = _strings(media, "media_ids")
    if values.get("media") and not 1 <= len(media_ids) <= _MAX_MEDIA:
        raise invalid_request(f"$.media.media_ids: there must be 1 to {_MAX_MEDIA} items")
    reply = values.get("reply") or {}
    reply_to = reply.get("in_reply_to_tweet_id") if isinstance(reply, Mapping) else None
    kept = ("quote_tweet_id", "poll", "reply_settings", "made_with_ai", "paid_partnership")
    return WantedPost(
        text=text,
        media_ids=media_ids,
        tagged_user_ids=_strings(media, "tagged_user_ids"),
        reply_to=reply_to if isinstance(reply_to, str) else None,
        extra={name: values[name] for name in kept if values.get(name)},
    )


def _checked_text(value: object, *, has_other: bool) -> str:
    if value is None and has_other:
        return ""
    if not isinstance(value, str) or not (value.strip() or has_other):
        raise invalid_request("$.text: a post needs a text or media")
    text = unicodedata.normalize("NFC", value)
    if weighted_length(text) > MAX_WEIGHTED_LENGTH:
        raise problem(403, "Forbidden", "You are not permitted to perform this action.")
    if count_cashtags(text) > 1:
        raise invalid_request("A post may have a maximum of one cashtag.")
    return text


def _strings(owner: object, name: str) -> tuple[str, ...]:
    value = owner.get(name, []) if isinstance(owner, Mapping) else []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid_request(f"$.media.{name}: must be an array of strings")
    return tuple(value)


def shown_post(entry: PublicEntry, fields: list[str], created_at: str) -> dict[str, Any]:
    """A post as the API answers it, with the fields asked for by `tweet.fields`."""
    shown: dict[str, Any] = {
        "id": entry.id,
        "text": entry.extra["shown_text"],
        "edit_history_tweet_ids": [entry.id],
    }
    if "created_at" in fields:
        shown["created_at"] = created_at
    if "author_id" in fields:
        shown["author_id"] = entry.account_id
    if "entities" in fields and entry.extra["urls"]:
        shown["entities"] = {"urls": entry.extra["urls"]}
    if "attachments" in fields and entry.media:
        shown["attachments"] = {"media_keys": [f"3_{item.id}" for item in entry.media]}
    references = [("replied_to", entry.parent_id), ("quoted", entry.extra.get("quote_tweet_id"))]
    referenced = [{"type": kind, "id": post_id} for kind, post_id in references if post_id]
    if "referenced_tweets" in fields and referenced:
        shown["referenced_tweets"] = referenced
    return shown
