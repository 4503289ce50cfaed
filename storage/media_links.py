"""Links that carry their own permission for a limited time: to fetch media, or to send it."""

import hmac
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

_WEEK: Final = 7 * 24 * 3600
"""Seconds."""


class InvalidMediaLink(Exception):
    """The link was not made here, was changed, or is past its time; the text says which."""


class MediaLinks:
    """Makes signed links to uploaded media, and recognises them."""

    def __init__(self, base_url: str, key: str, *, upload_base_url: str | None = None) -> None:
        """`base_url` is where networks reach the API; `key` signs, and stays secret.

        `upload_base_url` is the API's own address, when that is another one: what stands in front
        to deliver pictures need not take any.
        """
        self._base_url = base_url.rstrip("/")
        self._upload_base_url = (upload_base_url or base_url).rstrip("/")
        self._key = key.encode()

    def url_for(self, media_id: UUID, lifetime: timedelta) -> str:
        """A link to the media item that works for `lifetime` from now."""
        expires = int(time.time() + lifetime.total_seconds())
        signature = self._sign(f"{media_id}", expires)
        return f"{self._base_url}/media/{media_id}?expires={expires}&signature={signature}"

    def verify(self, media_id: UUID, *, expires: int, signature: str) -> timedelta:
        """How much longer a link of these parts works. Raises InvalidMediaLink.

        `expires` is in seconds since 1970, UTC.
        """
        return self._verify(f"{media_id}", expires, signature)

    def picture_urls(self, media_id: UUID, sizes: Iterable[str]) -> dict[str, str]:
        """Links to sizes of a picture, by name, that work for one to two weeks.

        They stay the same for a week, so that browsers and caches keep what they have.
        """
        expires = (int(time.time()) // _WEEK + 2) * _WEEK
        signed = f"expires={expires}&signature={self._sign(f'picture:{media_id}', expires)}"
        return {
            name: f"{self._base_url}/pictures/{media_id}?size={name}&{signed}" for name in sizes
        }

    def verify_picture(self, media_id: UUID, *, expires: int, signature: str) -> timedelta:
        """As `verify`, for links to sizes. Raises InvalidMediaLink."""
        return self._verify(f"picture:{media_id}", expires, signature)

    def upload_url(self, upload_id: UUID, expires_at: datetime) -> str:
        """A link to which the upload's file may be sent until then."""
        expires = int(expires_at.timestamp())
        signature = self._sign(f"upload:{upload_id}", expires)
        return (
            f"{self._upload_base_url}/media-uploads"
            f"?upload_id={upload_id}&expires={expires}&signature={signature}"
        )

    def verify_upload(self, upload_id: UUID, *, expires: int, signature: str) -> timedelta:
        """As `verify`, for links to send to. Raises InvalidMediaLink."""
        return self._verify(f"upload:{upload_id}", expires, signature)

    def _verify(self, subject: str, expires: int, signature: str) -> timedelta:
        expected = self._sign(subject, expires).encode()
        if not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
            raise InvalidMediaLink("The link's signature does not fit.")
        left = expires - time.time()
        if left <= 0:
            raise InvalidMediaLink("The link is past its time.")
        return timedelta(seconds=left)

    def _sign(self, subject: str, expires: int) -> str:
        return hmac.new(self._key, f"{subject}:{expires}".encode(), sha256).hexdigest()
