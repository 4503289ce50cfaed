"""A full feed, straight in the tables: authors, readers, somebody whom 100,000 people follow.

Its posts are of the last day, as in a feed that is read, and not of the second when it was filled.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from domain.roles import UserRole
from storage.database import Database
from storage.tables import UserRow
from storage.users import sessions
from storage.users.access_tokens import AccessTokens

AUTHORS: Final = 5_000
BUSY: Final = 50
"""Of the authors: their entries are looked up."""
POSTS_EACH: Final = 4
READERS: Final = 50
FOLLOWED: Final = 100
"""Authors whom an ordinary reader follows."""
FANS: Final = 100_000
ORDINARY_FANS: Final = 5_000
"""Followers of somebody whose posts are still written to each of them."""

_NUMBERS: Final = {
    "authors": AUTHORS,
    "busy": BUSY,
    "posts_each": POSTS_EACH,
    "readers": READERS,
    "followed": FOLLOWED,
    "fans": FANS,
    "ordinary_fans": ORDINARY_FANS,
}

_FILL: Final = (
    """INSERT INTO users (id, handle, display_name)
       SELECT uuidv7(), kind || '_' || n, initcap(kind) || ' ' || n
       FROM (VALUES ('author', CAST(:authors AS int)), ('reader', CAST(:readers AS int)),
                    ('fan', CAST(:fans AS int)), ('heavy', 1), ('star', 1), ('local', 1))
            AS kinds (kind, many), generate_series(1, many) AS n""",
    """CREATE TEMPORARY TABLE crowd ON COMMIT DROP AS
       SELECT id, split_part(handle, '_', 1) AS kind, CAST(split_part(handle, '_', 2) AS int) AS n
       FROM users""",
    """INSERT INTO feed_posts (id, author_id, publish_key, text, media)
       SELECT uuidv7(-random() * interval '1 day'), id, id || '-' || post,
              repeat('Fresh bread, as every day. ', 5),
              jsonb_build_object('items', jsonb_build_array())
       FROM generate_series(1, CAST(:posts_each AS int)) AS post, crowd WHERE kind = 'author'""",
    """INSERT INTO feed_entries (id, post_id, author_id, actor_id, on_read, spread_at)
       SELECT p.id, p.id, author_id, author_id, n <= :busy, now()
       FROM feed_posts p JOIN crowd ON crowd.id = author_id""",
    """INSERT INTO follows (follower_id, followee_id, id)
       SELECT r.id, a.id, uuidv7() FROM crowd r JOIN crowd a ON a.kind = 'author'
       WHERE r.kind = 'heavy'
          OR r.kind = 'reader' AND (a.n + r.n * 37) % CAST(:authors AS int) < :followed""",
    """INSERT INTO follows (follower_id, followee_id, id)
       SELECT f.id, s.id, uuidv7() FROM crowd f JOIN crowd s
         ON s.kind = 'star' OR s.kind = 'local' AND f.n <= :ordinary_fans
       WHERE f.kind = 'fan'""",
    """INSERT INTO feed_profiles (user_id, follower_count, following_count, on_read)
       SELECT id, (SELECT count(*) FROM follows WHERE followee_id = crowd.id),
              (SELECT count(*) FROM follows WHERE follower_id = crowd.id),
              kind = 'author' AND n <= :busy FROM crowd""",
    """INSERT INTO home_entries (user_id, entry_id, actor_id, post_id)
       SELECT f.follower_id, e.id, e.actor_id, e.post_id
       FROM feed_entries e JOIN follows f ON f.followee_id = e.actor_id WHERE NOT e.on_read""",
)


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """Who asks the API."""

    id: UUID
    token: str


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Who acts in the benchmark."""

    readers: list[Somebody]
    heavy: Somebody
    """Follows every author."""
    star: Somebody
    """Has FANS followers."""
    local: Somebody
    """Has ORDINARY_FANS followers."""
    fans: list[UUID]
    """A few of them, the first and the last included."""


async def gather_crowd(database: Database, tokens: AccessTokens) -> Crowd:
    """Fill an empty database."""
    async with database.transaction() as session:
        for statement in _FILL:
            asked = {name: n for name, n in _NUMBERS.items() if f":{name}" in statement}
            await session.execute(text(statement), asked)
    async with database.statement() as connection:
        await connection.execute("VACUUM ANALYZE")  # as PostgreSQL does by itself, a minute later
    async with database.transaction() as session:
        query = select(UserRow.handle, UserRow.id).where(UserRow.handle.not_like("author%"))
        ids = dict(row.tuple() for row in (await session.execute(query)).all())
    return Crowd(
        readers=[
            await _sign_in(database, tokens, ids[f"reader_{number}"])
            for number in range(1, READERS + 1)
        ],
        heavy=await _sign_in(database, tokens, ids["heavy_1"]),
        star=await _sign_in(database, tokens, ids["star_1"]),
        local=await _sign_in(database, tokens, ids["local_1"]),
        fans=[ids[f"fan_{number}"] for number in (1, FANS // 3, FANS // 2, FANS)],
    )


async def _sign_in(database: Database, tokens: AccessTokens, user_id: UUID) -> Somebody:
    async with database.transaction() as session:
        session_id = await sessions.begin(
            session,
            user_id,
            fingerprint=user_id.bytes,
            device="bench",
            address="127.0.0.1",
            lifetime=timedelta(days=1),
        )
    token = tokens.issue(user_id=user_id, session_id=session_id, role=UserRole.USER)
    return Somebody(id=user_id, token=token)
