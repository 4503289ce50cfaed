"""The outbox, jobs and switches as admins see and settle them."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, insert, select

from domain.ids import new_id
from domain.roles import UserRole
from storage import outbox
from storage.database import Database
from storage.tables import JobRow, OutboxRow
from tests.api.admins import WHY, Staff, audited
from tests.api.conftest import NewPerson


@pytest.fixture
async def admin(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """Who may do everything."""
    return Staff(client, await new_user("root", role=UserRole.ADMIN))


@pytest.fixture
async def waiting(database: Database) -> list[int]:
    """Items of the outbox: a fresh one, one that failed, and an old one of another kind."""
    same = {"workspace_id": new_id(), "payload": {}, "due_at": func.now()}
    rows = (
        {"kind": "start_post"},
        {"kind": "start_post", "tries": 7, "last_error": "RPCError: 50% unavailable"},
        {"kind": "cancel_deliveries", "created_at": func.now() - timedelta(hours=2)},
    )
    ids = []
    async with database.transaction() as session:
        for row in rows:
            statement = insert(OutboxRow).values(
                **same,
                **row,
                subject_id=new_id(),
                available_at=func.now() + timedelta(hours=1),
            )
            ids.append((await session.scalars(statement.returning(OutboxRow.id))).one())
    return ids


async def listed(admin: Staff, **query: object) -> list[int]:
    """The ids of the items that are listed."""
    return [one["id"] for one in (await admin.get("outbox", **query))["items"]]


async def test_the_outbox_is_listed_oldest_first_and_by_what_is_wrong(
    admin: Staff, waiting: list[int]
) -> None:
    fresh, failed, old = waiting
    assert await listed(admin) == waiting
    assert await listed(admin, kind="start_post") == [fresh, failed]
    assert await listed(admin, failing=True) == [failed]
    assert await listed(admin, min_tries=7) == [failed]
    assert await listed(admin, error="50% UNAVAILABLE") == [failed]
    assert await listed(admin, error="5_%") == []
    assert await listed(admin, older_than_seconds=3600) == [old]
    page = await admin.get("outbox", limit=2)
    assert [one["id"] for one in page["items"]] == [fresh, failed]
    assert await listed(admin, limit=2, cursor=page["next_cursor"]) == [old]
    counts = (await admin.get("outbox/counts"))["items"]
    assert [(one["kind"], one["waiting"], one["failing"]) for one in counts] == [
        ("cancel_deliveries", 1, 0),
        ("start_post", 2, 1),
    ]


@pytest.mark.parametrize("cursor", ["x", "_____", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
async def test_a_made_up_cursor_is_refused(admin: Staff, cursor: str) -> None:
    for path in ("outbox", "jobs"):
        answer = await admin.ask("GET", path, params={"cursor": cursor})
        assert answer.status_code == 422, cursor


async def test_what_is_retried_is_due_now(
    admin: Staff, waiting: list[int], database: Database
) -> None:
    answer = await admin.post("outbox/retry", {"ids": [waiting[1], 10**15], **WHY})
    assert answer == {"ids": [waiting[1]]}
    async with database.transaction() as session:
        leased = await outbox.lease(session, limit=10, duration=timedelta(seconds=30))
    assert [item.id for item in leased] == [waiting[1]]
    (entry,) = await audited(database)
    assert (entry.act, entry.subject_type, entry.subject_id) == (
        "retry_outbox",
        "outbox_item",
        str(waiting[1]),
    )
    assert entry.before is not None
    assert entry.before["last_error"] == "RPCError: 50% unavailable"


async def test_what_is_dropped_is_gone(
    admin: Staff, waiting: list[int], database: Database
) -> None:
    assert await admin.post("outbox/drop", {"ids": waiting[:2], **WHY}) == {"ids": waiting[:2]}
    assert await listed(admin) == waiting[2:]
    assert len(await audited(database)) == 2
    refused = await admin.ask("POST", "outbox/drop", json={"ids": waiting[2:]})
    assert refused.status_code == 422, "nothing is dropped without a reason"


async def test_dead_jobs_are_listed_retried_and_dropped(admin: Staff, database: Database) -> None:
    async with database.transaction() as session:
        for dead_at in (func.now(), func.now(), None):
            await session.execute(
                insert(JobRow).values(
                    kind="notify",
                    subject_id=uuid4(),
                    payload={"user_ids": ["somebody"]},
                    tries=5,
                    last_error="No.",
                    dead_at=dead_at,
                )
            )
        first, second, alive = list(await session.scalars(select(JobRow.id).order_by(JobRow.id)))
    found = (await admin.get("jobs"))["items"]
    assert [one["id"] for one in found] == [second, first]
    assert "payload" not in found[0]
    assert await admin.post("jobs/retry", {"ids": [first, alive], **WHY}) == {"ids": [first]}
    assert await admin.post("jobs/drop", {"ids": [second, alive], **WHY}) == {"ids": [second]}
    assert (await admin.get("jobs"))["items"] == []
    (counts,) = (await admin.get("jobs/counts"))["items"]
    assert (counts["kind"], counts["waiting"], counts["dead"]) == ("notify", 2, 0)
    acts = [(one.act, one.subject_id) for one in await audited(database)]
    assert acts == [("drop_jobs", str(second)), ("retry_jobs", str(first))]


async def test_an_admin_holds_and_lifts_a_network(admin: Staff, database: Database) -> None:
    hold = {"reach": "network", "subject": "x", "held": True, "reason": "Incident at X"}
    answer = await admin.ask("PUT", "switches", json=hold)
    assert answer.status_code == 200, answer.text
    (switch,) = (await admin.get("switches"))["switches"]
    assert (switch["network"], switch["held_by"], switch["liftable"]) == ("x", "admin root", True)
    lift = {"reach": "network", "subject": "x", "held": False}
    assert (await admin.ask("PUT", "switches", json=lift)).json()["switches"] == []
    states = [(one.act, (one.after or {})["held"]) for one in await audited(database)]
    assert states == [("set_switch", False), ("set_switch", True)]


@pytest.mark.parametrize(
    "wanted",
    [
        {"reach": "network", "subject": "myspace", "held": True, "reason": "No."},
        {"reach": "network", "subject": "x", "held": True},
        {"reach": "everything", "subject": "x", "held": True, "reason": "No."},
        {"reach": "account", "subject": "bakery", "held": True, "reason": "No."},
    ],
)
async def test_a_hold_that_makes_no_sense_is_refused_and_not_written_down(
    admin: Staff, database: Database, wanted: dict[str, object]
) -> None:
    assert (await admin.ask("PUT", "switches", json=wanted)).status_code == 422
    assert await audited(database) == []
