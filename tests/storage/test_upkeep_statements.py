"""What looks after feeds and notifications reads large tables by an index."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from domain.ids import new_id
from domain.networks import Network
from domain.notifications import NotificationKind
from storage.database import Database
from storage.feed import spreading
from storage.feed.trimming import trim
from storage.media_uses import find as find_uses
from storage.notifications.forgetting import forget_causes, forget_read
from storage.notifications.taking_back import Undone, take_back
from storage.tables import (
    AccountRow,
    FeedPostRow,
    FollowRow,
    HomeEntryRow,
    NotificationCauseRow,
    NotificationRow,
    PresenceRow,
    SocketProcessRow,
    UserRow,
    WorkspaceRow,
)
from storage.users import users
from tests.sent_statements import sent_to, whole_reads

MANY = 3_000
TABLES = [
    "accounts",
    "users",
    "follows",
    "home_entries",
    "feed_posts",
    "notifications",
    "notification_causes",
]
"""Those that are filled below, and that grow."""


async def _people(database: Database, count: int) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    rows = [{"id": one, "handle": one.hex, "display_name": "Somebody"} for one in ids]
    async with database.transaction() as session:
        await session.execute(insert(UserRow), rows)
    return ids


async def _fill(database: Database, people: Sequence[UUID]) -> None:
    author, process, workspace = people[0], new_id(), new_id()
    posts = [new_id() for _ in range(MANY)]
    post_rows = [
        {
            "id": post,
            "author_id": author,
            "publish_key": str(post),
            "text": "Bread.",
            "media": {"items": [{"media_id": str(new_id()), "alt_text": ""}] if number % 3 else []},
        }
        for number, post in enumerate(posts)
    ]
    follows = [{"id": new_id(), "follower_id": one, "followee_id": author} for one in people[1:]]
    home = [
        {"user_id": people[number % 300], "entry_id": post, "actor_id": author, "post_id": post}
        for number, post in enumerate(posts)
    ]
    causes = [
        {"user_id": one, "kind": "like", "subject_id": new_id(), "cause_id": author}
        for one in people
    ]
    notifications = [
        {
            "id": new_id(),
            "user_id": one,
            "kind": "like",
            "subject_type": "feed_post",
            "subject_id": new_id(),
            "position": new_id(),
            "event_count": 1,
            "actor_count": 1,
            "latest_actors": [author],
        }
        for one in people
    ]
    accounts = [
        {
            "id": new_id(),
            "workspace_id": workspace,
            "network": Network.FEED,
            "remote_id": str(one),
            "handle": one.hex,
            "display_name": "Somebody",
            "credentials": b"",
        }
        for one in people
    ]
    there = [{"user_id": one, "process_id": process, "state": "online"} for one in people[1:20]]
    async with database.transaction() as session:
        alive = {"id": process, "alive_until": text("now() + interval '1 hour'")}
        await session.execute(insert(SocketProcessRow).values(**alive))
        await session.execute(insert(FeedPostRow), post_rows)
        await session.execute(insert(FollowRow), follows)
        await session.execute(insert(HomeEntryRow), home)
        await session.execute(insert(NotificationCauseRow), causes)
        await session.execute(insert(NotificationRow), notifications)
        await session.execute(insert(PresenceRow), there)
        await session.execute(insert(WorkspaceRow), [{"id": workspace, "name": "Bakery"}])
        await session.execute(insert(AccountRow), accounts)
        await session.execute(text("UPDATE notifications SET read_at = now() WHERE random() < 0.5"))
    async with database.transaction() as session:
        await session.execute(text(f"ANALYZE {', '.join(TABLES)}, presence"))


@pytest.fixture
async def people(database: Database) -> list[UUID]:
    """Thousands; the first is followed by all the others."""
    people = await _people(database, MANY)
    await _fill(database, people)
    return people


async def test_nothing_reads_a_growing_table_from_end_to_end(
    database: Database, database_dsn: str, people: list[UUID]
) -> None:
    author, fan = people[:2]
    undone = Undone(kind=NotificationKind.LIKE, user_id=fan, actor_id=author, subject_id=new_id())
    async with database.transaction() as session:
        before = (await session.execute(text("SELECT now() - interval '1 day'"))).scalar_one()
    with sent_to(database) as sent:
        async with database.transaction() as session:
            await spreading.list_connected(session, author, after=None, limit=1000)
            await spreading.list_connected(session, author, after=people[5], limit=1000)
            await trim(session, people[:3], kept=5)
            await find_uses(session, new_id())
            await take_back(session, undone)
            await forget_read(session, before=before, limit=1000)
            await forget_causes(session, before=before, limit=1000)
            await users.change(session, fan, handle="fan")
    asked = [one for one in sent if one[0].split()[0] in {"SELECT", "UPDATE", "DELETE", "WITH"}]
    assert len(asked) >= 9
    assert await whole_reads(database_dsn, asked, TABLES) == set()


async def test_connected_followers_come_in_pages(database: Database, people: list[UUID]) -> None:
    async with database.transaction() as session:
        first = await spreading.list_connected(session, people[0], after=None, limit=12)
        rest = await spreading.list_connected(session, people[0], after=first[-1], limit=12)
        nobody = await spreading.list_connected(session, people[1], after=None, limit=12)
    assert (first + rest, nobody) == (sorted(people[1:20]), [])
