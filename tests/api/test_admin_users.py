"""Users as moderators find, suspend and restore them, and what stops and waits meanwhile."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import text, update

from api.app import create_app
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.roles import UserRole, WorkspaceRole
from runtime.settings import Settings
from storage import members
from storage.database import Database
from storage.gate import Gate
from storage.post_status import lock_posts
from storage.posts import Post
from storage.tables import AccountRow, PostRevisionRow, UserRow
from tests.api.admins import WHY, Staff
from tests.api.conftest import NewPerson, Person, serving
from tests.api.feed_actors import many_users
from tests.mail_server import MailServer
from tests.patience import PATIENCE
from tests.realtime.socket_client import ConnectRefused, connected
from tests.sent_statements import sent_to, whole_reads
from tests.storage.held_posts import Publishing, Refused, candidates, later, now


@pytest.fixture
async def admin(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """Who may do everything."""
    return Staff(client, await new_user("root", role=UserRole.ADMIN))


@pytest.fixture
async def moderator(client: httpx.AsyncClient, new_user: NewPerson) -> Staff:
    """Who judges what people put there."""
    return Staff(client, await new_user("judge", role=UserRole.MODERATOR))


class GatedPublishing(Publishing):
    """Asks everything that is asked before a claim."""

    async def claim(self, made: Sequence[Post], *, at: datetime | None = None) -> Refused:
        """What a claim of them is answered."""
        gate = Gate({}, self.rules, lambda: at or now())
        async with self.database.transaction() as session:
            await lock_posts(session, [post.id for post in made])
            return dict(await gate.refused(session, candidates(made)))

    async def written_by(self, author: UUID, made: Sequence[Post]) -> None:
        """Say who wrote them."""
        async with self.database.transaction() as session:
            await session.execute(
                update(PostRevisionRow)
                .where(PostRevisionRow.post_id.in_([post.id for post in made]))
                .values(created_by=author)
            )


@pytest.fixture
def publishing(database: Database) -> GatedPublishing:
    """Workers at the tables."""
    return GatedPublishing(database)


async def handles(staff: Staff, q: str, **query: Any) -> list[str]:
    """Who is found."""
    found = await staff.get("users/search", q=q, **query)
    return [one["handle"] for one in found["items"]]


async def test_people_are_found_by_how_handle_or_address_begins(
    moderator: Staff, new_user: NewPerson
) -> None:
    for handle in ("Adam", "adele", "ad_min", "bob"):
        await new_user(handle)
    assert await handles(moderator, "AD") == ["ad_min", "Adam", "adele"]
    assert await handles(moderator, "@adam") == ["Adam"]
    assert await handles(moderator, "bob@example") == ["bob"]
    assert await handles(moderator, "ad%") == []
    first = await moderator.get("users/search", q="ad", limit=2)
    rest = await moderator.get("users/search", q="ad", limit=2, cursor=first["next_cursor"])
    assert [one["handle"] for one in (*first["items"], *rest["items"])] == [
        "ad_min",
        "Adam",
        "adele",
    ]
    assert rest["next_cursor"] is None
    refused = await moderator.ask("GET", "users/search", params={"q": "a", "cursor": "%%%"})
    assert refused.status_code == 422


async def test_users_are_listed_newest_first_and_by_state(
    moderator: Staff, user: Person, other_user: Person
) -> None:
    await moderator.post(f"users/{user.user_id}/suspend", WHY)
    listed = (await moderator.get("users"))["items"]
    assert [one["handle"] for one in listed] == ["grace", "ada", "judge"]
    suspended = (await moderator.get("users", suspended=True))["items"]
    assert [(one["handle"], one["suspension_reason"]) for one in suspended] == [
        ("ada", WHY["reason"])
    ]
    staff = (await moderator.get("users", role="moderator"))["items"]
    assert [one["handle"] for one in staff] == ["judge"]


async def test_thousands_of_users_are_searched_by_an_index(
    moderator: Staff, database: Database, database_dsn: str
) -> None:
    await many_users(database, [f"user{number}" for number in range(5_000)])
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("ANALYZE")
    await connection.close()
    for path, query in (
        ("users", {}),
        ("users", {"suspended": True}),
        ("users", {"role": "admin"}),
        ("users/search", {"q": "user49"}),
        ("users/search", {"q": "user49@"}),
    ):
        with sent_to(database) as sent:
            await moderator.get(path, **query)
        asked = [one for one in sent if "FROM users" in one[0]]
        assert asked
        assert not await whole_reads(database_dsn, asked, {"users"}), (path, query)


async def test_moderators_do_not_judge_staff_and_nobody_themselves(
    admin: Staff, moderator: Staff, user: Person
) -> None:
    for by, person, status in (
        (moderator, admin.person, 403),
        (moderator, moderator.person, 409),
        (admin, admin.person, 409),
        (admin, moderator.person, 200),
    ):
        answer = await by.ask("POST", f"users/{person.user_id}/suspend", json=WHY)
        assert answer.status_code == status
    shut_out = await moderator.ask("POST", f"users/{user.user_id}/suspend", json=WHY)
    assert (shut_out.status_code, shut_out.json()["type"]) == (403, "/problems/suspended")


async def test_sockets_and_tokens_of_a_suspended_user_stop_at_once(
    settings: Settings, admin: Staff, user: Person
) -> None:
    async with (
        serving(create_app(settings)) as url,
        httpx.AsyncClient(base_url=url) as elsewhere,
        connected(url, {"token": user.access_token}) as socket,
    ):
        assert (await elsewhere.get("/v1/users/me", headers=user.headers)).status_code == 200
        await admin.post(f"users/{user.user_id}/suspend", WHY)
        assert await socket.seen("closed") == {"reason": "suspended"}
        async with asyncio.timeout(PATIENCE):
            await socket.closed.wait()
        refused = await elsewhere.get("/v1/users/me", headers=user.headers)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/suspended")
        with pytest.raises(ConnectRefused):
            async with connected(url, {"token": user.access_token}):
                pass
        refreshed = await elsewhere.post(
            "/v1/auth/refresh", json={"refresh_token": user.refresh_token}
        )
        assert refreshed.status_code in {401, 403}


async def test_the_reason_is_told_by_mail_once(
    mailing_client: httpx.AsyncClient, mail_server: MailServer, new_user: NewPerson, user: Person
) -> None:
    admin = Staff(mailing_client, await new_user("root", role=UserRole.ADMIN))
    await admin.post(f"users/{user.user_id}/suspend", WHY)
    letter = await mail_server.letter_to(user.email)
    assert WHY["reason"] in letter.text
    await admin.post(f"users/{user.user_id}/suspend", {"reason": "Still does."})
    await admin.post(f"users/{user.user_id}/restore", WHY)
    await admin.post(f"users/{user.user_id}/suspend", {"reason": "Does it again."})
    assert "Does it again." in (await mail_server.letter_to(user.email, count=2)).text
    assert len(mail_server.to(user.email)) == 2


async def test_what_a_suspended_user_wrote_is_held_and_goes_out_when_they_are_restored(
    admin: Staff, user: Person, other_user: Person, publishing: GatedPublishing
) -> None:
    workspace = await publishing.workspace()
    account = await publishing.account(workspace)
    theirs = await publishing.write(workspace, account, number=2)
    others = await publishing.write(workspace, account)
    await publishing.written_by(user.user_id, theirs)
    await publishing.written_by(other_user.user_id, others)
    assert await publishing.claim([*theirs, *others]) == {}
    await admin.post(f"users/{user.user_id}/suspend", WHY)
    refused = await publishing.ask([*theirs, *others])
    assert set(refused) == {post.deliveries[0].id for post in theirs}
    reason = refused[theirs[0].deliveries[0].id].reason
    assert (reason.type, reason.evidence["by"]) == ("held", "suspension")
    assert WHY["reason"] not in reason.message, "colleagues need not know why"
    assert await publishing.release(at=later(seconds=5)) == 0
    assert await publishing.resumed() == []

    restored = await admin.post(f"users/{user.user_id}/restore", WHY)
    assert restored["resumed_deliveries"] == 2
    await publishing.release(at=later(seconds=5))
    await publishing.release(at=later(seconds=10))
    assert set(await publishing.resumed()) == {post.deliveries[0].id for post in theirs}
    await publishing.arm(theirs)
    assert await publishing.claim(theirs) == {}


async def test_a_colleague_who_edits_a_held_post_answers_for_it(
    admin: Staff, user: Person, other_user: Person, publishing: GatedPublishing
) -> None:
    workspace = await publishing.workspace()
    made = await publishing.write(workspace, await publishing.account(workspace))
    await publishing.written_by(user.user_id, made)
    await admin.post(f"users/{user.user_id}/suspend", WHY)
    assert await publishing.ask(made)
    await publishing.written_by(other_user.user_id, made)
    await publishing.arm(made)
    assert await publishing.ask(made) == {}


async def test_what_goes_to_a_feed_account_that_speaks_for_them_is_held_whoever_wrote_it(
    admin: Staff, user: Person, publishing: GatedPublishing, database: Database
) -> None:
    workspace = await publishing.workspace()
    account = await publishing.account(workspace, Network.FEED)
    async with database.transaction() as session:
        await session.execute(
            update(AccountRow)
            .where(AccountRow.id == account.account_id)
            .values(remote_id=str(user.user_id))
        )
    page = await publishing.account(workspace, Network.FEED)
    made = await publishing.write(workspace, account)
    elsewhere = await publishing.write(workspace, page)
    await admin.post(f"users/{user.user_id}/suspend", WHY)
    assert set(await publishing.ask([*made, *elsewhere])) == {made[0].deliveries[0].id}
    restored = await admin.post(f"users/{user.user_id}/restore", WHY)
    assert restored["resumed_deliveries"] == 1


async def test_a_workspace_is_held_when_all_its_owners_are_suspended(
    admin: Staff, user: Person, other_user: Person, publishing: GatedPublishing, database: Database
) -> None:
    workspace = await publishing.workspace()
    async with database.transaction() as session:
        for owner in (user, other_user):
            await members.add(session, workspace, owner.user_id, WorkspaceRole.OWNER)
    by_key = await publishing.write(workspace, await publishing.account(workspace))
    await admin.post(f"users/{user.user_id}/suspend", WHY)
    assert await publishing.ask(by_key) == {}
    await admin.post(f"users/{other_user.user_id}/suspend", WHY)
    assert set(await publishing.ask(by_key)) == {by_key[0].deliveries[0].id}
    assert (await publishing.stored(by_key[0])).status is DeliveryStatus.DEFERRED
    restored = await admin.post(f"users/{other_user.user_id}/restore", WHY)
    assert restored["resumed_deliveries"] == 1


async def test_a_restore_waits_for_a_claim_that_holds(
    admin: Staff, user: Person, publishing: GatedPublishing, database: Database
) -> None:
    workspace = await publishing.workspace()
    made = await publishing.write(workspace, await publishing.account(workspace))
    await publishing.written_by(user.user_id, made)
    await admin.post(f"users/{user.user_id}/suspend", WHY)
    gate = Gate({}, publishing.rules, now)
    async with database.transaction() as session:
        assert await gate.refused(session, candidates(made))
        restoring = asyncio.create_task(admin.post(f"users/{user.user_id}/restore", WHY))
        await _is_waiting(database)
        assert not restoring.done()
    assert (await restoring)["resumed_deliveries"] == 1


async def test_that_nobody_is_suspended_costs_one_statement_and_no_long_read(
    database: Database, database_dsn: str, publishing: GatedPublishing
) -> None:
    await many_users(database, [f"user{number}" for number in range(3_000)])
    async with database.transaction() as session:
        await session.execute(
            update(UserRow).where(UserRow.handle.like("user1%")).values(suspended_at=now())
        )
    workspace = await publishing.workspace()
    account = await publishing.account(workspace)
    made = await publishing.write(workspace, account, number=4_000)
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("ANALYZE")
    await connection.close()
    with sent_to(database) as sent:
        assert await publishing.claim(made[:10]) == {}
    asked = [one for one in sent if "post_revisions" in one[0]]
    assert len(asked) == 1
    tables = {"users", "posts", "post_revisions"}
    assert not await whole_reads(database_dsn, asked, tables)


async def _is_waiting(database: Database) -> None:
    """Return once some transaction waits for another."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.transaction() as session:
                if await session.scalar(query):
                    return
            await asyncio.sleep(0.01)
