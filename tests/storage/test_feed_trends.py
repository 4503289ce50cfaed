"""What trends: by what people do, lately."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.ids import least_id_at, made_at, new_id
from domain.trends import HALF_LIFE, Weight
from storage.database import Database
from storage.feed import publishing, spreading, trends
from storage.tables import FeedHashtagTrendRow, FeedPostTrendRow, UserRow


@pytest.fixture
async def author(database: Database) -> UUID:
    """Who publishes."""
    author_id = new_id()
    async with database.transaction() as session:
        session.add(UserRow(id=author_id, handle="bob", display_name="Bob"))
    return author_id


async def publish(database: Database, author: UUID, text: str = "Bread.") -> UUID:
    """A new post that has reached everybody."""
    async with database.transaction() as session:
        post = await publishing.publish(
            session,
            author_id=author,
            account_id=None,
            publish_key=str(uuid4()),
            text=text,
            media=[],
            fan_out_limit=10,
        )
    async with database.transaction() as session:
        await spreading.spread(session, post, limit=10)
    return post


async def posts(database: Database) -> list[UUID]:
    """What trends."""
    async with database.transaction() as session:
        return await trends.trending_posts(session, None, limit=10)


async def hashtags(database: Database) -> dict[str, float]:
    """Which hashtags trend, in their order."""
    async with database.transaction() as session:
        found = await trends.trending_hashtags(session, limit=10)
    return {one.hashtag: one.posts_lately for one in found}


async def test_more_and_later_counts_more(database: Database, author: UUID) -> None:
    old, fresh, quiet = [await publish(database, author) for _ in range(3)]
    now = new_id()
    long_ago = least_id_at(made_at(now) - 3 * HALF_LIFE)
    async with database.transaction() as session:
        for _ in range(7):
            await trends.count_post(session, old, Weight.LIKE, long_ago)
        await trends.count_post(session, fresh, Weight.LIKE, now)
    assert await posts(database) == [fresh, old]
    async with database.transaction() as session:
        await trends.count_post(session, old, Weight.REPOST, now)
    assert await posts(database) == [old, fresh]
    assert quiet not in await posts(database)


async def test_what_is_taken_back_leaves_the_score_as_it_would_be(
    database: Database, author: UUID
) -> None:
    post = await publish(database, author)
    events = [least_id_at(made_at(post) + timedelta(minutes=one)) for one in range(100)]

    async def score() -> float:
        async with database.transaction() as session:
            return (await session.scalars(select(FeedPostTrendRow.score))).one()

    async with database.transaction() as session:
        await trends.count_post(session, post, Weight.COMMENT, events[0])
    alone = await score()
    async with database.transaction() as session:
        for event in events:
            await trends.count_post(session, post, Weight.REPOST, event)
    assert await score() > alone + 5
    async with database.transaction() as session:
        for event in reversed(events):
            await trends.uncount_post(session, post, Weight.REPOST, event)
    assert await score() == pytest.approx(alone, abs=1e-6)
    async with database.transaction() as session:
        await trends.uncount_post(session, post, Weight.COMMENT, events[0])
    assert await posts(database) == []


async def test_a_hashtag_counts_each_post_once(database: Database, author: UUID) -> None:
    first = await publish(database, author, "#bread and #BREAD and #rolls")
    await publish(database, author, "More #bread.")
    async with database.transaction() as session:  # a job that is done again
        await spreading.spread(session, first, limit=10)
    assert await hashtags(database) == {
        "bread": pytest.approx(2, abs=0.01),
        "rolls": pytest.approx(1, abs=0.01),
    }
    async with database.transaction() as session:
        assert await publishing.remove(session, first)
    assert await hashtags(database) == {"bread": pytest.approx(1, abs=0.01)}
    async with database.transaction() as session:
        assert not await publishing.remove(session, first)
        assert len((await session.scalars(select(FeedHashtagTrendRow.hashtag))).all()) == 1


async def test_a_deleted_post_trends_no_more(database: Database, author: UUID) -> None:
    post = await publish(database, author)
    async with database.transaction() as session:
        await trends.count_post(session, post, Weight.LIKE, new_id())
    assert await posts(database) == [post]
    async with database.transaction() as session:
        await publishing.remove(session, post)
    assert await posts(database) == []
