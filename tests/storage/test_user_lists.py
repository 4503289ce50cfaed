"""What is read about users is read by an index, in one statement, however many there are."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.roles import WorkspaceRole
from storage import members
from storage.database import Database
from storage.tables import MembershipRow, SessionRow, UserRow, WorkspaceRow
from storage.users import sessions, users
from storage.users.sessions import EndReason
from tests.sent_statements import sent_to, whole_reads

MANY = 3_000
"""Users with a session and a workspace each: reading them all would cost more than an index."""

TABLES = ("users", "sessions", "memberships", "workspaces")

Read = Callable[[AsyncSession, UUID], Awaitable[object]]

READS: dict[str, Read] = {
    "sign-in": lambda session, _: users.find_by_email(session, "user7@example.org"),
    "profile": lambda session, _: users.find_by_handle(session, "USER7"),
    "registration": lambda session, _: users.taken(
        session, handle="USER7", email="user8@example.org"
    ),
    "each request": lambda session, each: sessions.find_owner(session, each, each),
    "sessions": lambda session, each: sessions.list_open(session, each, before=each, limit=26),
    "membership": lambda session, each: members.role_of(session, each, each),
    "members": lambda session, each: members.list_of_workspace(
        session, each, before=each, limit=26
    ),
    "workspaces": lambda session, each: members.list_of_user(session, each, before=each, limit=26),
    "owners": members.lock_owners,
    "all sessions end": lambda session, each: sessions.end_all(
        session, each, reason=EndReason.REVOKED
    ),
}

STATEMENTS = {"owners": 2, "all sessions end": 2}
"""How many each sends, when it is not one: the workspace's lock; the word to other processes."""


@pytest.mark.parametrize("read", READS)
async def test_it_takes_an_index_and_one_statement(
    database: Database, database_dsn: str, read: str
) -> None:
    ids = [new_id() for _ in range(MANY)]
    async with database.transaction() as session:
        await session.execute(
            insert(UserRow),
            [
                {
                    "id": each,
                    "handle": f"user{number}",
                    "display_name": "User",
                    "email": f"user{number}@example.org",
                }
                for number, each in enumerate(ids)
            ],
        )
        await session.execute(insert(WorkspaceRow), [{"id": each, "name": "W"} for each in ids])
        await session.execute(
            insert(SessionRow).values(expires_at=func.now() + timedelta(days=1)),
            [{"id": each, "user_id": each, "device": "", "address": ""} for each in ids],
        )
        await session.execute(
            insert(MembershipRow),
            [
                {"id": each, "workspace_id": each, "user_id": each, "role": WorkspaceRole.OWNER}
                for each in ids
            ],
        )
        await session.execute(text(f"ANALYZE {', '.join(TABLES)}"))
    with sent_to(database) as sent:
        async with database.transaction() as session:
            await READS[read](session, ids[7])
    assert len(sent) == STATEMENTS.get(read, 1)
    assert await whole_reads(database_dsn, sent, TABLES) == set()
