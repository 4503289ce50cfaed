"""What stands in a mailed link: an id, and the proof that this installation mailed it.

The proof follows from the id and the key, so nothing secret waits in the database for its mail to
leave, and a mail that is sent again has the same link. Whether it was used, or is too old, the
row of that id says.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

_ID_BYTES: Final = 16


class Purpose(StrEnum):
    """What a link lets its reader do."""

    RESET_PASSWORD = "reset-password"  # noqa: S105  a purpose, no secret
    ACCEPT_INVITATION = "accept-invitation"


class MailedTokens:
    """Makes and reads them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """The first key makes proofs, all check them."""
        self._keys = tuple(key.encode() for key in keys)

    def make(self, purpose: Purpose, of: UUID) -> str:
        """The token of that id: 48 bytes, URL-safe."""
        return base64.urlsafe_b64encode(of.bytes + _proof(self._keys[0], purpose, of)).decode()

    def read(self, purpose: Purpose, token: str) -> UUID | None:
        """The id; None for what was not made here for that purpose."""
        try:
            content = base64.b64decode(token, altchars=b"-_", validate=True)
            of = UUID(bytes=content[:_ID_BYTES])
        except (binascii.Error, ValueError):
            return None
        given = content[_ID_BYTES:]
        fits = [hmac.compare_digest(given, _proof(key, purpose, of)) for key in self._keys]
        return of if any(fits) else None


def _proof(key: bytes, purpose: Purpose, of: UUID) -> bytes:
    return hmac.digest(key, f"punctual mail: {purpose}: {of}".encode(), "sha256")
