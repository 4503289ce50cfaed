"""Whose key it is and what somebody may do is read at each request, for many at a time."""

import asyncio
from uuid import UUID

import pytest

from domain.ids import new_id
from domain.roles import WorkspaceRole
from storage import members, workspaces
from storage.callers import Callers
from storage.database import Database
from storage.users import users
from storage.workspaces import ApiKey, NewApiKey
from tests.sent_statements import sent_to


@pytest.fixture
def callers(database: Database) -> Callers:
    return Callers(database)


@pytest.fixture
async def keys(database: Database) -> list[ApiKey]:
    """Three keys of three workspaces."""
    async with database.transaction() as session:
        return [
            await workspaces.create_key(
                session,
                (await workspaces.create_workspace(session, f"Bakery {number}")).id,
                NewApiKey(
                    name="Website",
                    prefix=f"key{number}",
                    secret_hash=bytes([number]),
                    scopes=frozenset({"posts:read", f"posts:{number}"}),
                ),
            )
            for number in range(3)
        ]


@pytest.fixture
async def ada(database: Database) -> UUID:
    async with database.transaction() as session:
        user = await users.create(
            session, handle="ada", display_name="Ada", email="ada@example.org", password_hash="x"
        )
        assert user is not None
    return user.id


async def test_each_prefix_is_answered_with_its_own_key(
    callers: Callers, keys: list[ApiKey], database: Database
) -> None:
    prefixes = ["key2", "key0", "nobody", "key1", "key0"]
    with sent_to(database) as sent:
        found = await asyncio.gather(*map(callers.key, prefixes))
    assert [one and one.key for one in found] == [keys[2], keys[0], None, keys[1], keys[0]]
    assert [one and one.secret_hash for one in found] == [b"\2", b"\0", None, b"\1", b"\0"]
    assert len(sent) == 1


async def test_a_revoked_key_is_told_as_such_at_once(
    callers: Callers, keys: list[ApiKey], database: Database
) -> None:
    before = await callers.key("key1")
    assert before is not None
    assert before.key.revoked_at is None
    async with database.transaction() as session:
        await workspaces.revoke_key(session, keys[1].workspace_id, keys[1].id)
    after, other = await asyncio.gather(callers.key("key1"), callers.key("key0"))
    assert after is not None
    assert after.key.revoked_at is not None
    assert other is not None
    assert other.key.revoked_at is None


async def test_the_use_of_a_key_is_to_be_noted_once_a_minute(
    callers: Callers, keys: list[ApiKey], database: Database
) -> None:
    async with database.transaction() as session:
        await workspaces.note_use(session, keys[0].id)
    used, unused = await asyncio.gather(callers.key("key0"), callers.key("key1"))
    assert used is not None
    assert not used.use_to_note
    assert unused is not None
    assert unused.use_to_note


async def test_each_is_told_their_own_role(
    callers: Callers, keys: list[ApiKey], ada: UUID, database: Database
) -> None:
    first, second, third = (key.workspace_id for key in keys)
    async with database.transaction() as session:
        await members.add(session, first, ada, WorkspaceRole.OWNER)
        await members.add(session, third, ada, WorkspaceRole.VIEWER)
    asked = [(third, ada), (second, ada), (first, ada), (first, new_id())]
    with sent_to(database) as sent:
        roles = await asyncio.gather(*(callers.role(*one) for one in asked))
    assert roles == [WorkspaceRole.VIEWER, None, WorkspaceRole.OWNER, None]
    assert len(sent) == 1
