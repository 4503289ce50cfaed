"""What the feed costs the database: a fixed number of statements, and an index for each list."""

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import insert, text

from domain.ids import new_id
from runtime.resources import Resources
from runtime.settings import Settings
from storage.database import Database
from storage.feed import comments, publishing, reactions
from storage.tables import (
    FeedBookmarkRow,
    FeedCommentRow,
    FeedEntryRow,
    FeedHashtagRow,
    FeedLikeRow,
    FeedPostRow,
    FeedPostTrendRow,
    FeedProfileRow,
    FollowRow,
    HomeEntryRow,
)
from tests.api.conftest import NewPerson
from tests.api.feed_actors import Reader, many_users
from tests.api.test_posts_statements import scans, statements_of
from tests.sent_statements import Statement, generic_plan

GROWING = frozenset(
    {
        "blocks",
        "feed_bookmarks",
        "feed_comments",
        "feed_entries",
        "feed_hashtags",
        "feed_likes",
        "feed_post_trends",
        "feed_posts",
        "follows",
        "home_entries",
        "mutes",
        "users",
    }
)
BY_INDEX = frozenset({"Index Scan", "Index Only Scan", "Bitmap Heap Scan"})
USERS, POSTS_EACH, BUSY, FRIENDS = 4_000, 2, 20, 300
"""People, posts of each, how many are looked up, and whom Ada follows and is followed by."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Every list is read anew."""
    return settings.model_copy(update={"feed_cache_enabled": False})


@pytest.fixture
async def ada(client: httpx.AsyncClient, new_user: NewPerson) -> Reader:
    """Who reads."""
    return Reader(client, await new_user("ada"))


@pytest.fixture
async def explainer(database_dsn: str, ada: Reader) -> AsyncIterator[asyncpg.Connection]:
    """A connection that asks for plans."""
    connection = await asyncpg.connect(database_dsn)
    yield connection
    await connection.close()


async def fill(database: Database, ada: UUID) -> dict[str, UUID]:
    """Thousands of rows; what Ada may ask for."""
    users = [ada, *await many_users(database, [f"user{number}" for number in range(USERS)])]
    busy = set(users[1 : 1 + BUSY])
    posts = [(new_id(), author) for _ in range(POSTS_EACH) for author in users]
    some = [post for post, _ in posts[-300:]]
    friends = users[1 : 1 + FRIENDS]
    follows = [(ada, other) for other in friends] + [(one, ada) for one in friends]
    follows += [
        (one, users[(number + step) % USERS + 1])
        for number, one in enumerate(users[1:])
        for step in range(1, 5)
    ]
    first = some[0]
    async with database.transaction() as session:
        await session.execute(
            insert(FeedPostRow),
            [
                {
                    "id": post,
                    "author_id": author,
                    "publish_key": str(post),
                    "text": "Bread. " * 20,
                    "media": {"items": []},
                }
                for post, author in posts
            ],
        )
        await session.execute(
            insert(FeedEntryRow),
            [
                {
                    "id": post,
                    "post_id": post,
                    "author_id": author,
                    "actor_id": author,
                    "on_read": author in busy,
                }
                for post, author in posts
            ],
        )
        await session.execute(
            insert(HomeEntryRow),
            [
                {"user_id": reader, "entry_id": post, "actor_id": author, "post_id": post}
                for post, author in posts
                for reader in (ada, users[1], users[2])
                if author not in busy
            ],
        )
        await session.execute(
            insert(FeedProfileRow),
            [{"user_id": user, "on_read": user in busy} for user in users],
        )
        for table, rows in (
            (
                FollowRow,
                [
                    {"follower_id": one, "followee_id": other}
                    for one, other in dict.fromkeys(follows)
                ],
            ),
            (FeedLikeRow, [{"post_id": p, "user_id": u} for p in some[:5] for u in users[:900]]),
            (
                FeedBookmarkRow,
                [{"post_id": p, "user_id": u} for p in some[:5] for u in users[:900]],
            ),
        ):
            await session.execute(insert(table), [{"id": new_id(), **row} for row in rows])
        comment_ids = [new_id() for _ in range(3000)]
        await session.execute(
            insert(FeedCommentRow),
            [
                {
                    "id": one,
                    "post_id": some[number % 30],
                    "author_id": users[number % USERS],
                    "comment_key": str(one),
                    "text": "Nice.",
                    "parent_id": comment_ids[number % 30] if number >= 300 else None,
                }
                for number, one in enumerate(comment_ids)
            ],
        )
        await session.execute(
            insert(FeedHashtagRow),
            [
                {"hashtag": "bread" if number % 3 else "rolls", "post_id": post}
                for number, (post, _) in enumerate(posts)
            ],
        )
        await session.execute(
            insert(FeedPostTrendRow),
            [{"post_id": post, "score": float(number)} for number, (post, _) in enumerate(posts)],
        )
        await session.execute(text("ANALYZE"))
    return {"post": first, "comment": comment_ids[0], "user": users[1]}


async def read_by(explainer: asyncpg.Connection, sent: list[Statement]) -> set[tuple[str, str]]:
    """How the statements read the tables that grow."""
    found: set[tuple[str, str]] = set()
    for statement, parameters in sent:
        if statement.startswith(("SELECT", "WITH")):
            plan = await explainer.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
            found |= set(scans(json.loads(plan)[0]["Plan"]))
    return {(how, table) for how, table in found if table in GROWING}


async def test_every_list_reads_thousands_of_rows_by_an_index(
    ada: Reader, database: Database, explainer: asyncpg.Connection
) -> None:
    assert ada.person is not None
    ids = await fill(database, ada.person.user_id)
    for path, table in (
        ("home", "home_entries"),
        ("trending/posts", "feed_post_trends"),
        ("trending/hashtags", None),
        ("hashtags/rolls/posts", "feed_hashtags"),
        ("bookmarks", "feed_bookmarks"),
        (f"posts/{ids['post']}", "feed_posts"),
        (f"users/{ids['user']}/posts", "feed_entries"),
        (f"users/{ada.id}/followers", "follows"),
        (f"users/{ada.id}/following", "follows"),
        (f"posts/{ids['post']}/likes", "feed_likes"),
        (f"posts/{ids['post']}/reposts", "feed_entries"),
        (f"posts/{ids['post']}/comments", "feed_comments"),
        (f"comments/{ids['comment']}/replies", "feed_comments"),
        ("profiles/user7", "users"),
        ("blocks", "blocks"),
        ("mutes", "mutes"),
    ):
        cursor: dict[str, str] = {}
        for _ in range(2):  # the second page too, where there is one
            with statements_of(database) as sent:
                page = await ada.get(path, limit=3, **cursor)
            read = await read_by(explainer, sent)
            assert table is None or table in {name for _, name in read}, (path, read)
            slow = {one for one in read if one[0] not in BY_INDEX and one[1] not in SMALL}
            assert not slow, (path, slow)
            if not page.get("next_cursor"):
                break
            cursor = {"cursor": page["next_cursor"]}


SMALL = frozenset({"blocks", "mutes"})
"""Empty here: PostgreSQL reads an empty table as it likes."""


async def test_the_version_of_a_feed_is_read_by_an_index(
    ada: Reader, database: Database, explainer: asyncpg.Connection, resources: Resources
) -> None:
    assert ada.person is not None
    await fill(database, ada.person.user_id)
    with statements_of(database) as sent:
        assert await resources.feed_versions.of(ada.person.user_id)
    planned = scans(await generic_plan(explainer, sent[0]))
    for read in (
        await read_by(explainer, sent),
        {(how, table) for how, table in planned if table in GROWING},
    ):
        assert {table for _, table in read} >= {"home_entries", "feed_entries", "follows"}
        assert {how for how, _ in read} <= BY_INDEX


async def test_a_page_costs_the_same_however_long_it_is(ada: Reader, database: Database) -> None:
    post = await ada.publish("Bread.")
    assert ada.person is not None
    writers = await many_users(database, [f"user{number}" for number in range(30)])
    paths = (
        "home",
        "bookmarks",
        "trending/posts",
        "hashtags/bread/posts",
        f"users/{ada.id}/posts",
        f"posts/{post}/likes",
        f"posts/{post}/comments",
    )

    async def costs() -> list[int]:
        found = []
        for path in paths:
            await ada.get(path)
            with statements_of(database) as sent:
                await ada.get(path)
            found.append(len([one for one, _ in sent if "sessions" not in one]))
        return found

    async def grow(some: list[UUID]) -> None:
        for one in some:
            mine = await ada.publish("More. #bread")
            await ada.put(f"posts/{mine}/bookmark")
            async with database.transaction() as session:
                for liked in (UUID(post), UUID(mine)):
                    held = await reactions.hold(session, one, liked)
                    assert held is not None
                    await reactions.like(session, one, held)
                held = await reactions.hold(session, one, UUID(post))
                assert held is not None
                key = str(uuid4())
                await comments.write(
                    session, one, held, comment_key=key, text="Nice.", reply_to=None
                )

    await grow(writers[:1])
    few = await costs()
    await grow(writers[1:])
    assert await costs() == few
    assert max(few) <= 3


async def test_publishing_costs_a_handful_of_statements(database: Database) -> None:
    [author] = await many_users(database, ["bob"])
    with statements_of(database) as sent:
        async with database.transaction() as session:
            await publishing.publish(
                session,
                author_id=author,
                account_id=None,
                publish_key="key",
                text="Bread.",
                media=[],
                fan_out_limit=10,
            )
    assert len(sent) <= 6
