"""The OpenAPI description."""

from typing import Any

import pytest
from fastapi import FastAPI


@pytest.fixture
def described(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return here + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    for reference in references(described):
        here: Any = described
        for step in reference.removeprefix("#/").split("/"):
            assert step in here, reference
            here = here[step]


def test_every_operation_has_a_summary_a_tag_and_tells_its_problems(
    described: dict[str, Any],
) -> None:
    tags = {tag["name"] for tag in described["tags"]}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert set(operation["tags"]) <= tags, where
            problem = operation["responses"]["default"]["content"]["application/problem+json"]
            assert problem["schema"]["$ref"].endswith("/Problem"), where


def test_only_health_signing_in_signed_links_and_the_public_feed_need_no_key(
    described: dict[str, Any],
) -> None:
    opened = {
        path
        for path, operations in described["paths"].items()
        for operation in operations.values()
        if not operation.get("security")
    }
    public = ("/v1/feed/", "/v1/auth/")
    assert {path for path in opened if not path.startswith(public)} == {
        *("/healthz", "/readyz"),
        *("/media/{media_id}", "/pictures/{media_id}", "/media-uploads"),
    }


def test_connecting_has_an_example_for_every_network(described: dict[str, Any]) -> None:
    body = described["paths"]["/v1/accounts"]["post"]["requestBody"]["content"]
    assert set(body["application/json"]["examples"]) == {
        *("facebook", "instagram", "x", "bluesky", "mastodon", "feed")
    }
