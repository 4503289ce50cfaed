"""Every operation of the API, asked by everybody who may not, and by everybody who may."""

from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from runtime.resources import Resources
from runtime.settings import Settings
from storage.database import Database
from storage.tables import Table as StoredTable
from tests.api.authorisation_asking import Asking
from tests.api.authorisation_entries import Actor, Table, owned
from tests.api.authorisation_matrix import MATRIX, described
from tests.api.authorisation_things import Things, everything, without_limits
from tests.api.conftest import NewPerson
from tests.api.test_openapi import PUBLIC

USED_LATER: Final = {"api_keys": "last_used_at"}
"""Columns that even a refused request may touch: a key was used, whatever for."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody is refused for asking often."""
    return without_limits(settings)


@pytest.fixture
async def things(client: httpx.AsyncClient, resources: Resources, new_user: NewPerson) -> Things:
    """Everybody, and everything that Ada has."""
    return await everything(client, resources, new_user)


async def contents(database: Database) -> dict[str, str]:
    """What each table holds, as a fingerprint."""
    found = {}
    async with database.transaction() as session:
        for name in StoredTable.metadata.tables:
            row = f"to_jsonb(t) - '{USED_LATER.get(name, '')}'"
            query = f"SELECT md5(coalesce(string_agg(row, '' ORDER BY row), '')) FROM (SELECT ({row})::text AS row FROM {name} t) AS rows"  # noqa: E501, S608
            found[name] = await session.scalar(text(query)) or ""
    return found


async def refuse_all(things: Things, matrix: Table) -> list[str]:
    """What was wrong when everybody asked who may not; the suspended last."""
    asking = Asking(things)
    database = things.cast.resources.database
    for entry in matrix.values():
        for actor in entry.refused:
            await things.cast.headers(actor, entry)  # so that keys are made before
    before = await contents(database)
    for operation, entry in matrix.items():
        for actor, status in entry.refused.items():
            if actor is not Actor.SUSPENDED:
                await asking.refuse(operation, entry, actor, status)
    asking.wrong += changed(before, await contents(database))
    await things.cast.suspend()
    before = await contents(database)
    for operation, entry in matrix.items():
        if Actor.SUSPENDED in entry.refused:
            status = entry.refused[Actor.SUSPENDED]
            await asking.refuse(operation, entry, Actor.SUSPENDED, status)
    return asking.wrong + changed(before, await contents(database))


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The tables that are not what they were."""
    return [f"a refused request changed {name}" for name in before if before[name] != after[name]]


def test_every_operation_stands_in_the_matrix(app: FastAPI) -> None:
    operations = set(described(app))
    assert operations - set(MATRIX) == set(), "say who may call these"
    assert set(MATRIX) - operations == set(), "these are not there any more"


def test_what_is_not_in_the_description_is_known(app: FastAPI) -> None:
    assert set(hidden(app.routes)) == {
        *("/docs", "/docs/assets", "/openapi.json"),
        *("/reset-password", "/accept-invitation"),  # pages that say nothing of anybody
        "/socket.io",  # looks at the token itself
        "/media/{media_id}",  # HEAD, by the same signed link
    }


def hidden(routes: Iterable[Any]) -> Iterator[str]:
    """The paths of routes, and of what routers hold, that the description leaves out."""
    for route in routes:
        if router := getattr(route, "original_router", None):
            yield from hidden(router.routes)
        elif not getattr(route, "include_in_schema", False):
            yield route.path


def test_only_the_public_operations_are_for_nobody_in_particular() -> None:
    for_all = {operation for operation, entry in MATRIX.items() if Actor.NOBODY in entry.let_in}
    assert for_all == {f"{method.upper()} {path}" for method, path in PUBLIC}
    for operation, entry in MATRIX.items():
        assert operation in for_all or entry.refused[Actor.NOBODY] == 401, operation


def test_the_description_says_the_same(app: FastAPI) -> None:
    operations = described(app)
    for operation, entry in MATRIX.items():
        said = operations[operation].get("description", "")
        answers = operations[operation]["responses"]
        assert {str(status) for status in entry.refused.values()} <= set(answers), operation
        if entry.scope is not None:
            assert f"Needs `{entry.scope}`." in said, operation
        if entry.role is not None:
            assert f"For {entry.role}s" in said, operation


async def test_whoever_may_not_is_turned_away_and_nothing_happens(things: Things) -> None:
    wrong = await refuse_all(things, MATRIX)
    assert not wrong, "\n".join(wrong)


async def test_whoever_may_is_let_in_and_others_see_nothing_of_it(things: Things) -> None:
    asking = Asking(things)
    for operation, entry in MATRIX.items():
        if operation.startswith("GET "):
            for actor in entry.sees_own:
                await asking.show_nothing(operation, entry, actor)
    for operation, entry in MATRIX.items():
        for actor in entry.let_in:
            await asking.let_in(operation, entry, actor, first=actor is entry.let_in[0])
    assert not asking.wrong, "\n".join(asking.wrong)


async def test_an_operation_without_a_guard_is_found(app: FastAPI, things: Things) -> None:
    database = things.cast.resources.database

    @app.delete("/v1/unguarded/{feed_post_id}")
    async def forget_everything(feed_post_id: UUID) -> dict[str, str]:
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM feed_bookmarks"))
        return {"deleted": str(feed_post_id), "of": "ada@example.org"}

    entry = owned()
    wrong = await refuse_all(things, {"DELETE /v1/unguarded/{feed_post_id}": entry})
    for actor in entry.refused:
        assert any(f"by {actor}: 200" in found for found in wrong), actor
        assert any(f"by {actor}: the answer names ada@" in found for found in wrong), actor
    assert "a refused request changed feed_bookmarks" in wrong
