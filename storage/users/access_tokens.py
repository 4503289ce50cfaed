"""Access tokens: short-lived JWTs that say whose session it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import jwt

from domain.roles import UserRole

_ALGORITHM: Final = "HS256"
SHORTEST_KEY: Final = 32
"""Characters of a signing key: RFC 7518 asks for 256 bits."""


class InvalidAccessToken(Exception):
    """Not a token that was made here, or changed since."""


class AccessTokenExpired(Exception):
    """Made here, and too long ago."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessClaims:
    """What a good access token says."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


class AccessTokens:
    """Makes and reads them."""

    def __init__(self, keys: Sequence[str], *, lifetime: timedelta) -> None:
        """The first key signs, all verify."""
        self._keys = {_name_of(key): key for key in keys}
        self._signing = _name_of(keys[0])
        self.lifetime = lifetime

    def issue(self, *, user_id: UUID, session_id: UUID, role: UserRole) -> str:
        """A token that is good from now on, for `lifetime`."""
        now = datetime.now(UTC)
        claims = {
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role.value,
            "iat": now,
            "exp": now + self.lifetime,
        }
        key = self._keys[self._signing]
        return jwt.encode(claims, key, _ALGORITHM, headers={"kid": self._signing})

    def read(self, token: str) -> AccessClaims:
        """What the token says. Raises InvalidAccessToken, AccessTokenExpired."""
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                token, key, [_ALGORITHM], options={"require": ["sub", "sid", "iat", "exp"]}
            )
            return AccessClaims(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except jwt.ExpiredSignatureError as error:
            raise AccessTokenExpired from error
        except (jwt.InvalidTokenError, LookupError, TypeError, ValueError) as error:
            raise InvalidAccessToken(type(error).__name__) from error


def _name_of(key: str) -> str:
    """Tells keys apart without telling them."""
    return sha256(b"punctual access tokens:" + key.encode()).hexdigest()[:8]
