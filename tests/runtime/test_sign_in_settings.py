"""Settings of signing in and of mail: a wrong value is a clear error at start."""

import pytest
from cryptography.fernet import Fernet

from mail.smtp import SmtpSender
from runtime.settings import InvalidSettings, MailProvider, load_settings
from runtime.signing_in import mail_sender

KEY = "a signing key of the tests that is long enough"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
        "CREDENTIALS_KEYS": Fernet.generate_key().decode(),
        "MEDIA_URL_KEY": "a key of the tests",
        "AUTH_SIGNING_KEYS": KEY,
    }.items():
        monkeypatch.setenv(name, value)


def test_there_is_no_default_for_the_signing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTH_SIGNING_KEYS")
    with pytest.raises(InvalidSettings, match="AUTH_SIGNING_KEYS: is not set"):
        load_settings()


def test_several_keys_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SIGNING_KEYS", f"{KEY} 2, {KEY} 1")
    keys = [key.get_secret_value() for key in load_settings().auth_signing_keys]
    assert keys == [f"{KEY} 2", f"{KEY} 1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_SIGNING_KEYS", "short"),
        ("AUTH_SIGNING_KEYS", f"{KEY},short"),
        ("AUTH_SIGNING_KEYS", ","),
        ("ACCESS_TOKEN_MINUTES", "0"),
        ("ACCESS_TOKEN_MINUTES", "61"),
        ("SESSION_DAYS", "forever"),
        ("REFRESH_GRACE_SECONDS", "-1"),
        ("LOGIN_FAILURES_PER_HOUR", "-1"),
        ("PASSWORD_HASH_MEMORY_KIB", "7"),
        ("PASSWORD_HASHES_AT_ONCE", "0"),
        ("MAIL_PROVIDER", "pigeon"),
        ("SMTP_PORT", "0"),
        ("SMTP_SECURITY", "some"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=name) as refused:
        load_settings()
    assert KEY not in str(refused.value)


def test_mail_is_off_unless_it_is_chosen() -> None:
    assert load_settings().mail_provider is MailProvider.OFF
    assert mail_sender(load_settings()) is None


def test_smtp_needs_a_host_and_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PROVIDER", "smtp")
    with pytest.raises(InvalidSettings, match="MAIL_PROVIDER=smtp needs MAIL_FROM, SMTP_HOST"):
        load_settings()
    monkeypatch.setenv("MAIL_FROM", "Punctual <no-reply@example.org>")
    monkeypatch.setenv("SMTP_HOST", "smtp.example.org")
    assert isinstance(mail_sender(load_settings()), SmtpSender)
