"""Values that nobody sends by mistake, in each place of every request: a clear answer each time."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from api.problems import MEDIA_TYPE
from runtime.resources import Resources
from runtime.settings import Settings
from tests.api.authorisation_asking import Request, request_of
from tests.api.authorisation_entries import Actor
from tests.api.authorisation_matrix import MATRIX, described
from tests.api.authorisation_things import Things, everything, without_limits
from tests.api.conftest import NewPerson

TEXTS: Final = (
    "\x00",
    "",
    "%' OR 1=1 --",
    "9" * 30,
    "9999-12-31T23:59:59-23:59",
    "💥" * 300,
)
"""For paths, queries and headers."""

VALUES: Final[tuple[Any, ...]] = (
    *TEXTS,
    "\ud800",
    "x" * 70_000,
    None,
    -(10**30),
    ["\x00"],
    {"\x00": []},
)
"""For what stands in a body."""

BODIES: Final = (b"", b"null", b"[]", b'"x"', b"{", b"\xff", b"[" * 100_000)
"""In place of an object."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody is refused for asking often."""
    return without_limits(settings)


@pytest.fixture
async def things(client: httpx.AsyncClient, resources: Resources, new_user: NewPerson) -> Things:
    """Everybody, and everything that Ada has."""
    return await everything(client, resources, new_user)


class Spoiler:
    """Puts into requests what does not belong there, one thing at a time."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """`document` is the API's description."""
        self._schemas = document["components"]["schemas"]

    def spoilt(
        self, name: str, good: Request, operation: Mapping[str, Any]
    ) -> Iterator[tuple[str, Request]]:
        """Everything that can be wrong with the request, by the place where it is."""
        for parameter in operation.get("parameters", []):
            if parameter["name"] != "X-Workspace":
                place = f"{parameter['in']} {parameter['name']}"
                for text in TEXTS:
                    yield place, _with(good, name.split(" ")[1], parameter, text)
        if isinstance(good.json, dict):
            for field in sorted({*self._fields(_json_of(operation)), *good.json}):
                for value in VALUES:
                    yield f"field {field}", good.but(json={**good.json, field: value})
            for body in BODIES:
                kind = {"content-type": "application/json"}
                yield "body", good.but(json=None, content=body, headers=kind)

    def _fields(self, schema: Mapping[str, Any]) -> Iterator[str]:
        if "$ref" in schema:
            yield from self._fields(self._schemas[schema["$ref"].rpartition("/")[2]])
        yield from schema.get("properties", {})
        for one in schema.get("oneOf", []):
            yield from self._fields(one)


def _json_of(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _with(good: Request, path: str, parameter: Mapping[str, Any], text: str) -> Request:
    """The request with that text in place of the parameter."""
    name = parameter["name"]
    if parameter["in"] == "query":
        return good.but(query={**good.query, name: text})
    if parameter["in"] == "header":
        return good.but(headers={**good.headers, name: text.encode()})
    steps = zip(good.path.split("/"), path.split("/"), strict=True)
    written = quote(text, safe="")
    return good.but(
        path="/".join(written if told == f"{{{name}}}" else step for step, told in steps)
    )


def wrong_with(answer: httpx.Response, operation: Mapping[str, Any], *, elsewhere: bool) -> str:
    """What the answer should not be; nothing when it is fine. `elsewhere` is another path."""
    if answer.is_error and answer.headers.get("content-type") != MEDIA_TYPE:
        return "no problem"
    if elsewhere and answer.status_code in {307, 404, 405}:
        return ""
    return "" if str(answer.status_code) in operation["responses"] else "not described"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("actor", [Actor.OWNER, Actor.ADMIN])
async def test_no_value_anywhere_breaks_it(
    app: FastAPI, client: httpx.AsyncClient, things: Things, actor: Actor
) -> None:
    spoiler, wrong = Spoiler(app.openapi()), []
    for name, operation in described(app).items():
        entry = MATRIX[name]
        if actor not in entry.let_in:
            continue
        carried = await things.cast.headers(actor, entry)
        good = request_of(name, entry, things)
        for place, request in spoiler.spoilt(name, good, operation):
            answer = await request.send(client, carried)
            if why := wrong_with(answer, operation, elsewhere=request.path != good.path):
                told = f"{answer.status_code} {why}: {answer.text[:200]}"
                wrong.append(f"{name}, {place}: {told} for {str(request)[:300]}")
    assert not wrong, "\n".join(wrong)
