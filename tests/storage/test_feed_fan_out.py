"""How entries reach followers: written to each, or looked up, and the reader cannot tell."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text

from domain.ids import new_id
from storage.database import Database
from storage.feed import home, publishing, reactions, relations, spreading
from storage.jobs import JobKind
from storage.tables import FeedEntryRow, FeedProfileRow, HomeEntryRow, JobRow, UserRow
from tests.patience import PATIENCE

MANY = 3
"""Followers above which authors of these tests are looked up."""


WAITING = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
"""Who waits for another transaction's lock."""


class People:
    """Users in the tables, and what they do."""

    def __init__(self, database: Database) -> None:
        """No user is there yet."""
        self.database = database

    async def make(self, *handles: str) -> list[UUID]:
        """New users."""
        ids = [new_id() for _ in handles]
        rows = [
            {"id": one, "handle": handle, "display_name": handle}
            for one, handle in zip(ids, handles, strict=True)
        ]
        async with self.database.transaction() as session:
            await session.execute(insert(UserRow), rows)
        return ids

    async def follow(self, follower: UUID, *followees: UUID) -> None:
        """Follow them."""
        for followee in followees:
            async with self.database.transaction() as session:
                assert await relations.follow(session, follower, followee)

    async def publish(self, author: UUID, text: str = "Bread.") -> UUID:
        """A new post."""
        async with self.database.transaction() as session:
            return await publishing.publish(
                session,
                author_id=author,
                account_id=None,
                publish_key=str(uuid4()),
                text=text,
                media=[],
                fan_out_limit=MANY,
            )

    async def repost(self, user: UUID, post: UUID) -> None:
        """Show it to one's followers."""
        async with self.database.transaction() as session:
            held = await reactions.hold(session, user, post)
            assert held is not None
            await reactions.repost(session, user, held, fan_out_limit=MANY)

    async def fan_out(self, *, limit: int = 100) -> list[UUID]:
        """Whom the entries reached that waited, in the order in which they did."""
        query = select(JobRow.subject_id).where(JobRow.kind == JobKind.FAN_OUT_POST)
        async with self.database.transaction() as session:
            entries = (await session.scalars(query.order_by(JobRow.id))).all()
        reached: list[UUID] = []
        for entry in entries:
            reached += await self.spread(entry, limit=limit)
        return reached

    async def spread(self, entry: UUID, *, limit: int = 100, steps: int = 1000) -> list[UUID]:
        """Whom one entry reached."""
        reached: list[UUID] = []
        for _ in range(steps):
            async with self.database.transaction() as session:
                step = await spreading.spread(session, entry, limit=limit)
            if step is None:
                break
            reached += step.reached
            if step.done:
                break
        return reached

    async def read(self, viewer: UUID, *, page: int = 100) -> list[UUID]:
        """The posts of the whole home feed, read page by page."""
        found: list[UUID] = []
        before: UUID | None = None
        while True:
            async with self.database.transaction() as session:
                entries = await home.list_home(session, viewer, before=before, limit=page)
            found += [entry.post_id for entry in entries]
            if len(entries) < page:
                return found
            before = entries[-1].id

    async def rows(self, query: Any) -> Sequence[Any]:
        """What the tables say."""
        async with self.database.transaction() as session:
            return (await session.scalars(query)).all()


@pytest.fixture
def people(database: Database) -> People:
    """Nobody yet."""
    return People(database)


async def with_followers(people: People, author: UUID, count: int) -> list[UUID]:
    """So many new followers of somebody."""
    fans = await people.make(*(f"fan{number}_{author.hex[-6:]}" for number in range(count)))
    for fan in fans:
        await people.follow(fan, author)
    return fans


async def test_an_ordinary_authors_post_is_written_to_each_follower_in_batches(
    people: People,
) -> None:
    [bob] = await people.make("bob")
    fans = await with_followers(people, bob, MANY)
    post = await people.publish(bob)
    assert await people.fan_out(limit=2) == fans
    owners = select(HomeEntryRow.user_id).where(HomeEntryRow.entry_id == post)
    assert set(await people.rows(owners)) == {bob, *fans}


async def test_a_busy_authors_post_is_written_to_nobody_and_read_by_all(people: People) -> None:
    [bob] = await people.make("bob")
    fans = await with_followers(people, bob, MANY + 1)
    post = await people.publish(bob)
    assert await people.read(fans[0]) == [post]  # before any job is done
    assert await people.fan_out() == []
    owners = select(HomeEntryRow.user_id).where(HomeEntryRow.entry_id == post)
    assert await people.rows(owners) == [bob]
    assert [await people.read(one) for one in (bob, *fans)] == [[post]] * (MANY + 2)


async def test_both_kinds_of_entries_make_one_feed_in_order(people: People) -> None:
    [ada, bob, cleo, dan] = await people.make("ada", "bob", "cleo", "dan")
    await with_followers(people, cleo, MANY + 1)
    await with_followers(people, dan, MANY + 1)
    await people.follow(ada, bob, cleo, dan)
    written = [
        await people.publish(author) for _ in range(4) for author in (bob, cleo, ada, dan, cleo)
    ]
    await people.fan_out()
    for page in (1, 3, 100):
        assert await people.read(ada, page=page) == written[::-1]


async def test_an_author_who_becomes_busy_loses_nothing(people: People) -> None:
    [ada, bob] = await people.make("ada", "bob")
    await people.follow(ada, bob)
    before = await people.publish(bob)
    await people.fan_out()
    await with_followers(people, bob, MANY)
    after = await people.publish(bob)
    await people.fan_out()
    assert await people.read(ada) == [after, before]
    [late] = await people.make("late")
    await people.follow(late, bob)
    assert await people.read(late) == [after, before]


async def test_a_fan_out_that_was_broken_off_goes_on_and_repeats_nothing(people: People) -> None:
    [bob] = await people.make("bob")
    fans = await with_followers(people, bob, MANY)
    post = await people.publish(bob)
    assert await people.spread(post, limit=1, steps=2) == fans[:2]
    assert await people.spread(post, limit=1) == fans[2:]
    assert await people.spread(post, limit=1) == []
    count = select(func.count()).where(HomeEntryRow.entry_id == post)
    assert await people.rows(count) == [1 + MANY]


async def test_two_at_once_reach_everybody_once(people: People) -> None:
    [bob] = await people.make("bob")
    fans = await with_followers(people, bob, MANY)
    post = await people.publish(bob)
    reached = await asyncio.gather(*(people.spread(post, limit=1) for _ in range(3)))
    assert sorted(one for each in reached for one in each) == sorted(fans)


async def test_who_follows_meanwhile_misses_nothing(people: People, database: Database) -> None:
    """The follower has looked for what is there already, and the post comes before they commit."""
    [ada, bob] = await people.make("ada", "bob")
    async with database.transaction() as session:
        assert await relations.follow(session, ada, bob)
        post = await people.publish(bob)
        fanning_out = asyncio.create_task(people.fan_out())
        async with asyncio.timeout(PATIENCE):
            while not await people.rows(WAITING):  # noqa: ASYNC110  only PostgreSQL knows
                await asyncio.sleep(0.01)
    assert await fanning_out == [ada]
    assert await people.read(ada) == [post]


async def test_a_repost_taken_back_on_the_way_reaches_nobody(
    people: People, database: Database
) -> None:
    [ada, bob, cleo] = await people.make("ada", "bob", "cleo")
    await people.follow(ada, bob)
    post = await people.publish(cleo)
    await people.repost(bob, post)
    async with database.transaction() as session:
        held = await reactions.hold(session, bob, post)
        assert held is not None
        await reactions.unrepost(session, bob, held)
    assert await people.fan_out() == []
    assert await people.read(ada) == []


async def test_reposts_by_busy_people_show_a_post_once_too(people: People) -> None:
    [ada, bob, cleo, dan, eve] = await people.make("ada", "bob", "cleo", "dan", "eve")
    await with_followers(people, bob, MANY + 1)
    await with_followers(people, cleo, MANY + 1)
    await people.follow(ada, bob, cleo, dan)
    post = await people.publish(eve)
    for one in (bob, dan, cleo):
        await people.repost(one, post)
    await people.fan_out()
    assert await people.read(ada) == [post]
    async with people.database.transaction() as session:
        assert await relations.mute(session, ada, bob)
        [entry] = await home.list_home(session, ada, before=None, limit=10)
    assert entry.reposted_by is not None
    assert entry.reposted_by.handle == "dan"


async def test_being_busy_is_noted_once_and_stays(people: People) -> None:
    [bob] = await people.make("bob")
    fans = await with_followers(people, bob, MANY + 1)
    first = await people.publish(bob)
    async with people.database.transaction() as session:
        await relations.unfollow(session, fans[0], bob)
    second = await people.publish(bob)
    await people.fan_out()
    kinds = select(FeedEntryRow.on_read).order_by(FeedEntryRow.id)
    assert await people.rows(kinds) == [True, False]
    assert await people.rows(select(FeedProfileRow.on_read).where(FeedProfileRow.on_read)) == [True]
    assert await people.read(fans[1]) == [second, first]
