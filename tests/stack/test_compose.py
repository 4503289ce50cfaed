"""docker-compose.yml against what it must agree with: settings, .env.example, Dockerfile, rooms."""

import importlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from domain.networks import Network
from runtime.settings import NetworkLimits, Settings
from stack.children import ROOT

OURS = ("migrate", "api", "worker")
JOBS = {"migrate", "temporal-schema", "temporal-namespace"}
FIXED = {"API_HOST", "API_PORT", "STORAGE_PROVIDER", "WORKER_HEALTH_PORT"}
"""Settings that the composition itself decides."""
UNUSED = {"STORAGE_BASE_PATH"}
"""Where S3 keeps the media, no folder does."""


def _read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.fixture(scope="module")
def composition() -> Mapping[str, Any]:
    """docker-compose.yml, its anchors resolved. PyYAML comes with uvicorn[standard]."""
    parsed: Mapping[str, Any] = importlib.import_module("yaml").safe_load(
        _read("docker-compose.yml")
    )
    return parsed


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _variables(value: object) -> dict[str, str]:
    """Each `${NAME…}` with what follows its name."""
    found = [re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text) for text in _texts(value)]
    return {name: rest for each in found for name, rest in each}


def _settings() -> set[str]:
    fields = Settings.model_fields.items()
    single = {str(each.validation_alias or name).upper() for name, each in fields}
    a_network = {f"{n}_{limit}".upper() for n in Network for limit in NetworkLimits.model_fields}
    return (single - {"NETWORK_LIMITS"}) | a_network


@pytest.mark.parametrize("service", OURS)
def test_our_services_are_told_every_setting_and_nothing_else(
    composition: Mapping[str, Any], service: str
) -> None:
    named = set(composition["services"][service]["environment"])
    assert named == _settings() - UNUSED


def test_every_variable_is_explained_in_the_example(composition: Mapping[str, Any]) -> None:
    passed_on = {
        name for name, value in composition["x-settings"].items() if value is None
    } | _variables(composition).keys()
    explained = re.findall(r"^(?:# )?([A-Z0-9_]+)=", _read(".env.example"), re.MULTILINE)
    assert sorted(explained) == sorted(passed_on)


def test_a_variable_without_a_default_is_asked_for(composition: Mapping[str, Any]) -> None:
    unguarded = {
        name: rest
        for name, rest in _variables(composition).items()
        if not rest.startswith(":-") and rest != f":?set {name} in .env (see .env.example)"
    }
    assert unguarded == {}


def test_no_secret_has_a_default(composition: Mapping[str, Any]) -> None:
    secret = {n for n in _variables(composition) if re.search("PASSWORD|KEY", n)}
    required = {n for n, rest in _variables(composition).items() if rest.startswith(":?")}
    assert secret <= required
    filled_in = re.findall(r"^([A-Z0-9_]+)=.+$", _read(".env.example"), re.MULTILINE)
    assert filled_in == []


def test_every_server_is_health_checked_and_restarted(composition: Mapping[str, Any]) -> None:
    for name, service in composition["services"].items():
        if name in JOBS:
            assert service["restart"].startswith("on-failure"), name
        else:
            assert service["restart"] == "unless-stopped", name
            assert "healthcheck" in service or name == "api", name  # the image checks the API


def test_what_is_waited_for_says_when_it_is_there(composition: Mapping[str, Any]) -> None:
    for name, service in composition["services"].items():
        for other, wait in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in JOBS else "service_healthy"
            assert wait == {"condition": expected}, (name, other)


def test_the_image_holds_every_room_it_runs_and_no_other() -> None:
    rooms = set(tomllib.loads(_read("pyproject.toml"))["tool"]["importlinter"]["root_packages"])
    wanted = (rooms - {"bench", "crash", "sandbox", "stack"}) | {"migrations"}
    files = {"requirements.lock", "alembic.ini", "worker.py"}
    let_in = {line[1:] for line in _read(".dockerignore").splitlines() if line.startswith("!")}
    assert let_in == wanted | files


def test_the_image_installs_by_hash_and_runs_as_nobody_special() -> None:
    dockerfile = _read("Dockerfile")
    final = dockerfile.rpartition("FROM ")[2]
    assert "pip install" not in final
    assert "--require-hashes -r requirements.lock" in dockerfile
    assert "requirements-dev" not in dockerfile
    assert "\nUSER punctual\n" in final
    assert "\nHEALTHCHECK " in final
