"""Signing up."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from storage.database import Database
from storage.tables import UserRow
from tests.api.conftest import PASSWORD, Person

ADA = {
    "handle": "Ada_L",
    "display_name": "Ada Lovelace",
    "email": "Ada@Example.org",
    "password": PASSWORD,
}


async def register(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post("/v1/auth/register", json={**ADA, **changes})


async def test_who_registers_is_signed_in(client: httpx.AsyncClient) -> None:
    answer = await register(client)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["user"]["handle"] == "Ada_L"
    assert made["user"]["email"] == "ada@example.org"
    assert made["user"]["role"] == "user"
    assert made["token_type"] == "Bearer"
    assert made["expires_in"] == 600
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    me = await client.get("/v1/users/me", headers=headers)
    assert me.json() == made["user"]


async def test_a_password_is_kept_as_argon2id_alone(
    client: httpx.AsyncClient, database: Database
) -> None:
    await register(client)
    async with database.transaction() as session:
        (kept,) = (await session.scalars(select(UserRow.password_hash))).all()
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"email": "other@example.org"}, ["handle"]),
        ({"email": "other@example.org", "handle": "ADA_l"}, ["handle"]),
        ({"handle": "other"}, ["email"]),
        ({"handle": "other", "email": "ADA@example.ORG"}, ["email"]),
        ({}, ["handle", "email"]),
    ],
)
async def test_a_name_that_somebody_has_is_taken(
    client: httpx.AsyncClient, changes: dict[str, str], fields: list[str]
) -> None:
    await register(client)
    answer = await register(client, **changes)
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "/problems/taken"
    assert [error["field"] for error in answer.json()["errors"]] == fields


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"handle": "ab"}, "handle", "string_pattern_mismatch"),
        ({"handle": "a" * 31}, "handle", "string_pattern_mismatch"),
        ({"handle": "ada lovelace"}, "handle", "string_pattern_mismatch"),
        ({"handle": "ada\n"}, "handle", "string_pattern_mismatch"),
        ({"handle": "<b>ada"}, "handle", "string_pattern_mismatch"),
        ({"display_name": "Ada\u0000"}, "display_name", "character_not_allowed"),
        ({"email": "ada"}, "email", "no_mail_address"),
        ({"email": "ada@localhost"}, "email", "no_mail_address"),
        ({"email": "ada@example.org\nBcc: all@example.org"}, "email", "no_mail_address"),
        ({"email": "a" * 65 + "@example.org"}, "email", "no_mail_address"),
        ({"email": "a@" + "b" * 260 + ".org"}, "email", "string_too_long"),
        ({"password": "too short"}, "password", "string_too_short"),
        ({"password": "x1Y2" * 51}, "password", "string_too_long"),
        ({"password": "Password123"}, "password", "too_common"),
        ({"password": "aaaaaaaaaaaaaaaa"}, "password", "too_common"),
        ({"password": "ada@example.org1"}, "password", "too_common"),
        ({"password": "0ne nul\u0000 character"}, "password", "character_not_allowed"),
        ({"role": "admin"}, "role", "extra_forbidden"),
    ],
)
async def test_what_cannot_be_used_is_told_by_field(
    client: httpx.AsyncClient, changes: dict[str, str], field: str, rule: str
) -> None:
    answer = await register(client, **changes)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["field"], error["rule"]) == (field, rule)
    assert error["fix"]
    if field == "password":
        assert changes["password"] not in answer.text


async def test_a_passwords_letters_count_however_they_were_composed(
    client: httpx.AsyncClient,
) -> None:
    await register(client, password="zwölf große Bären")
    answer = await client.post(
        "/v1/auth/login", json={"email": ADA["email"], "password": "zwo\u0308lf große Ba\u0308ren"}
    )
    assert answer.status_code == 200, answer.text


async def test_a_profile_is_changed(
    client: httpx.AsyncClient, user: Person, other_user: Person
) -> None:
    changed = await client.patch(
        "/v1/users/me",
        json={"handle": "ada2", "display_name": "Ada the Second"},
        headers=user.headers,
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["handle"], changed.json()["display_name"]) == ("ada2", "Ada the Second")
    assert changed.json() == (await client.get("/v1/users/me", headers=user.headers)).json()
    kept = await client.patch("/v1/users/me", json={}, headers=user.headers)
    assert kept.json() == changed.json()
    taken = await client.patch(
        "/v1/users/me", json={"handle": other_user.handle.upper()}, headers=user.headers
    )
    assert taken.status_code == 409
    assert taken.json()["errors"][0]["field"] == "handle"


async def test_an_avatar_is_an_image_of_ones_own(
    client: httpx.AsyncClient, user: Person, workspace: Any, upload: Any, picture: Any
) -> None:
    theirs = (await upload(workspace, picture())).json()["id"]
    answer = await client.patch(
        "/v1/users/me", json={"avatar_media_id": theirs}, headers=user.headers
    )
    assert answer.status_code == 404
    none = await client.patch("/v1/users/me", json={"avatar_media_id": None}, headers=user.headers)
    assert none.json()["avatar_media_id"] is None
