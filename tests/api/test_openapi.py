"""The API's description of itself: complete, valid, with examples that work."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from pydantic import TypeAdapter

from api.accounts.credentials import AccountWanted
from api.posts.wanted_schemas import PostChange, PostWanted
from tests.api.test_posts_actors import accepted

METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})

PUBLIC = frozenset(
    {
        ("post", "/v1/auth/register"),
        ("post", "/v1/auth/login"),
        ("post", "/v1/auth/refresh"),
        ("post", "/v1/auth/password/reset-mails"),
        ("post", "/v1/auth/password/reset"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/media/{media_id}"),
        ("get", "/pictures/{media_id}"),
        ("put", "/media-uploads"),
        ("get", "/v1/feed/accounts/{account_id}/posts"),
        ("get", "/v1/feed/comments/{comment_id}/replies"),
        ("get", "/v1/feed/hashtags/{hashtag}/posts"),
        ("get", "/v1/feed/posts/{feed_post_id}"),
        ("get", "/v1/feed/posts/{feed_post_id}/comments"),
        ("get", "/v1/feed/posts/{feed_post_id}/likes"),
        ("get", "/v1/feed/posts/{feed_post_id}/reposts"),
        ("get", "/v1/feed/profiles/{handle}"),
        ("get", "/v1/feed/trending/hashtags"),
        ("get", "/v1/feed/trending/posts"),
        ("get", "/v1/feed/users/{user_id}/followers"),
        ("get", "/v1/feed/users/{user_id}/following"),
        ("get", "/v1/feed/users/{user_id}/posts"),
    }
)
"""What needs neither an API key nor an access token."""


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    """The whole description."""
    return app.openapi()


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation by method and path."""
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def inside(node: object) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from inside(value)
    if isinstance(node, list):
        for value in node:
            yield from inside(value)


def test_the_document_has_the_form_of_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    wanted = {node["$ref"] for node in inside(document) if isinstance(node.get("$ref"), str)}
    assert wanted
    for reference in wanted:
        here: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in here, reference
            here = here[step]


async def test_it_is_served_as_it_is(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    assert accepted(await client.get("/openapi.json")) == document
    assert (await client.get("/docs")).status_code == 200


def test_every_operation_has_a_summary_a_known_tag_and_a_name_of_its_own(
    document: dict[str, Any], operations: dict[tuple[str, str], dict[str, Any]]
) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for place, operation in operations.items():
        assert operation["summary"], place
        assert len(operation["summary"]) <= 60, place
        assert operation["tags"], place
        assert set(operation["tags"]) <= tags, place
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)


def test_all_but_the_public_operations_need_a_key(
    document: dict[str, Any], operations: dict[tuple[str, str], dict[str, Any]]
) -> None:
    open_to_all = {
        place for place, operation in operations.items() if {} in operation.get("security", [{}])
    }
    assert open_to_all == PUBLIC
    for operation in operations.values():
        for requirement in operation.get("security", []):
            assert set(requirement) <= set(document["components"]["securitySchemes"])


def test_operations_with_a_key_name_the_scope_that_it_needs(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    for place, operation in operations.items():
        by_key = {"API key": []} in operation.get("security", [])
        if by_key and place != ("get", "/v1/workspace"):
            assert "Needs `" in operation["description"], place


def test_every_error_is_a_problem(
    document: dict[str, Any], operations: dict[tuple[str, str], dict[str, Any]]
) -> None:
    for place, operation in operations.items():
        told = operation["responses"]["default"]["content"]
        assert told == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }, place
    assert "HTTPValidationError" not in document["components"]["schemas"]
    problem = document["components"]["schemas"]["Problem"]
    assert {"type", "title", "status", "detail", "errors", "request_id"} <= set(
        problem["properties"]
    )
    assert problem["example"] if "example" in problem else problem["properties"]["type"]["examples"]


@pytest.mark.parametrize(
    ("place", "accepts"),
    [
        (("post", "/v1/posts"), TypeAdapter[Any](PostWanted)),
        (("post", "/v1/posts/validate"), TypeAdapter[Any](PostWanted)),
        (("patch", "/v1/posts/{post_id}"), TypeAdapter[Any](PostChange)),
        (("post", "/v1/accounts"), TypeAdapter[Any](AccountWanted)),
    ],
)
def test_the_examples_of_a_body_are_taken(
    operations: dict[tuple[str, str], dict[str, Any]],
    place: tuple[str, str],
    accepts: TypeAdapter[Any],
) -> None:
    examples = operations[place]["requestBody"]["content"]["application/json"]["examples"]
    assert len(examples) >= 2
    for name, example in examples.items():
        assert example["summary"], name
        # "…" stands for the rest of a token, which no reader has any use for.
        accepts.validate_json(json.dumps(example["value"], ensure_ascii=False).replace("…", ""))


def test_headers_are_documented_as_they_are_written(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    for place, name in (
        (("post", "/v1/posts"), "Idempotency-Key"),
        (("patch", "/v1/posts/{post_id}"), "If-Match"),
    ):
        found = {
            parameter["name"]: parameter
            for parameter in operations[place]["parameters"]
            if parameter["in"] == "header"
        }
        assert found[name]["description"]


def test_every_parameter_of_a_path_or_query_is_described_by_name_or_words(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    for place, operation in operations.items():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                schema = parameter["schema"]
                is_word = schema.get("maxLength") or "$ref" in schema  # of a length, or of a list
                assert schema.get("format") == "uuid" or is_word, place
            if parameter["in"] == "query":
                assert parameter["schema"], place
