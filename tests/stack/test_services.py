"""The parts as data: what they are told, and in which order they come."""

from pathlib import Path

import pytest

from contracts import search_attributes
from runtime.settings import load_settings
from stack.errors import UnknownChild
from stack.home import Home
from stack.ports import Ports
from stack.services import Addresses, EmbeddedParts, settings_environment, settings_in
from stack.terminal import Terminal


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def settings(home: Home) -> dict[str, str]:
    secrets = home.secrets()
    addresses = Addresses.of(Ports(), secrets)
    return settings_environment(home=home, addresses=addresses, secrets=secrets)


@pytest.fixture
def parts(home: Home, settings: dict[str, str]) -> EmbeddedParts:
    return EmbeddedParts(
        home=home,
        ports=Ports(),
        secrets=home.secrets(),
        settings=settings,
        terminal=Terminal(None),
    )


def test_the_settings_are_ones_that_exist_and_fit(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_in(settings) == settings
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    loaded = load_settings()
    assert loaded.x_permalink_template.format(handle="ann", id="1").endswith("/x/ann/status/1")
    assert "/profile/ann/post/r" in loaded.bluesky_permalink_template.format(handle="ann", rkey="r")


def test_only_settings_override_and_never_the_ports_that_the_stack_gives() -> None:
    environment = {"X_BASE_URL": "https://x", "API_PORT": "1", "HOME": "/h", "LOG_LEVEL": ""}
    assert settings_in(environment) == {"X_BASE_URL": "https://x"}


def test_the_parts_come_in_the_order_they_start_in(parts: EmbeddedParts) -> None:
    names = [child.name for child in parts.children(None)]
    assert names == ["postgres", "temporal", "migrations", "workspace", "sandbox", "api", "worker"]


def test_the_workspace_is_made_once(parts: EmbeddedParts, home: Home) -> None:
    (workspace,) = parts.children({"workspace"})
    assert workspace.collect
    workspace.collect(["a warning", '{"workspace_id": "w", "api_key": "k"}'])
    assert home.api_key == "k"
    assert parts.children({"workspace"}) == []


def test_an_unknown_part_is_answered_with_the_known_ones(parts: EmbeddedParts) -> None:
    with pytest.raises(UnknownChild, match="no part is called redis: there are postgres, temporal"):
        parts.children({"redis", "api"})


def test_temporal_knows_the_search_attributes_of_the_contracts(parts: EmbeddedParts) -> None:
    (temporal,) = parts.children({"temporal"})
    assert f"{search_attributes.NETWORKS.name}=KeywordList" in temporal.command
    assert f"{search_attributes.PUBLISH_AT.name}=Datetime" in temporal.command
    assert temporal.command.count("--search-attribute") == len(search_attributes.ALL)


def test_servers_do_not_take_a_shells_client_settings(
    parts: EmbeddedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "elsewhere:7233")
    postgres, temporal = parts.children({"postgres", "temporal"})
    assert "PGPORT" not in postgres.env
    assert "TEMPORAL_ADDRESS" not in temporal.env
