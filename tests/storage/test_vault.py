"""Credentials at rest."""

import pytest
from cryptography.fernet import Fernet

from storage.vault import CredentialsUnreadable, InvalidVaultKey, TokenVault

CREDENTIALS = {"access_token": "EAAG-secret", "page_id": "104512345678901"}


@pytest.fixture
def old_key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def new_key() -> str:
    return Fernet.generate_key().decode()


def test_what_was_encrypted_comes_back(new_key: str) -> None:
    vault = TokenVault([new_key])
    assert vault.decrypt(vault.encrypt(CREDENTIALS)) == CREDENTIALS


def test_what_is_kept_shows_no_secret_and_no_pattern(new_key: str) -> None:
    vault = TokenVault([new_key])
    kept = vault.encrypt(CREDENTIALS)
    assert b"secret" not in kept
    assert kept != vault.encrypt(CREDENTIALS)


def test_a_key_in_front_reads_what_the_key_behind_it_wrote(old_key: str, new_key: str) -> None:
    kept = TokenVault([old_key]).encrypt(CREDENTIALS)
    assert TokenVault([new_key, old_key]).decrypt(kept) == CREDENTIALS


def test_the_first_key_encrypts(old_key: str, new_key: str) -> None:
    kept = TokenVault([new_key, old_key]).encrypt(CREDENTIALS)
    assert TokenVault([new_key]).decrypt(kept) == CREDENTIALS


def test_after_rotation_the_old_key_is_not_needed(old_key: str, new_key: str) -> None:
    kept = TokenVault([old_key]).encrypt(CREDENTIALS)
    rotated = TokenVault([new_key, old_key]).rotate(kept)
    assert TokenVault([new_key]).decrypt(rotated) == CREDENTIALS


def test_a_dropped_key_is_told_apart_from_a_fault(old_key: str, new_key: str) -> None:
    kept = TokenVault([old_key]).encrypt(CREDENTIALS)
    with pytest.raises(CredentialsUnreadable, match="CREDENTIALS_KEYS"):
        TokenVault([new_key]).decrypt(kept)
    with pytest.raises(CredentialsUnreadable):
        TokenVault([new_key]).rotate(kept)


@pytest.mark.parametrize("changed", [b"", b"not encrypted", b"gAAAAA"])
def test_changed_bytes_are_unreadable(new_key: str, changed: bytes) -> None:
    with pytest.raises(CredentialsUnreadable):
        TokenVault([new_key]).decrypt(changed)


def test_a_wrong_key_is_named_by_position_and_not_shown(new_key: str) -> None:
    with pytest.raises(InvalidVaultKey, match="key 2 ") as raised:
        TokenVault([new_key, "hunter2-hunter2"])
    assert "hunter2" not in str(raised.value)


def test_no_key_is_an_error() -> None:
    with pytest.raises(InvalidVaultKey):
        TokenVault([])
