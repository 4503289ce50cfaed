"""Every operation, asked for what its description allows, and for what it does not.

schemathesis thinks of the requests; every answer has to be one that the description promises.
EXAMPLES in the environment asks for more of each operation.
"""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.errors import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from api.health import Health
from runtime.resources import Resources
from runtime.settings import Settings
from tests.api.authorisation_asking import Asking
from tests.api.authorisation_entries import Actor, Entry
from tests.api.authorisation_matrix import MATRIX
from tests.api.authorisation_things import Things, everything, without_limits
from tests.api.conftest import NewPerson
from tests.conftest import API_BASE_URL

EACH: Final = int(os.environ.get("EXAMPLES", "3"))
"""Requests of each operation, of each kind: fitting, fitting and about what is there, unfitting."""

CHECKS: Final = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

AnyCase = Case[Any]
Given = Callable[[AnyCase], None]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody is refused for asking often."""
    return without_limits(settings)


@pytest.fixture
async def things(client: httpx.AsyncClient, resources: Resources, new_user: NewPerson) -> Things:
    """Everybody, and everything that Ada has."""
    return await everything(client, resources, new_user)


class Examiner:
    """Holds answers against the description."""

    def __init__(self, app: FastAPI) -> None:
        """`app` describes itself."""
        self._schema = schemathesis.openapi.from_dict(app.openapi())
        self.wrong: dict[str, str] = {}
        self.asked: Counter[str] = Counter()

    def operation(self, name: str) -> Any:
        """The operation that the matrix calls so."""
        method, path = name.split(" ")
        return self._schema[path][method]

    def examine(self, name: str, case: AnyCase, answer: httpx.Response) -> None:
        """Note what the description did not promise, once for each operation and fault.

        That every operation may answer with a problem as its `default` is no promise.
        """
        self.asked[name] += 1
        if str(answer.status_code) not in case.operation.definition.raw["responses"]:
            self.wrong[f"{name}: {answer.status_code} is not described"] = answer.text[:500]
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.wrong.setdefault(f"{name}: {failure.title}", str(group))


def requests_of(operation: Any, known: Mapping[str, Any]) -> Iterator[SearchStrategy[AnyCase]]:
    """Requests that fit the description, about what is there and about anything; and unfitting."""
    in_path = in_path_of(operation.path, known)
    fitting = operation.as_strategy(
        generation_mode=GenerationMode.POSITIVE, path_parameters=in_path
    )
    yield fitting.map(lambda case: _about(case, known))
    yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def in_path_of(path: str, known: Mapping[str, Any]) -> dict[str, str]:
    """What is there, for each parameter of the path."""
    return {part: known[part] for part in re.findall(r"{(\w+)}", path)}


def _about(case: AnyCase, known: Mapping[str, Any]) -> AnyCase:
    """The same, naming things that are there."""
    case.body = _named(case.body, known)
    return case


def _named(said: Any, known: Mapping[str, Any]) -> Any:
    match said:
        case dict():
            return {
                name: known[name] if name in known else _named(value, known)
                for name, value in said.items()
            }
        case list():
            return [_named(value, known) for value in said]
    return said


def for_each(strategy: SearchStrategy[AnyCase], ask: Given) -> None:
    """Ask for some examples, the same in every run."""

    @examples(
        max_examples=EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def examined(case: AnyCase) -> None:
        ask(case)

    with suppress(Unsatisfiable):  # there is nothing that does not fit: it takes no parameters
        examined()


class Asker:
    """One actor at the API, asked from a thread: hypothesis waits for nobody."""

    def __init__(self, things: Things, actor: Actor) -> None:
        """`actor` is who asks for everything."""
        self._things = things
        self._actor = actor
        self._loop = asyncio.get_running_loop()
        self._headers: dict[str, str] = {}

    async def come_in(self, entry: Entry) -> None:
        """Sign in anew: what was asked before may have ended the session."""
        self._headers = await self._things.cast.headers(self._actor, entry)
        if self._actor is not Actor.KEY:
            person = self._things.cast.people[self._actor]
            _, token, _ = await self._things.cast.session_of(person)
            self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, case: AnyCase) -> httpx.Response:
        """The answer."""
        told = case.as_transport_kwargs(base_url=API_BASE_URL, headers=self._headers)
        wanted = requests.Request(**told).prepare()
        body = wanted.body or b""
        assert isinstance(body, str | bytes)
        request = httpx.Request(
            str(wanted.method),
            str(wanted.url),
            headers=[(name.encode(), _as_bytes(value)) for name, value in wanted.headers.items()],
            content=_as_bytes(body),
        )
        asking = asyncio.run_coroutine_threadsafe(self._send(request), self._loop)
        return asking.result(timeout=60)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        return await self._things.cast.client.send(request)


def _as_bytes(said: str | bytes) -> bytes:
    return said if isinstance(said, bytes) else said.encode("latin-1")


def known_to(entry: Entry, names: Mapping[str, str]) -> dict[str, Any]:
    """What is there, by the names that paths and bodies have for it."""
    return {
        **names,
        "targets": [names["account_id"]],
        "media_ids": [names["shown_media_id"]],
        "user_id": names["fellow"],
        "user_ids": [names["fellow"]],
        "subject_id": names["stranger"],
        **{name: names[told] for name, told in entry.wanted.where.items()},
    }


async def test_what_goes_well_is_answered_as_described(app: FastAPI, things: Things) -> None:
    asking, examiner = Asking(things), Examiner(app)
    for name, entry in MATRIX.items():
        answer, _ = await asking.ask(name, entry, entry.let_in[0])
        answer.request.read()  # schemathesis shows it
        operation = examiner.operation(name)
        in_path = in_path_of(operation.path, known_to(entry, things.names))
        examiner.examine(name, operation.Case(path_parameters=in_path), answer)
    assert not examiner.wrong, report(examiner)


@pytest.mark.timeout(300 + 60 * EACH)
@pytest.mark.parametrize("actor", [Actor.OWNER, Actor.ADMIN, Actor.KEY])
async def test_whatever_is_asked_is_answered_as_described(
    app: FastAPI, things: Things, actor: Actor
) -> None:
    examiner, asker = Examiner(app), Asker(things, actor)
    wanted = {name: entry for name, entry in MATRIX.items() if actor in entry.let_in}
    for name, entry in wanted.items():
        await asker.come_in(entry)
        known = known_to(entry, things.names)
        operation = examiner.operation(name)

        def ask(case: AnyCase, name: str = name) -> None:
            examiner.examine(name, case, asker.ask(case))

        kinds = requests_of(operation, known)
        for strategy in [next(kinds)] if actor is Actor.KEY else kinds:
            await asyncio.to_thread(for_each, strategy, ask)
    assert examiner.asked.keys() == wanted.keys()
    assert not examiner.wrong, report(examiner)


async def test_what_is_not_as_described_is_found(app: FastAPI, things: Things) -> None:
    @app.get("/planted/{number}", responses={200: {"model": Health}})
    async def planted(number: int) -> Response:
        if number % 2:
            raise RuntimeError
        return JSONResponse({"status": "ill"})

    examiner, asker = Examiner(app), Asker(things, Actor.OWNER)
    operation = examiner.operation("GET /planted/{number}")
    for number in (1, 2):
        case = operation.Case(path_parameters={"number": number})
        examiner.examine("planted", case, await asyncio.to_thread(asker.ask, case))
    assert set(examiner.wrong) == {
        "planted: 500 is not described",
        "planted: Response violates schema",
    }


def report(examiner: Examiner) -> str:
    """What was wrong, one after the other."""
    return "\n\n".join(f"{place}\n{what}" for place, what in examiner.wrong.items())
