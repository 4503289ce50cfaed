"""What Mastodon accepts as a status, how it answers one, and its errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.accounts import Account
from sandbox.clock import milliseconds
from sandbox.ledger import PublicEntry, PublicMedia
from sandbox.mastodon.text import status_html, status_length
from sandbox.network import Refusal, page_path
from sandbox.parameters import Parameters

MAX_CHARACTERS, MAX_MEDIA = 500, 4
_VISIBILITIES = frozenset({"public", "unlisted", "private", "direct"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedStatus:
    """A status as asked for."""

    text: str
    media_ids: tuple[str, ...]
    in_reply_to_id: str | None
    extra: dict[str, Any]


def mastodon_error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    return Refusal(status, {"error": message}, headers)


def wanted_status(parameters: Parameters) -> WantedStatus:
    """Check a request for a status the way the model's validations do."""
    text = (parameters.text("status") or "").strip()
    spoiler_text = (parameters.text("spoiler_text") or "").strip()
    ids = parameters.values.get("media_ids") or []
    media_ids = tuple(str(item) for item in (ids if isinstance(ids, list) else [ids]))
    visibility = parameters.text("visibility") or "public"
    if parameters.is_malformed:
        raise mastodon_error(400, "Error occurred while parsing request parameters")
    if parameters.values.get("scheduled_at"):
        raise mastodon_error(422, "Validation failed: Scheduled at is not served here")
    if not text and not media_ids:
        raise mastodon_error(422, "Validation failed: Text can't be blank")
    if status_length(spoiler_text, text) > MAX_CHARACTERS:
        message = f"Validation failed: Text character limit of {MAX_CHARACTERS} exceeded"
        raise mastodon_error(422, message)
    if visibility not in _VISIBILITIES:
        raise mastodon_error(422, "Validation failed: Visibility is not included in the list")
    if len(media_ids) > MAX_MEDIA:
        raise mastodon_error(422, f"Validation failed: Cannot attach more than {MAX_MEDIA} files")
    return WantedStatus(
        text=text,
        media_ids=media_ids,
        in_reply_to_id=parameters.text("in_reply_to_id") or None,
        extra={
            "visibility": visibility,
            "spoiler_text": spoiler_text,
            "sensitive": parameters.flag("sensitive", default=False) or bool(spoiler_text),
            "language": parameters.text("language"),
        },
    )


def shown_account(account: Account, base: str) -> dict[str, Any]:
    return {
        "id": account.id,
        "username": account.handle.lstrip("@").partition("@")[0],
        "acct": account.handle.lstrip("@"),
        "display_name": account.name,
        "url": f"{base}{page_path('mastodon', account.handle)}",
        "created_at": account.created_at,
        "locked": False,
        "bot": False,
        "source": {"privacy": "public", "sensitive": False, "language": "en"},
    }


def _shown_media(item: PublicMedia, base: str) -> dict[str, Any]:
    return {
        "id": item.id,
        "type": "video" if item.content_type.startswith("video/") else "image",
        "url": f"{base}/pages/media/{item.sha256}",
        "preview_url": f"{base}/pages/media/{item.sha256}",
        "remote_url": None,
        "description": item.alt_text,
    }


def shown_status(
    entry: PublicEntry,
    *,
    url: str,
    base: str,
    account: dict[str, Any],
    application: str | None,
    parent_account_id: str | None,
) -> dict[str, Any]:
    """A status as the API answers it: ids as text, content as HTML."""
    return {
        "id": entry.id,
        "uri": url,
        "url": url,
        "created_at": milliseconds(entry.public_at),
        "edited_at": None,
        "content": status_html(entry.text, f"{base}/mastodon"),
        "visibility": entry.extra["visibility"],
        "sensitive": entry.extra["sensitive"],
        "spoiler_text": entry.extra["spoiler_text"],
        "language": entry.extra["language"],
        "in_reply_to_id": entry.parent_id,
        "in_reply_to_account_id": parent_account_id,
        "reblog": None,
        "application": {"name": application, "website": None} if application else None,
        "account": account,
        "media_attachments": [_shown_media(item, base) for item in entry.media],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "replies_count": len(entry.comments),
        "reblogs_count": 0,
        "favourites_count": 0,
        "card": None,
        "poll": None,
    }
