"""What people report, and what moderators make of it."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import insert, select

from domain.ids import new_id
from domain.roles import UserRole
from storage.database import Database
from storage.jobs import JobKind
from storage.tables import JobRow, ReportCaseRow
from tests.api.admins import WHY, Staff, audited, reported
from tests.api.chats import Chat
from tests.api.conftest import NewPerson, Person
from tests.api.feed_actors import Reader, told
from tests.api.test_admin_guard import offer
from tests.sent_statements import sent_to, whole_reads


@pytest.fixture
async def moderator(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """Who judges what people put there."""
    return Staff(client, await new_user("judge", role=UserRole.MODERATOR))


@pytest.fixture
async def other_moderator(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """A colleague."""
    return Staff(client, await new_user("jury", role=UserRole.MODERATOR))


@pytest.fixture
def author(client: httpx.AsyncClient, user: Person) -> Reader:
    """Whose things are reported."""
    return Reader(client, user)


async def only_case(staff: Staff, **query: Any) -> dict[str, Any]:
    """The one case that there is."""
    (case,) = (await staff.get("cases", **query))["items"]
    found: dict[str, Any] = case
    return found


async def news_of(database: Database, person: Person) -> list[tuple[str, str]]:
    """What somebody is about to hear: (kind, subject type)."""
    async with database.transaction() as session:
        payloads = await session.scalars(
            select(JobRow.payload).where(JobRow.kind == JobKind.NOTIFY).order_by(JobRow.id)
        )
        return [
            (payload["kind"], payload["subject_type"])
            for payload in payloads
            if str(person.user_id) in payload["user_ids"]
        ]


async def test_the_dozenth_report_is_taken_like_the_first(
    client: httpx.AsyncClient, author: Reader, other_user: Person
) -> None:
    """From its sixth execution on PostgreSQL plans a statement without looking at its values."""
    for number in range(12):
        post = await author.publish(f"Buy now! {number}")
        await reported(client, other_user, "feed_post", post)


async def test_reports_of_one_thing_are_one_case(
    client: httpx.AsyncClient,
    author: Reader,
    other_user: Person,
    moderator: Staff,
    new_user: NewPerson,
) -> None:
    post = await author.publish("Buy now!")
    await reported(client, other_user, "feed_post", post, text="He said it before.")
    again = await reported(client, other_user, "feed_post", post, reason="fraud", text="Again.")
    third = await new_user("edsger")
    await reported(client, third, "feed_post", post)
    case = await only_case(moderator)
    assert (case["subject_type"], case["subject_id"]) == ("feed_post", post)
    assert (case["status"], case["report_count"]) == ("open", 2)
    assert case["owner_handle"] == "ada"
    reports = (await moderator.get(f"cases/{case['id']}/reports"))["items"]
    assert [(one["reason"], one["text"]) for one in reports] == [("spam", ""), ("fraud", "Again.")]
    assert reports[0]["seen"] == {"text": "Buy now!", "media_ids": []}
    own = told(await client.get("/v1/reports", headers=other_user.headers))["items"]
    assert own == [again]


@pytest.mark.parametrize("kind", ["feed_post", "comment", "message", "listing", "user"])
async def test_what_is_not_there_cannot_be_reported(
    client: httpx.AsyncClient, other_user: Person, kind: str
) -> None:
    await reported(client, other_user, kind, uuid4(), status=404)


async def test_ones_own_is_not_reported(client: httpx.AsyncClient, author: Reader) -> None:
    post = await author.publish("Bread.")
    assert author.person is not None
    await reported(client, author.person, "feed_post", post, status=409)
    await reported(client, author.person, "user", author.person.user_id, status=409)


async def test_messages_are_reported_by_those_who_read_them_only(
    client: httpx.AsyncClient,
    user: Person,
    other_user: Person,
    moderator: Staff,
    new_user: NewPerson,
) -> None:
    chat = Chat(client)
    conversation = await chat.direct(user, other_user)
    message = (await chat.send(user, conversation, "You fool."))["id"]
    await reported(client, await new_user("edsger"), "message", message, status=404)
    await reported(client, other_user, "message", message, reason="harassment")
    await chat.ask("DELETE", f"/conversations/{conversation}/messages/{message}", user)
    case = await only_case(moderator)
    (report,) = (await moderator.get(f"cases/{case['id']}/reports"))["items"]
    assert report["seen"]["text"] == "You fool.", "deleting it does not hide it from moderators"


async def test_who_is_blocked_can_be_reported_all_the_same(
    client: httpx.AsyncClient, author: Reader, other_user: Person
) -> None:
    post = await author.publish("Buy now!")
    reader = Reader(client, other_user)
    await reader.put(f"users/{author.id}/block")
    await reported(client, other_user, "feed_post", post)
    await reported(client, other_user, "user", author.id)


async def test_a_removed_feed_post_is_gone_and_its_author_hears_why(
    client: httpx.AsyncClient,
    author: Reader,
    user: Person,
    other_user: Person,
    moderator: Staff,
    database: Database,
) -> None:
    post = await author.publish("Buy now! #bread")
    await reported(client, other_user, "feed_post", post)
    case = await only_case(moderator)
    resolved = await moderator.resolve(case["id"], "remove")
    assert (resolved["status"], resolved["decision"]) == ("resolved", "remove")
    assert resolved["resolved_by"] == str(moderator.person.user_id)
    passer_by = Reader(client, None)
    assert (await passer_by.ask("GET", f"posts/{post}")).status_code == 404
    assert await author.texts(f"users/{author.id}/posts") == []
    assert await passer_by.texts("hashtags/bread/posts") == []
    assert await news_of(database, user) == [("content_removed", "feed_post")]
    (decision,) = told(await client.get("/v1/decisions", headers=user.headers))["items"]
    assert (decision["decision"], decision["reason"]) == ("remove", WHY["reason"])
    assert set(decision) == {
        "id",
        "subject_type",
        "subject_id",
        "decision",
        "reason",
        "decided_at",
    }, "neither who reported nor who decided"
    (mine,) = told(await client.get("/v1/reports", headers=other_user.headers))["items"]
    assert (mine["status"], mine["decision"]) == ("resolved", "remove")
    acts = [(one.act, one.subject_type) for one in await audited(database)]
    assert acts == [("resolve_case", "case"), ("remove_content", "feed_post")]


async def test_a_removed_comment_is_gone_and_not_counted(
    client: httpx.AsyncClient, author: Reader, other_user: Person, moderator: Staff
) -> None:
    post = await author.publish("Bread.")
    comment = await author.comment(post, "Buy now!")
    await author.comment(post, "No.", reply_to=comment)
    await reported(client, other_user, "comment", comment)
    await moderator.post(f"users/{author.id}/suspend", WHY)
    await moderator.resolve((await only_case(moderator))["id"], "remove")
    await moderator.post(f"users/{author.id}/restore", WHY)
    reader = Reader(client, other_user)
    assert await reader.texts(f"posts/{post}/comments") == []
    assert (await reader.get(f"posts/{post}"))["comment_count"] == 0


async def test_a_removed_message_is_deleted_for_all(
    client: httpx.AsyncClient, user: Person, other_user: Person, moderator: Staff
) -> None:
    chat = Chat(client)
    conversation = await chat.direct(user, other_user)
    message = (await chat.send(user, conversation, "You fool."))["id"]
    await reported(client, other_user, "message", message)
    await moderator.resolve((await only_case(moderator))["id"], "remove")
    shown = (await chat.read(f"/conversations/{conversation}/messages", other_user))["items"]
    assert [(one["text"], one["deleted_at"] is not None) for one in shown] == [("", True)]
    last = (await chat.events(other_user, conversation))["events"][-1]
    assert last["kind"] == "message_deleted"
    assert last["actor_id"] == str(user.user_id), "which moderator it was is nobody's business"


async def test_a_removed_listing_is_hidden_and_can_be_put_back(
    client: httpx.AsyncClient,
    user: Person,
    other_user: Person,
    moderator: Staff,
    database: Database,
) -> None:
    async with database.transaction() as session:
        listing = await offer(session, user)
    await reported(client, other_user, "listing", listing)
    await moderator.resolve((await only_case(moderator))["id"], "remove")
    (shown,) = (await moderator.get("listings", status="removed"))["items"]
    assert (shown["id"], shown["removal_reason"]) == (listing, WHY["reason"])
    assert await news_of(database, user) == [("content_removed", "listing")]
    await moderator.post(f"listings/{listing}/restore", WHY)
    (shown,) = (await moderator.get("listings", seller_id=str(user.user_id)))["items"]
    assert (shown["status"], shown["removal_reason"]) == ("active", None)
    await moderator.post(f"listings/{uuid4()}/remove", WHY, status=404)


async def test_what_is_gone_already_can_be_resolved(
    client: httpx.AsyncClient, author: Reader, other_user: Person, moderator: Staff
) -> None:
    post = await author.publish("Buy now!")
    await reported(client, other_user, "feed_post", post)
    await author.drop(f"posts/{post}")
    resolved = await moderator.resolve((await only_case(moderator))["id"], "remove")
    assert resolved["status"] == "resolved"


async def test_a_warning_leaves_it_there(
    client: httpx.AsyncClient,
    author: Reader,
    user: Person,
    other_user: Person,
    moderator: Staff,
    database: Database,
) -> None:
    post = await author.publish("Buy now!")
    await reported(client, other_user, "feed_post", post)
    await moderator.resolve((await only_case(moderator))["id"], "warn")
    assert await author.get(f"posts/{post}")
    assert await news_of(database, user) == [("warning", "feed_post")]


async def test_nothing_is_told_when_nothing_is_done_and_further_reports_open_another_case(
    client: httpx.AsyncClient,
    author: Reader,
    user: Person,
    other_user: Person,
    moderator: Staff,
    database: Database,
) -> None:
    post = await author.publish("Bread.")
    await reported(client, other_user, "feed_post", post)
    first = await only_case(moderator)
    await moderator.resolve(first["id"], "nothing")
    assert await news_of(database, user) == []
    assert told(await client.get("/v1/decisions", headers=user.headers))["items"] == []
    await moderator.resolve(first["id"], "remove", status=409)
    await reported(client, other_user, "feed_post", post)
    assert (await only_case(moderator, status="open"))["id"] != first["id"]
    assert (await only_case(moderator, status="resolved"))["id"] == first["id"]


async def test_resolving_with_a_suspension_shuts_out_and_cannot_hit_staff(
    client: httpx.AsyncClient,
    user: Person,
    other_user: Person,
    moderator: Staff,
    other_moderator: Staff,
    database: Database,
) -> None:
    await reported(client, other_user, "user", other_moderator.person.user_id)
    await moderator.resolve((await only_case(moderator))["id"], "suspend", status=403)
    assert await audited(database) == [], "all of it or nothing"
    await reported(client, other_user, "user", user.user_id)
    case = await only_case(moderator, owner_id=str(user.user_id))
    await moderator.resolve(case["id"], "remove", status=422)
    await moderator.resolve(case["id"], "suspend")
    assert (await client.get("/v1/users/me", headers=user.headers)).status_code == 403
    acts = {(one.act, one.subject_type) for one in await audited(database)}
    assert acts == {("resolve_case", "case"), ("suspend_user", "user")}


async def test_a_taken_case_is_left_alone_until_it_is_given_back(
    client: httpx.AsyncClient,
    author: Reader,
    other_user: Person,
    moderator: Staff,
    other_moderator: Staff,
    new_user: NewPerson,
) -> None:
    await reported(client, other_user, "feed_post", await author.publish("Buy now!"))
    case = (await only_case(moderator))["id"]
    taken = await moderator.post(f"cases/{case}/take")
    assert (taken["status"], taken["taken_by"]) == ("taken", str(moderator.person.user_id))
    await moderator.post(f"cases/{case}/take")
    for act in ("take", "give-back"):
        await other_moderator.post(f"cases/{case}/{act}", status=409)
    await other_moderator.resolve(case, "nothing", status=409)
    assert (await only_case(moderator, taken_by=str(moderator.person.user_id)))["id"] == case
    await moderator.post(f"cases/{case}/give-back")
    assert (await other_moderator.post(f"cases/{case}/take"))["status"] == "taken"
    admin = Staff(client, await new_user("root", role=UserRole.ADMIN))
    assert (await admin.resolve(case, "nothing"))["status"] == "resolved"


async def test_nobody_judges_what_is_said_of_themselves(
    client: httpx.AsyncClient, user: Person, moderator: Staff
) -> None:
    await reported(client, user, "user", moderator.person.user_id)
    case = (await only_case(moderator))["id"]
    await moderator.post(f"cases/{case}/take", status=409)
    await moderator.resolve(case, "nothing", status=409)


async def test_the_queue_neither_skips_nor_repeats_and_reads_an_index(
    client: httpx.AsyncClient,
    user: Person,
    moderator: Staff,
    database: Database,
    database_dsn: str,
) -> None:
    kinds = ("feed_post", "comment", "message")
    rows = [
        {
            "id": new_id(),
            "subject_type": kinds[number % 3],
            "subject_id": new_id(),
            "owner_id": user.user_id,
            "status": "open",
        }
        for number in range(6_000)
    ]
    async with database.transaction() as session:
        await session.execute(insert(ReportCaseRow), rows)
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("ANALYZE")
    await connection.close()
    first = await moderator.get("cases", status="open", limit=100)
    second = await moderator.get("cases", status="open", limit=100, cursor=first["next_cursor"])
    seen = [UUID(one["id"]) for one in (*first["items"], *second["items"])]
    assert seen == [row["id"] for row in reversed(rows)][:200]
    for query in (
        {},
        {"status": "resolved"},
        {"status": "open", "subject_type": "listing"},
        {"owner_id": str(moderator.person.user_id)},
        {"taken_by": str(moderator.person.user_id)},
    ):
        with sent_to(database) as sent:
            await moderator.get("cases", **query)
        asked = [one for one in sent if "report_cases" in one[0]]
        assert asked
        assert not await whole_reads(database_dsn, asked, {"report_cases"}), query
