"""The accounts' credentials at rest: encrypted, and readable with the installation's keys only."""

from collections.abc import Mapping, Sequence

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class InvalidVaultKey(Exception):
    """A key that encrypts nothing: the settings are wrong."""


class CredentialsUnreadable(Exception):
    """None of the keys decrypts these credentials: a key was dropped, or they were changed."""


class TokenVault:
    """Turns credentials into bytes that may be stored, and back."""

    def __init__(self, keys: Sequence[str]) -> None:
        """The first of the Fernet `keys` encrypts, all of them decrypt.

        Raises InvalidVaultKey, which names the position and never the key.
        """
        if not keys:
            raise InvalidVaultKey("there is no key")
        self._fernet = MultiFernet(
            [_fernet(key, position) for position, key in enumerate(keys, start=1)]
        )

    def encrypt(self, credentials: Mapping[str, str]) -> bytes:
        """The credentials as they may be stored."""
        return self._fernet.encrypt(orjson.dumps(dict(credentials)))

    def decrypt(self, encrypted: bytes) -> dict[str, str]:
        """The credentials as their adapter names them. Raises CredentialsUnreadable."""
        try:
            plain: dict[str, str] = orjson.loads(self._fernet.decrypt(encrypted))
        except (InvalidToken, orjson.JSONDecodeError) as error:
            raise CredentialsUnreadable("no key of CREDENTIALS_KEYS decrypts them") from error
        return plain

    def rotate(self, encrypted: bytes) -> bytes:
        """The same credentials under the first key. Raises CredentialsUnreadable."""
        try:
            return self._fernet.rotate(encrypted)
        except InvalidToken as error:
            raise CredentialsUnreadable("no key of CREDENTIALS_KEYS decrypts them") from error


def _fernet(key: str, position: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        raise InvalidVaultKey(
            f"key {position} is not 32 url-safe base64-encoded bytes."
            " Make one with cryptography.fernet.Fernet.generate_key()"
        ) from error
