"""Settings of sockets: a wrong value is a clear error at start."""

import pytest

from runtime.settings import InvalidSettings, load_settings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, settings_environment: dict[str, str]) -> None:
    """A whole environment, to be made wrong."""
    for name, value in settings_environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def settings_environment() -> dict[str, str]:
    """What is needed to start."""
    return {
        "DATABASE_URL": "postgresql://punctual@127.0.0.1/punctual",
        "CREDENTIALS_KEYS": "ZmRmZGZkZmRmZGZkZmRmZGZkZmRmZGZkZmRmZGZkZmQ=",
        "MEDIA_URL_KEY": "a key of the tests",
        "AUTH_SIGNING_KEYS": "a signing key of the tests that is long enough",
    }


@pytest.mark.usefixtures("environment")
def test_the_redis_adapter_needs_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_SOCKET_ADAPTER_ENABLED", "true")
    with pytest.raises(InvalidSettings, match="REDIS_SOCKET_ADAPTER_ENABLED=true needs REDIS_ENAB"):
        load_settings()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOCKET_MAX_BYTES", "0"),
        ("SOCKET_EVENTS_PER_SECOND", "0"),
        ("SOCKET_EVENTS_BURST", "many"),
        ("SOCKET_HEAL_SECONDS", "-1"),
    ],
)
def test_a_wrong_limit_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=name):
        load_settings()


@pytest.mark.usefixtures("environment")
def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCKET_ALLOWED_ORIGINS", "https://one.example, https://two.example")
    assert load_settings().socket_allowed_origins == ("https://one.example", "https://two.example")
