"""Links under which networks fetch media without an API key, for a limited time."""

import hmac
import time
from datetime import timedelta
from hashlib import sha256
from uuid import UUID


class InvalidMediaLink(Exception):
    """The link was not made here, was changed, or is past its time; the text says which."""


class MediaLinks:
    """Makes signed links to uploaded media, and recognises them."""

    def __init__(self, base_url: str, key: str) -> None:
        """`base_url` is where networks reach the API; `key` signs, and stays secret."""
        self._base_url = base_url.rstrip("/")
        self._key = key.encode()

    def url_for(self, media_id: UUID, lifetime: timedelta) -> str:
        """A link to the media item that works for `lifetime` from now."""
        expires = int(time.time() + lifetime.total_seconds())
        signature = self._sign(media_id, expires)
        return f"{self._base_url}/media/{media_id}?expires={expires}&signature={signature}"

    def verify(self, media_id: UUID, *, expires: int, signature: str) -> timedelta:
        """How much longer a link of these parts works. Raises InvalidMediaLink.

        `expires` is in seconds since 1970, UTC.
        """
        expected = self._sign(media_id, expires).encode()
        if not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
            raise InvalidMediaLink("The link's signature does not fit.")
        left = expires - time.time()
        if left <= 0:
            raise InvalidMediaLink("The link is past its time.")
        return timedelta(seconds=left)

    def _sign(self, media_id: UUID, expires: int) -> str:
        return hmac.new(self._key, f"{media_id}:{expires}".encode(), sha256).hexdigest()
