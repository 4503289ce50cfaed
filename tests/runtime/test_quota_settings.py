"""`{NETWORK}_QUOTAS`: what accounts may send, when it is not what their networks say."""

from datetime import timedelta

import pytest

from domain.networks import Network
from domain.quotas import QUOTAS, Counted, Quota
from runtime.settings import InvalidSettings, load_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What every process needs."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    monkeypatch.setenv("CREDENTIALS_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    monkeypatch.setenv("MEDIA_URL_KEY", "a key of the tests")
    monkeypatch.setenv("AUTH_SIGNING_KEYS", "a signing key of the tests of 32 letters")


def test_without_a_word_the_networks_own_quotas_hold() -> None:
    assert load_settings().quotas == QUOTAS


def test_an_operator_says_what_an_account_may_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTAGRAM_QUOTAS", "100/24h")
    monkeypatch.setenv("FEED_QUOTAS", "10/1m")
    quotas = load_settings().quotas
    day, minute = timedelta(days=1), timedelta(minutes=1)
    assert quotas[Network.INSTAGRAM] == (Quota(limit=100, window=day, counts=Counted.POSTS),)
    assert quotas[Network.FEED] == (Quota(limit=10, window=minute, counts=Counted.PARTS),)
    assert quotas[Network.X] == QUOTAS[Network.X]


@pytest.mark.parametrize("none", ["off", ""])
def test_quotas_can_be_off_and_what_networks_say_is_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch, none: str
) -> None:
    monkeypatch.setenv("X_QUOTAS", none)
    monkeypatch.setenv("FEED_QUOTAS", none)
    quotas = load_settings().quotas
    assert quotas[Network.X] == ()
    assert Network.FEED not in quotas  # ours never says so


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X_QUOTAS", "100", "X_QUOTAS: .*'100' is no quota; write 100/15m,2400/24h, or off"),
        ("MASTODON_QUOTAS", "1/90d", "MASTODON_QUOTAS: .*'1/90d' is longer than 31 days"),
        ("FACEBOOK_CONCURRENCY", "0", "FACEBOOK_CONCURRENCY: "),
    ],
)
def test_a_wrong_value_is_told_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=message):
        load_settings()
