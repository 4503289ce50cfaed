"""API keys as text: `pk_<prefix>_<secret>`. The prefix may be shown, the secret is not kept."""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

_SHAPE: Final = re.compile(r"pk_(?P<prefix>[a-z0-9]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
_PREFIX_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_NOBODY: Final = bytes(32)
"""Compared with when there is no such key, so that both ways take as long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyText:
    """An API key in its two parts."""

    prefix: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        """The key as its owner keeps it."""
        return f"pk_{self.prefix}_{self.secret}"

    @property
    def secret_hash(self) -> bytes:
        """What is kept of the secret. It has 256 random bits, so a fast hash is enough."""
        return sha256(self.secret.encode()).digest()

    def fits(self, kept_hash: bytes | None) -> bool:
        """Whether the secret is the one whose hash was kept, in constant time."""
        return hmac.compare_digest(self.secret_hash, kept_hash or _NOBODY)


def new_key_text() -> KeyText:
    """A fresh random key."""
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(12))
    return KeyText(prefix=prefix, secret=secrets.token_urlsafe(32))


def parse_key_text(text: str) -> KeyText | None:
    """The key's parts; None when it has not the shape of one."""
    match = _SHAPE.fullmatch(text)
    return None if match is None else KeyText(prefix=match["prefix"], secret=match["secret"])
