"""What somebody undoes before anybody read of it, nobody reads of."""

from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain.notifications import NotificationKind
from jobs.handling import JobKind
from jobs.taking_back import TakingBack
from realtime.bus import LiveBus
from storage.database import Database
from storage.feed import publishing, reactions, relations
from storage.notifications import reading
from storage.tables import JobRow
from tests.jobs.conftest import NewUsers
from tests.jobs.told import Heard, Told

LIKE, FOLLOW, REPOST = NotificationKind.LIKE, NotificationKind.FOLLOW, NotificationKind.REPOST


class Fans:
    """People who like, repost and follow, and change their minds."""

    def __init__(self, database: Database, told: Told, heard: Heard) -> None:
        """`told` has done what follows from it."""
        self.database = database
        self.told = told
        self.heard = heard

    async def publish(self, author: UUID) -> UUID:
        """A post to like."""
        async with self.database.transaction() as session:
            return await publishing.publish(
                session,
                author_id=author,
                account_id=None,
                publish_key=f"{author}",
                text="Bread.",
                media=[],
                fan_out_limit=10,
            )

    async def react(self, kind: NotificationKind, fan: UUID, post: UUID) -> None:
        """Like it, or repost it."""
        async with self.database.transaction() as session:
            held = await reactions.hold(session, fan, post)
            assert held is not None
            if kind is LIKE:
                await reactions.like(session, fan, held)
            else:
                await reactions.repost(session, fan, held, fan_out_limit=10)

    async def undo(self, kind: NotificationKind, fan: UUID, post: UUID) -> None:
        """Take it back."""
        async with self.database.transaction() as session:
            held = await reactions.hold(session, fan, post)
            assert held is not None
            await (reactions.unlike if kind is LIKE else reactions.unrepost)(session, fan, held)

    async def happen(self, *kinds: JobKind) -> None:
        """Do what was decided, in that order; nobody waits for a moment to pass."""
        async with self.database.transaction() as session:
            await session.execute(update(JobRow).values(run_at=JobRow.created_at))
        handler = TakingBack(database=self.database, live=cast("LiveBus", self.heard))
        for kind in kinds:
            waiting = await self.told.begin(kind)
            if kind is JobKind.TAKE_BACK:
                for job in waiting:
                    await handler.handle(job)
            elif waiting:
                await self.told.handle(waiting)

    def events(self) -> list[tuple[str, int]]:
        """What sockets heard, with the number of unread notifications; it is forgotten then."""
        heard = [(event, data["unread"]) for _, event, data in self.heard.told]
        self.heard.told.clear()
        return heard


@pytest.fixture
def fans(database: Database) -> Fans:
    """Nobody yet."""
    heard = Heard()
    return Fans(database, Told(database, cast("LiveBus", heard)), heard)


@pytest.mark.parametrize("kind", [LIKE, REPOST])
async def test_a_notification_of_nobody_else_is_gone(
    fans: Fans, new_users: NewUsers, kind: NotificationKind
) -> None:
    author, fan = await new_users(2)
    post = await fans.publish(author)
    await fans.react(kind, fan, post)
    await fans.happen(JobKind.NOTIFY)
    [shown] = await fans.told.seen_by(author)
    assert shown.kind is kind
    assert fans.events() == [("notification", 1)]
    await fans.undo(kind, fan, post)
    await fans.happen(JobKind.TAKE_BACK)
    assert await fans.told.seen_by(author) == []
    assert await fans.told.unread_by(author) == 0
    assert fans.events() == [("notification.gone", 0)]


async def test_a_follow_that_ends_is_taken_back_and_so_is_one_that_a_block_ends(
    fans: Fans, new_users: NewUsers, database: Database
) -> None:
    author, fan, other = await new_users(3)
    async with database.transaction() as session:
        for follower in (fan, other):
            await relations.follow(session, follower, author)
    await fans.happen(JobKind.NOTIFY)
    [shown] = await fans.told.seen_by(author)
    assert (shown.kind, shown.actor_count) == (FOLLOW, 2)
    async with database.transaction() as session:
        await relations.unfollow(session, fan, author)
    await fans.happen(JobKind.TAKE_BACK)
    [left] = await fans.told.seen_by(author)
    assert [actor.user_id for actor in left.actors] == [other]
    async with database.transaction() as session:
        await relations.block(session, author, other)
    await fans.happen(JobKind.TAKE_BACK)
    assert await fans.told.seen_by(author) == []


async def test_others_stay_in_it_at_its_place(fans: Fans, new_users: NewUsers) -> None:
    author, *people = await new_users(5)
    post = await fans.publish(author)
    for fan in people:
        await fans.react(LIKE, fan, post)
        await fans.happen(JobKind.NOTIFY)
    [before] = await fans.told.seen_by(author)
    fans.events()
    await fans.undo(LIKE, people[-1], post)
    await fans.happen(JobKind.TAKE_BACK)
    [after] = await fans.told.seen_by(author)
    assert (after.actor_count, after.event_count) == (3, 3)
    assert [actor.user_id for actor in after.actors] == [people[2], people[1]]
    assert (after.id, after.position) == (before.id, before.position)
    assert fans.events() == [("notification", 1)]


async def test_what_was_read_stays_and_is_not_told_again(
    fans: Fans, new_users: NewUsers, database: Database
) -> None:
    author, fan = await new_users(2)
    post = await fans.publish(author)
    await fans.react(LIKE, fan, post)
    await fans.happen(JobKind.NOTIFY)
    async with database.transaction() as session:
        await reading.mark_all_read(session, author, up_to=None)
    fans.events()
    await fans.undo(LIKE, fan, post)
    await fans.happen(JobKind.TAKE_BACK)
    await fans.react(LIKE, fan, post)
    await fans.happen(JobKind.NOTIFY)
    [shown] = await fans.told.seen_by(author)
    assert (shown.actor_count, shown.read_at is None) == (1, False)
    assert fans.events() == []


async def test_who_likes_it_again_in_time_is_told_of_once(fans: Fans, new_users: NewUsers) -> None:
    author, fan = await new_users(2)
    post = await fans.publish(author)
    await fans.react(LIKE, fan, post)
    await fans.happen(JobKind.NOTIFY)
    await fans.undo(LIKE, fan, post)
    await fans.react(LIKE, fan, post)
    await fans.happen(JobKind.TAKE_BACK, JobKind.NOTIFY)
    [shown] = await fans.told.seen_by(author)
    assert (shown.actor_count, shown.event_count) == (1, 1)
    assert fans.events() == [("notification", 1)]


async def test_what_was_taken_back_and_is_done_again_is_told_again(
    fans: Fans, new_users: NewUsers
) -> None:
    author, fan = await new_users(2)
    post = await fans.publish(author)
    for _ in range(2):
        await fans.react(LIKE, fan, post)
        await fans.happen(JobKind.NOTIFY)
        [shown] = await fans.told.seen_by(author)
        assert shown.actor_count == 1
        await fans.undo(LIKE, fan, post)
        await fans.happen(JobKind.TAKE_BACK)
        assert await fans.told.seen_by(author) == []


async def test_what_one_does_to_oneself_has_nothing_to_take_back(
    fans: Fans, new_users: NewUsers, database: Database
) -> None:
    [author] = await new_users(1)
    post = await fans.publish(author)
    await fans.react(LIKE, author, post)
    await fans.undo(LIKE, author, post)
    kinds = select(JobRow.kind).where(JobRow.kind.in_([JobKind.NOTIFY, JobKind.TAKE_BACK]))
    async with database.transaction() as session:
        assert (await session.scalars(kinds)).all() == []
