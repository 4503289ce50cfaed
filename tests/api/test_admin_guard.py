"""Who may come into `/v1/admin`, and that nothing is done there without being written down."""

import asyncio
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.listings import Category, Condition, ListingStatus
from domain.moderation import Act
from domain.roles import UserRole
from runtime.settings import Settings
from storage.database import Database
from storage.tables import AuditRow, JobRow, ListingRow, OutboxRow
from tests.api.admins import WHY, Staff, audited, reported
from tests.api.conftest import NewPerson, Person
from tests.api.feed_actors import Reader, told
from tests.api.test_api_commands import environment, run
from tests.patience import PATIENCE
from tests.sent_statements import sent_to, whole_reads

WRITES = ("post", "put", "patch", "delete")


@pytest.fixture
async def admin(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """Who may do everything."""
    return Staff(client, await new_user("root", role=UserRole.ADMIN))


@pytest.fixture
async def moderator(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """Who judges what people put there."""
    return Staff(client, await new_user("judge", role=UserRole.MODERATOR))


def operations(app: FastAPI) -> list[tuple[str, str]]:
    """Every operation of the rooms for admins, as (method, path)."""
    return [
        (method, path)
        for path, item in app.openapi()["paths"].items()
        if path.startswith("/v1/admin/")
        for method in item
    ]


def some(path: str) -> str:
    """The path with ids that nothing has."""
    return re.sub(r"\{\w+\}", str(new_id()), path)


async def test_people_without_a_role_find_nothing(
    app: FastAPI, client: httpx.AsyncClient, user: Person
) -> None:
    for method, path in operations(app):
        hidden = await client.request(method, some(path), headers=user.headers)
        assert (hidden.status_code, hidden.json()["type"]) == (404, "/problems/not-found"), path
        nobody = await client.request(method, some(path))
        assert nobody.status_code == 401, path


async def test_a_moderator_comes_into_some_rooms_and_an_admin_into_all(
    app: FastAPI, client: httpx.AsyncClient, moderator: Staff, admin: Staff
) -> None:
    for method, path in operations(app):
        described = app.openapi()["paths"][path][method]["description"]
        refused = await client.request(method, some(path), headers=moderator.person.headers)
        may = await client.request(method, some(path), headers=admin.person.headers)
        assert may.status_code not in {401, 403}, path
        if "For admins" in described:
            assert (refused.status_code, refused.json()["type"]) == (
                403,
                "/problems/missing-role",
            ), path
        else:
            assert "For moderators" in described, path
            assert refused.status_code not in {401, 403}, path


async def test_every_act_is_in_the_audit_log(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    admin: Staff,
    user: Person,
    other_user: Person,
) -> None:
    """A new operation that writes fails here until it has a sample, and writes its act down."""
    samples = await sample_acts(client, database, user, other_user)
    writing = {(method, path) for method, path in operations(app) if method in WRITES}
    assert set(samples) == writing
    acts = set()
    for (method, path), (ids, body) in samples.items():
        before = len(await audited(database))
        answer = await client.request(
            method, path.format(**ids), headers=admin.person.headers, json=body
        )
        assert answer.is_success, (path, answer.text)
        entries = await audited(database)
        assert len(entries) > before, f"{method} {path} left nothing in the audit log"
        for entry in entries[: len(entries) - before]:
            assert (entry.actor.user_id, entry.actor.name) == (admin.person.user_id, "root")
            assert not body or "reason" not in body or entry.reason == body["reason"]
            acts.add(entry.act)
    assert acts == set(Act)


async def sample_acts(
    client: httpx.AsyncClient, database: Database, author: Person, reporter: Person
) -> dict[tuple[str, str], tuple[dict[str, str], Any]]:
    """What fills each path, and the body, of an act that succeeds; done in this order."""
    post = await Reader(client, author).publish("Buy now!")
    await reported(client, reporter, "feed_post", post)
    async with database.transaction() as session:
        case = str(await session.scalar(text("SELECT id FROM report_cases")))
        waiting = {"kind": "start_post", "workspace_id": new_id(), "payload": {}}
        await session.execute(
            insert(OutboxRow).values(**waiting, subject_id=new_id(), due_at=func.now())
        )
        outbox = list(await session.scalars(select(OutboxRow.id).order_by(OutboxRow.id)))
        dead = {"kind": "notify", "subject_id": new_id(), "payload": {}, "last_error": "No."}
        await session.execute(delete(JobRow))
        await session.execute(insert(JobRow), [dead, dead])
        await session.execute(update(JobRow).values(dead_at=func.now()))
        jobs = list(await session.scalars(select(JobRow.id).order_by(JobRow.id)))
        listing = await offer(session, author)
    person = {"user_id": str(reporter.user_id)}
    return {
        ("post", "/v1/admin/cases/{case_id}/take"): ({"case_id": case}, None),
        ("post", "/v1/admin/cases/{case_id}/give-back"): ({"case_id": case}, None),
        ("post", "/v1/admin/cases/{case_id}/resolve"): (
            {"case_id": case},
            {"decision": "remove", **WHY},
        ),
        ("post", "/v1/admin/users/{user_id}/suspend"): (person, WHY),
        ("post", "/v1/admin/users/{user_id}/restore"): (person, WHY),
        ("put", "/v1/admin/users/{user_id}/role"): (person, {"role": "moderator", **WHY}),
        ("post", "/v1/admin/listings/{listing_id}/remove"): ({"listing_id": listing}, WHY),
        ("post", "/v1/admin/listings/{listing_id}/restore"): ({"listing_id": listing}, WHY),
        ("put", "/v1/admin/switches"): (
            {},
            {"reach": "network", "subject": "x", "held": True, **WHY},
        ),
        ("post", "/v1/admin/outbox/retry"): ({}, {"ids": outbox[:1], **WHY}),
        ("post", "/v1/admin/outbox/drop"): ({}, {"ids": outbox[:1], **WHY}),
        ("post", "/v1/admin/jobs/retry"): ({}, {"ids": jobs[:1], **WHY}),
        ("post", "/v1/admin/jobs/drop"): ({}, {"ids": jobs[1:2], **WHY}),
    }


async def offer(session: AsyncSession, seller: Person) -> str:
    """The id of a listing."""
    listing_id = new_id()
    await session.execute(
        insert(ListingRow).values(
            id=listing_id,
            seller_id=seller.user_id,
            title="Bread oven",
            description="Works.",
            price=Decimal("12.50"),
            currency="EUR",
            condition=next(iter(Condition)),
            category=next(iter(Category)),
            place="Berlin",
            status=ListingStatus.ACTIVE,
            position=new_id(),
        )
    )
    return str(listing_id)


async def test_the_audit_log_is_listed_by_who_what_and_whom(
    admin: Staff, moderator: Staff, user: Person, other_user: Person
) -> None:
    for by, person in ((admin, user), (moderator, other_user), (admin, other_user)):
        await by.post(f"users/{person.user_id}/suspend", WHY)
    await admin.post(f"users/{user.user_id}/restore", {"reason": "A mistake."})

    async def acts(**query: Any) -> list[tuple[str, str, str]]:
        found = (await admin.get("audit", **query))["items"]
        return [(one["actor"], one["act"], one["subject_id"]) for one in found]

    ada, grace = str(user.user_id), str(other_user.user_id)
    everything = [
        ("root", "restore_user", ada),
        ("root", "suspend_user", grace),
        ("judge", "suspend_user", grace),
        ("root", "suspend_user", ada),
    ]
    assert await acts() == everything
    assert await acts(actor_id=str(moderator.person.user_id)) == everything[2:3]
    assert await acts(act="restore_user") == everything[:1]
    assert await acts(subject_type="user", subject_id=ada) == [everything[0], everything[3]]
    (restored,) = (await admin.get("audit", act="restore_user"))["items"]
    assert restored["reason"] == "A mistake."
    assert restored["before"] == {"role": "user", "suspended": True}
    assert restored["after"]["suspended"] is False
    paged = await admin.get("audit", limit=3)
    rest = await admin.get("audit", limit=3, cursor=paged["next_cursor"])
    assert len(paged["items"]) + len(rest["items"]) == 4
    assert rest["next_cursor"] is None
    assert (await admin.ask("GET", "audit", params={"subject_id": ada})).status_code == 422


async def test_an_act_that_fails_leaves_nothing_behind(
    admin: Staff, database: Database, user: Person
) -> None:
    for path, body in (
        (f"users/{uuid4()}/suspend", WHY),
        (f"users/{admin.person.user_id}/suspend", WHY),
        (f"users/{user.user_id}/suspend", {}),
        (f"users/{user.user_id}/suspend", {"reason": " "}),
        (f"cases/{uuid4()}/take", None),
    ):
        assert (await admin.ask("POST", path, json=body)).status_code in {404, 409, 422}
    assert await audited(database) == []
    assert (await admin.get(f"users/{user.user_id}"))["suspended_at"] is None


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET reason = 'Another.'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
async def test_the_database_refuses_to_change_the_audit_log(
    admin: Staff, user: Person, database: Database, statement: str
) -> None:
    await admin.post(f"users/{user.user_id}/suspend", WHY)
    with pytest.raises(DBAPIError, match="only ever added to"):
        async with database.transaction() as session:
            await session.execute(text(statement))
    assert len(await audited(database)) == 1


async def test_lists_of_the_audit_log_read_an_index(
    admin: Staff, database: Database, database_dsn: str
) -> None:
    rows = [
        {
            "id": new_id(),
            "actor_id": admin.person.user_id,
            "actor": "root",
            "act": Act.SUSPEND_USER if number % 500 else Act.RESTORE_USER,
            "subject_type": "user",
            "subject_id": str(number % 1000),
        }
        for number in range(20_000)
    ]
    async with database.transaction() as session:
        await session.execute(insert(AuditRow), rows)
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("ANALYZE")
    await connection.close()
    for query in (
        {},
        {"act": "restore_user"},
        {"actor_id": str(new_id())},
        {"subject_type": "user", "subject_id": "7"},
    ):
        with sent_to(database) as sent:
            await admin.get("audit", **query)
        listing = [one for one in sent if "audit_log" in one[0]]
        assert listing
        assert not await whole_reads(database_dsn, listing, {"audit_log"}), query


@pytest.mark.end_to_end
async def test_the_first_admin_is_made_by_a_command(
    client: httpx.AsyncClient, database: Database, settings: Settings, user: Person
) -> None:
    env = environment(settings)
    hidden = await client.get("/v1/admin/users", headers=user.headers)
    assert hidden.status_code == 404
    code, output, errors = await run("api.admin", "grant", "ADA", "--by", "Linus", env=env)
    assert code == 0, errors
    assert '"role": "admin"' in output
    (entry,) = await audited(database)
    assert (entry.actor.user_id, entry.actor.name) == (None, "operator Linus")
    assert (entry.act, entry.before) == ("grant_role", {"role": "user", "suspended": False})
    code, _, errors = await run("api.admin", "grant", user.email, "--role", "moderator", env=env)
    assert code == 0, errors
    code, _, errors = await run("api.admin", "grant", "nobody", env=env)
    assert (code, "nobody is registered" in errors) == (2, True)


async def test_a_role_counts_at_once_for_the_sessions_there_are(
    admin: Staff, client: httpx.AsyncClient, user: Person
) -> None:
    path = f"/v1/admin/users/{user.user_id}/role"
    headers = admin.person.headers
    told(await client.put(path, headers=headers, json={"role": "moderator", **WHY}))
    async with asyncio.timeout(PATIENCE):  # PostgreSQL tells this process at the commit
        while True:
            answer = await client.get("/v1/admin/users", headers=user.headers)
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.01)
    own = await client.put(
        f"/v1/admin/users/{admin.person.user_id}/role",
        headers=headers,
        json={"role": "user", **WHY},
    )
    assert own.status_code == 409
