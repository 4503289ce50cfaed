"""Access tokens: short-lived JWTs that say whose session it is."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
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
REMEMBERED: Final = 50_000
"""Tokens whose signature need not be checked again."""


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


def _now() -> datetime:
    return datetime.now(UTC)


class AccessTokens:
    """Makes and reads them.

    What a token said is remembered by its digest until the token expires: a signature does not
    change, and checking it takes longer than many a request does. Whether the session still counts
    is another question, see KnownSessions.
    """

    def __init__(
        self, keys: Sequence[str], *, lifetime: timedelta, clock: Callable[[], datetime] = _now
    ) -> None:
        """The first key signs, all verify. `clock` tells when a remembered token has expired."""
        self._keys = {_name_of(key): key for key in keys}
        self._signing = _name_of(keys[0])
        self._clock = clock
        self._remembered: OrderedDict[bytes, AccessClaims] = OrderedDict()
        """By digest, so that no token is kept; what was verified longest ago goes first."""
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
        digest = _digest(token)
        known = self._remembered.get(digest)
        if known is None:
            known = self._verify(token)
            self._remembered[digest] = known
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        if known.expires_at <= self._clock():
            del self._remembered[digest]
            raise AccessTokenExpired
        return known

    def remembered(self, token: str) -> AccessClaims | None:
        """What the token says, if it was read here before and has not expired since."""
        known = self._remembered.get(_digest(token))
        return None if known is None or known.expires_at <= self._clock() else known

    def _verify(self, token: str) -> AccessClaims:
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


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()


def _name_of(key: str) -> str:
    """Tells keys apart without telling them."""
    return sha256(b"punctual access tokens:" + key.encode()).hexdigest()[:8]
