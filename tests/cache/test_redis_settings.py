"""The settings of Redis and of the limits."""

import pytest

from cache.fallback_store import FallbackStore
from cache.memory_store import InMemoryStore
from runtime.resources import open_resources
from runtime.settings import InvalidSettings, load_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What every process needs."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    monkeypatch.setenv("CREDENTIALS_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    monkeypatch.setenv("MEDIA_URL_KEY", "a key of the tests")
    monkeypatch.setenv("AUTH_SIGNING_KEYS", "a signing key of the tests that is long enough")


async def test_without_a_word_there_is_no_redis() -> None:
    async with open_resources(load_settings()) as resources:
        assert isinstance(resources.key_value_store, InMemoryStore)
        assert resources.key_requests is not None
        assert resources.key_requests.rate.limit == 6000


async def test_redis_is_used_when_it_is_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_ENABLED", "true")
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:9/3")
    async with open_resources(load_settings()) as resources:
        assert isinstance(resources.key_value_store, FallbackStore)


async def test_no_limit_is_no_limiter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_RATE_PER_MINUTE", "0")
    monkeypatch.setenv("API_FAILED_AUTH_PER_MINUTE", "0")
    async with open_resources(load_settings()) as resources:
        assert resources.key_requests is None
        assert resources.failed_authentications is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("REDIS_ENABLED", "true", "REDIS_ENABLED=true needs REDIS_URL"),
        ("REDIS_ENABLED", "perhaps", "REDIS_ENABLED: "),
        ("REDIS_URL", "http://127.0.0.1", "REDIS_URL: "),
        ("REDIS_URL", "127.0.0.1:6379", "REDIS_URL: "),
        ("REDIS_KEY_PREFIX", "x" * 101, "REDIS_KEY_PREFIX: "),
        ("API_RATE_PER_MINUTE", "-1", "API_RATE_PER_MINUTE: "),
        ("API_RATE_PER_MINUTE", "many", "API_RATE_PER_MINUTE: "),
        ("API_FAILED_AUTH_PER_MINUTE", "-1", "API_FAILED_AUTH_PER_MINUTE: "),
    ],
)
def test_a_wrong_value_is_told_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=message):
        load_settings()
