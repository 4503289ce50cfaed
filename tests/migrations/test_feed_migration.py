"""The feed became social on a database in use: what was published stays, and goes on."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.alembic_command import alembic
from tests.postgres_server import PostgresServer

WORKSPACE = uuid4()
ACCOUNT, RIVAL = sorted((uuid4(), uuid4()))  # the page goes to the first of them
EARLY, LATE = uuid4(), uuid4()

ANY_WORKSPACE = "INSERT INTO workspaces (id, name) VALUES ($1, 'Corner bakery')"

OLD_ACCOUNT = """
    INSERT INTO accounts (id, workspace_id, network, remote_id, handle, display_name, credentials)
      VALUES ($1, $2, 'feed', $3, $4, 'Corner bakery', '')
"""
"""As version 6 had them: the remote id was the handle."""

OLD_POST = """
    INSERT INTO feed_posts (id, account_id, publish_key, text, media)
      VALUES ($1, $2, $3, $4, '{"items": []}')
      ON CONFLICT (publish_key) DO NOTHING RETURNING id
"""
"""What a worker of that version sends, which knows of no author."""


async def _upgrade(dsn: str, revision: str) -> None:
    code, output = await alembic("upgrade", revision, dsn=dsn)
    assert code == 0, output


@pytest.fixture
async def migrated(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """A database that was in use at version 6, and is at the latest."""
    name = f"migrated_{uuid4().hex}"
    await postgres_server.execute(f"CREATE DATABASE {name}")
    dsn = postgres_server.dsn(name)
    await _upgrade(dsn, "0006")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(ANY_WORKSPACE, WORKSPACE)
        # Two accounts differ by nothing but the case of their handles.
        await connection.execute(OLD_ACCOUNT, ACCOUNT, WORKSPACE, "bakery", "Bakery")
        await connection.execute(OLD_ACCOUNT, RIVAL, WORKSPACE, "bakery2", "bakery")
        assert await connection.fetchval(OLD_POST, EARLY, ACCOUNT, "early", "Bread.") == EARLY
        await _upgrade(dsn, "head")
        yield connection
    finally:
        await connection.close()


async def author_of(connection: asyncpg.Connection, account: UUID) -> UUID:
    """The page that an account speaks for now."""
    return UUID(await connection.fetchval("SELECT remote_id FROM accounts WHERE id = $1", account))


async def test_each_account_speaks_for_a_page_of_its_workspace(
    migrated: asyncpg.Connection,
) -> None:
    pages = await migrated.fetch(
        "SELECT u.handle, u.email, p.workspace_id, a.handle AS account FROM accounts a"
        " JOIN users u ON u.id = a.remote_id::uuid JOIN feed_profiles p ON p.user_id = u.id"
        " WHERE a.id = $1",
        ACCOUNT,
    )
    assert [tuple(page) for page in pages] == [("Bakery", None, WORKSPACE, "Bakery")]
    # Handles are unique whatever their case: the other account publishes for the same page, and
    # keeps its own row, as a page is connected once in a workspace.
    rival = await migrated.fetchrow("SELECT remote_id, handle FROM accounts WHERE id = $1", RIVAL)
    assert rival is not None
    assert tuple(rival) == ("bakery2", "bakery")
    for account in (ACCOUNT, RIVAL):
        page = await migrated.fetchval("SELECT feed_author_of($1)", account)
        assert page == await author_of(migrated, ACCOUNT)


async def test_what_was_published_is_its_pages_and_was_spread(
    migrated: asyncpg.Connection,
) -> None:
    page = await author_of(migrated, ACCOUNT)
    post = await migrated.fetchrow(
        "SELECT author_id, text, like_count, deleted_at FROM feed_posts WHERE id = $1", EARLY
    )
    assert post is not None
    assert tuple(post) == (page, "Bread.", 0, None)
    [entry] = await migrated.fetch(
        "SELECT id, author_id, actor_id, on_read, spread_at IS NOT NULL FROM feed_entries"
    )
    assert tuple(entry) == (EARLY, page, page, False, True)
    assert await migrated.fetchval("SELECT count(*) FROM jobs") == 0


async def test_what_an_old_worker_publishes_reaches_followers_all_the_same(
    migrated: asyncpg.Connection,
) -> None:
    page, follower = await author_of(migrated, ACCOUNT), uuid4()
    late = (LATE, ACCOUNT, "late", "Rolls.")
    await migrated.execute(
        "INSERT INTO users (id, handle, display_name) VALUES ($1, 'ada', 'Ada')", follower
    )
    await migrated.execute(
        "INSERT INTO follows (id, follower_id, followee_id) VALUES ($1, $2, $3)",
        *(uuid4(), follower, page),
    )
    assert await migrated.fetchval(OLD_POST, *late) == LATE
    assert await migrated.fetchval("SELECT author_id FROM feed_posts WHERE id = $1", LATE) == page
    entry = await migrated.fetchrow(
        "SELECT actor_id, on_read, spread_at FROM feed_entries WHERE id = $1", LATE
    )
    assert entry is not None
    assert tuple(entry) == (page, False, None)
    home = await migrated.fetch("SELECT user_id FROM home_entries WHERE entry_id = $1", LATE)
    assert [row["user_id"] for row in home] == [page]  # followers are the job's
    jobs = await migrated.fetch("SELECT kind, subject_id FROM jobs WHERE dead_at IS NULL")
    assert [tuple(job) for job in jobs] == [("fan_out_post", LATE)]
    # Its worker tries again after an answer that was lost: nothing is published or spread twice.
    assert await migrated.fetchval(OLD_POST, *late) is None
    assert await migrated.fetchval("SELECT count(*) FROM feed_entries") == 2
    assert await migrated.fetchval("SELECT count(*) FROM jobs") == 1
