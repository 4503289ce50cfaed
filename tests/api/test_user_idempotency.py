"""What people make with an Idempotency-Key is made once: listings, groups, workspaces."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from storage.database import Database
from storage.tables import UserIdempotencyKeyRow
from tests.api.conftest import Person
from tests.api.feed_actors import told
from tests.api.market_actors import OVEN

KEY = "an-oven-for-sale"
LISTINGS, GROUPS, WORKSPACES = (
    "/v1/marketplace/listings",
    "/v1/chat/conversations/groups",
    "/v1/workspaces",
)

Make = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def bodies(other_user: Person) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """For each of the paths what is asked for, and something else."""
    people = [str(other_user.user_id)]
    return {
        LISTINGS: (OVEN, {**OVEN, "title": "A whisk"}),
        GROUPS: ({"title": "Bakers", "user_ids": people}, {"title": "Millers", "user_ids": people}),
        WORKSPACES: ({"name": "Corner bakery"}, {"name": "Mill"}),
    }


@pytest.fixture
def make(client: httpx.AsyncClient, user: Person) -> Make:
    """Asks for something to be made."""

    async def ask(
        path: str, body: dict[str, Any], key: str | None = KEY, by: Person = user
    ) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await client.post(path, json=body, headers={**by.headers, **headers})

    return ask


def id_of(made: dict[str, Any]) -> str:
    return str(made.get("id") or made["workspace_id"])


async def how_many(client: httpx.AsyncClient, person: Person, path: str) -> int:
    """What there is of that kind for somebody."""
    lists = {LISTINGS: "/v1/users/me/listings", GROUPS: "/v1/chat/conversations"}
    answer = await client.get(lists.get(path, path), headers=person.headers)
    return len(told(answer)["items"])


paths = pytest.mark.parametrize("path", [LISTINGS, GROUPS, WORKSPACES])
Bodies = dict[str, tuple[dict[str, Any], dict[str, Any]]]


@paths
async def test_asked_again_the_answer_is_the_same_and_nothing_is_made(
    make: Make, bodies: Bodies, client: httpx.AsyncClient, user: Person, path: str
) -> None:
    body, _ = bodies[path]
    first, again = await make(path, body), await make(path, dict(reversed(body.items())))
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.content == first.content
    assert await how_many(client, user, path) == 1


@paths
async def test_another_body_under_the_same_key_is_refused(
    make: Make, bodies: Bodies, client: httpx.AsyncClient, user: Person, path: str
) -> None:
    body, other = bodies[path]
    told(await make(path, body), 201)
    problem = told(await make(path, other), 422)
    assert problem["type"] == "/problems/idempotency-key-reused"
    assert problem["errors"][0]["field"] == "Idempotency-Key"
    assert await how_many(client, user, path) == 1


@paths
async def test_without_a_key_each_request_makes_one(
    make: Make, bodies: Bodies, client: httpx.AsyncClient, user: Person, path: str
) -> None:
    for _ in range(2):
        told(await make(path, bodies[path][0], None), 201)
    assert await how_many(client, user, path) == 2


@paths
async def test_a_crowd_with_one_key_makes_one(
    make: Make, bodies: Bodies, client: httpx.AsyncClient, user: Person, path: str
) -> None:
    answers = await asyncio.gather(*(make(path, bodies[path][0]) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({id_of(answer.json()) for answer in answers}) == 1
    assert await how_many(client, user, path) == 1


async def test_each_person_has_their_own_keys(
    make: Make, client: httpx.AsyncClient, other_user: Person
) -> None:
    mine, theirs = await make(LISTINGS, OVEN), await make(LISTINGS, OVEN, by=other_user)
    assert told(mine, 201)["id"] != told(theirs, 201)["id"]


async def test_a_key_holds_for_whatever_is_made_with_it(make: Make, bodies: Bodies) -> None:
    told(await make(LISTINGS, OVEN), 201)
    told(await make(WORKSPACES, bodies[WORKSPACES][0]), 422)


async def test_a_refused_request_leaves_its_key_free(
    make: Make, bodies: Bodies, user: Person
) -> None:
    nobody = {"title": "Bakers", "user_ids": [str(user.session_id)]}  # a session is no person
    told(await make(GROUPS, nobody), 422)
    told(await make(GROUPS, bodies[GROUPS][0]), 201)


async def test_what_was_changed_or_deleted_since_is_not_made_again(
    make: Make, client: httpx.AsyncClient, user: Person
) -> None:
    made = told(await make(LISTINGS, OVEN), 201)
    place = f"{LISTINGS}/{made['id']}"
    told(await client.patch(place, json={"title": "Good oven"}, headers=user.headers))
    again = told(await make(LISTINGS, OVEN), 201)
    assert (again["id"], again["title"]) == (made["id"], "Good oven")
    told(await client.delete(place, headers=user.headers), 204)
    told(await make(LISTINGS, OVEN), 404)
    assert await how_many(client, user, LISTINGS) == 0


async def test_a_key_that_cannot_be_kept_is_told(make: Make) -> None:
    problem = told(await make(LISTINGS, OVEN, "k" * 201), 422)
    assert problem["errors"][0]["field"] == "Idempotency-Key"


@paths
def test_the_description_tells_of_the_key(app: FastAPI, path: str) -> None:
    parameters = app.openapi()["paths"][path]["post"]["parameters"]
    assert "Idempotency-Key" in {one["name"] for one in parameters}


async def test_keys_are_kept_with_nothing_that_was_written(
    make: Make, database: Database, user: Person
) -> None:
    made = told(await make(LISTINGS, OVEN), 201)
    async with database.transaction() as session:
        kept = await session.get(UserIdempotencyKeyRow, (user.user_id, KEY))
    assert kept is not None
    assert (str(kept.made_id), len(kept.fingerprint)) == (made["id"], 32)
