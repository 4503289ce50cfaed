"""Registered people, straight in the tables: who follows whom, what they wrote, who talks."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from api.workspaces.service import WorkspaceService
from bench.concurrency import each
from bench.contenders.punctual_client import PunctualFailed
from bench.social.plan import Conversation, Resident
from networks.http_client import HttpClient
from storage.database import Database

CIRCLE: Final = 5
"""People who talk in one group; each also talks with one other person alone."""
OFFICE: Final = 10
"""Editors of one workspace, and the number of people is a multiple of it."""
FOLLOWED: Final = 20
"""People whom each follows, besides the page of their workspace."""
POSTS_EACH: Final = 4
"""Posts of each before the first round of anybody."""

_PEOPLE: Final = (
    """INSERT INTO users (id, handle, display_name, email, password_hash)
       SELECT uuidv7(), 'person' || n, 'Person ' || n, 'person' || n || '@example.org',
              CAST(:password_hash AS text)
       FROM generate_series(0, CAST(:people AS int) - 1) AS n""",
    """CREATE TEMPORARY TABLE crowd ON COMMIT DROP AS
       SELECT id, CAST(substr(handle, 7) AS int) AS n FROM users WHERE handle LIKE 'person%'""",
    """INSERT INTO memberships (id, workspace_id, user_id, role)
       SELECT uuidv7(), p.workspace_id, c.id, 'editor'
       FROM crowd c JOIN users u ON u.handle = 'office' || c.n / CAST(:office AS int)
       JOIN feed_profiles p ON p.user_id = u.id""",
)

_FEED: Final = (
    """INSERT INTO feed_posts (id, author_id, publish_key, text, media)
       SELECT uuidv7(), id, id || '-' || post, repeat('Fresh bread, as every day. ', 5) || '#bread',
              jsonb_build_object('items', jsonb_build_array())
       FROM generate_series(1, CAST(:posts_each AS int)) AS post, crowd""",
    """INSERT INTO feed_hashtags (hashtag, post_id) SELECT 'bread', id FROM feed_posts""",
    """INSERT INTO feed_entries (id, post_id, author_id, actor_id, on_read, spread_at)
       SELECT id, id, author_id, author_id, false, now() FROM feed_posts""",
    """INSERT INTO follows (follower_id, followee_id, id)
       SELECT r.id, a.id, uuidv7() FROM crowd r JOIN crowd a ON a.id <> r.id
         AND (a.n + r.n * 37) % CAST(:people AS int) < :followed
       UNION ALL
       SELECT m.user_id, p.user_id, uuidv7()
       FROM memberships m JOIN feed_profiles p ON p.workspace_id = m.workspace_id""",
    """INSERT INTO feed_profiles (user_id, follower_count, following_count)
       SELECT id, (SELECT count(*) FROM follows WHERE followee_id = users.id),
              (SELECT count(*) FROM follows WHERE follower_id = users.id) FROM users
       ON CONFLICT (user_id) DO UPDATE SET follower_count = excluded.follower_count""",
    """INSERT INTO home_entries (user_id, entry_id, actor_id, post_id)
       SELECT f.follower_id, e.id, e.actor_id, e.post_id
       FROM feed_entries e JOIN follows f ON f.followee_id = e.actor_id
       UNION ALL SELECT actor_id, id, actor_id, post_id FROM feed_entries""",
)

_CHAT: Final = (
    """CREATE TEMPORARY TABLE talks ON COMMIT DROP AS
       SELECT uuidv7() AS id, 'group' AS kind, n / CAST(:circle AS int) AS number, id AS owner
       FROM crowd WHERE n % CAST(:circle AS int) = 0
       UNION ALL SELECT uuidv7(), 'direct', n / 2, id FROM crowd WHERE n % 2 = 0""",
    """CREATE TEMPORARY TABLE talkers ON COMMIT DROP AS
       SELECT t.id AS talk, c.id AS user_id,
              CASE WHEN kind = 'group' AND c.id = owner THEN 'owner' ELSE 'member' END AS role
       FROM talks t JOIN crowd c
         ON number = c.n / CASE kind WHEN 'group' THEN CAST(:circle AS int) ELSE 2 END""",
    """INSERT INTO conversations (id, kind, title, direct_key, created_by, member_count)
       SELECT t.id, kind, CASE kind WHEN 'group' THEN 'Friends ' || number END,
              CASE kind WHEN 'direct'
                        THEN min(CAST(user_id AS text)) || ':' || max(CAST(user_id AS text)) END,
              owner, count(*)
       FROM talks t JOIN talkers ON talk = t.id GROUP BY t.id, kind, number, owner""",
    """INSERT INTO conversation_members (conversation_id, user_id, role)
       SELECT talk, user_id, role FROM talkers""",
)

_RESIDENTS: Final = """
    SELECT u.id, u.email, m.workspace_id, a.id AS account_id
    FROM users u JOIN memberships m ON m.user_id = u.id
    JOIN accounts a ON a.workspace_id = m.workspace_id ORDER BY CAST(substr(u.handle, 7) AS int)"""

_TALKERS: Final = "SELECT conversation_id, user_id FROM conversation_members"


async def settle_people(
    database: Database, http: HttpClient, *, api: str, people: int, password_hash: str
) -> tuple[Resident, ...]:
    """Fill a database that nobody is in yet; `people` is a multiple of OFFICE.

    Everybody has the same password, so that its slow hash is made once; signing in costs the same.
    Raises PunctualFailed.
    """
    await each(8, range(people // OFFICE), lambda n: _open_office(database, http, api, n))
    numbers = {
        "people": people,
        "password_hash": password_hash,
        "office": OFFICE,
        "posts_each": POSTS_EACH,
        "followed": FOLLOWED,
        "circle": CIRCLE,
    }
    async with database.transaction() as session:
        for statement in (*_PEOPLE, *_FEED, *_CHAT):
            asked = {name: one for name, one in numbers.items() if f":{name}" in statement}
            await session.execute(text(statement), asked)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
        residents = (await session.execute(text(_RESIDENTS))).all()
        talkers = (await session.execute(text(_TALKERS))).all()
    return _told(residents, talkers)


async def _open_office(database: Database, http: HttpClient, api: str, number: int) -> None:
    """A workspace with a page on the feed."""
    _, key = await WorkspaceService(database).create(f"Office {number}")
    handle = f"office{number}"
    body = {"network": "feed", "credentials": {"handle": handle, "display_name": handle}}
    answer = await http.request("POST", f"{api}/v1/accounts", bearer=str(key), json=body)
    if answer.status != 201:
        raise PunctualFailed(f"connecting {handle}: {answer.status} {answer.body[:300]!r}")


def _told(residents: Sequence[Any], talkers: Sequence[Any]) -> tuple[Resident, ...]:
    members: dict[UUID, list[str]] = {}
    joined: dict[UUID, list[UUID]] = {}
    for talk, user_id in talkers:
        members.setdefault(talk, []).append(str(user_id))
        joined.setdefault(user_id, []).append(talk)
    return tuple(
        Resident(
            user_id=str(one.id),
            email=one.email,
            workspace_id=str(one.workspace_id),
            account_id=str(one.account_id),
            conversations=tuple(
                Conversation(id=str(talk), members=tuple(members[talk])) for talk in joined[one.id]
            ),
        )
        for one in residents
    )
