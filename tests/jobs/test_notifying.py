"""What people do becomes notifications: grouped, counted exactly, told once."""

import asyncio
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update

from domain.ids import new_id
from domain.notifications import NotificationKind
from jobs.notifying import AT_ONCE
from realtime.bus import LiveBus
from storage.database import Database
from storage.notifications import preferences, reading
from storage.tables import BlockRow, JobRow, MuteRow, NotificationRow, UserRow
from tests.jobs.conftest import NewUsers
from tests.jobs.told import Heard, Told
from tests.sent_statements import sent_to

LIKE, COMMENT, REPOST = NotificationKind.LIKE, NotificationKind.COMMENT, NotificationKind.REPOST


@pytest.fixture
def heard() -> Heard:
    """What sockets were told."""
    return Heard()


@pytest.fixture
def told(database: Database, heard: Heard) -> Told:
    """What people are told."""
    return Told(database, cast("LiveBus", heard))


async def test_likes_of_one_post_are_one_notification_that_names_the_latest(
    told: Told, new_users: NewUsers
) -> None:
    author, *fans = await new_users(6)
    post = new_id()
    for fan in fans:
        await told.act(LIKE, fan, post, author)
        await told.happen()
    (shown,) = await told.seen_by(author)
    assert (shown.kind, shown.subject_id) == (LIKE, post)
    assert (shown.actor_count, shown.event_count) == (5, 5)
    assert [actor.user_id for actor in shown.actors] == fans[:1:-1]
    assert await told.unread_by(author) == 1


async def test_likes_of_one_instant_are_grouped_alike(told: Told, new_users: NewUsers) -> None:
    author, *fans = await new_users(6)
    post = new_id()
    for fan in fans:
        await told.act(LIKE, fan, post, author)
    await told.happen()
    (shown,) = await told.seen_by(author)
    assert (shown.actor_count, shown.event_count) == (5, 5)
    assert [actor.user_id for actor in shown.actors] == fans[:1:-1]


async def test_kinds_and_subjects_are_apart_and_the_latest_is_on_top(
    told: Told, new_users: NewUsers
) -> None:
    author, fan, other = await new_users(3)
    first, second = new_id(), new_id()
    for kind, post in ((LIKE, first), (LIKE, second), (REPOST, first)):
        await told.act(kind, fan, post, author)
        await told.happen()
    await told.act(LIKE, other, first, author)
    await told.happen()
    assert [(one.kind, one.subject_id) for one in await told.seen_by(author)] == [
        (LIKE, first),
        (REPOST, first),
        (LIKE, second),
    ]


async def test_who_comments_twice_is_one_person_with_two_comments(
    told: Told, new_users: NewUsers
) -> None:
    author, talker, other = await new_users(3)
    post = new_id()
    for person in (talker, other, talker):
        await told.act(COMMENT, person, post, author, cause_id=new_id())
        await told.happen()
    (shown,) = await told.seen_by(author)
    assert (shown.actor_count, shown.event_count) == (2, 3)
    assert [actor.user_id for actor in shown.actors] == [talker, other]


async def test_a_like_taken_back_and_given_again_is_told_once(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    author, fan = await new_users(2)
    post = new_id()
    await told.act(LIKE, fan, post, author)
    await told.act(LIKE, fan, post, author)
    await told.happen()
    await told.act(LIKE, fan, post, author)
    await told.happen()
    (shown,) = await told.seen_by(author)
    assert (shown.actor_count, shown.event_count) == (1, 1)
    async with database.transaction() as session:
        await reading.mark_all_read(session, author, up_to=None)
    await told.act(LIKE, fan, post, author)
    await told.happen()
    assert len(await told.seen_by(author)) == 1
    assert await told.unread_by(author) == 0


async def test_what_comes_after_reading_is_a_notification_of_its_own(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    author, early, late = await new_users(3)
    post = new_id()
    await told.act(LIKE, early, post, author)
    await told.happen()
    async with database.transaction() as session:
        await reading.mark_all_read(session, author, up_to=None)
    await told.act(LIKE, late, post, author)
    await told.happen()
    new, old = await told.seen_by(author)
    assert [actor.user_id for actor in new.actors] == [late]
    assert (new.read_at, new.actor_count) == (None, 1)
    assert [actor.user_id for actor in old.actors] == [early]
    assert old.read_at is not None


async def test_nobody_is_told_of_what_they_did_themselves(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    (author,) = await new_users(1)
    await told.act(LIKE, author, new_id(), author)
    async with database.transaction() as session:
        assert (await session.scalars(select(JobRow))).all() == []


@pytest.mark.parametrize("how", ["blocks", "is blocked by", "mutes"])
async def test_who_is_kept_apart_from_the_actor_is_not_told(
    told: Told, new_users: NewUsers, database: Database, how: str
) -> None:
    author, pest, friend = await new_users(3)
    rows = {
        "blocks": insert(BlockRow).values(blocker_id=author, blocked_id=pest, id=new_id()),
        "is blocked by": insert(BlockRow).values(blocker_id=pest, blocked_id=author, id=new_id()),
        "mutes": insert(MuteRow).values(muter_id=author, muted_id=pest, id=new_id()),
    }
    async with database.transaction() as session:
        await session.execute(rows[how])
    post = new_id()
    await told.act(LIKE, pest, post, author)
    await told.act(LIKE, friend, post, author)
    await told.happen()
    (shown,) = await told.seen_by(author)
    assert [actor.user_id for actor in shown.actors] == [friend]
    assert shown.event_count == 1


async def test_who_is_muted_still_hears_of_the_one_who_mutes(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    author, muted = await new_users(2)
    async with database.transaction() as session:
        await session.execute(insert(MuteRow).values(muter_id=author, muted_id=muted, id=new_id()))
    await told.act(LIKE, author, new_id(), muted)
    await told.happen()
    assert await told.unread_by(muted) == 1


async def test_who_declined_a_kind_is_not_told_until_they_want_it_again(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    author, fan = await new_users(2)
    async with database.transaction() as session:
        await preferences.decide(session, author, LIKE, in_app=False)
    await told.act(LIKE, fan, new_id(), author)
    await told.act(REPOST, fan, new_id(), author)
    await told.happen()
    assert [one.kind for one in await told.seen_by(author)] == [REPOST]
    async with database.transaction() as session:
        await preferences.decide(session, author, LIKE, in_app=True)
    await told.act(LIKE, fan, new_id(), author)
    await told.happen()
    assert [one.kind for one in await told.seen_by(author)] == [LIKE, REPOST]


async def test_a_page_that_nobody_signs_in_to_is_told_nothing(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    page, fan = await new_users(2)
    async with database.transaction() as session:
        await session.execute(update(UserRow).where(UserRow.id == page).values(email=None))
    await told.act(LIKE, fan, new_id(), page)
    await told.happen()
    assert await told.seen_by(page) == []


async def test_sockets_hear_of_it_once_with_what_is_unread(
    told: Told, heard: Heard, new_users: NewUsers
) -> None:
    author, fan, other = await new_users(3)
    first, second = new_id(), new_id()
    await told.act(LIKE, fan, first, author)
    await told.happen()
    await told.act(LIKE, fan, second, author)
    await told.act(LIKE, other, second, author)
    await told.happen()
    assert [(user_id, event) for user_id, event, _ in heard.told] == [
        (author, "notification"),
        (author, "notification"),
    ]
    latest = heard.told[-1][2]
    assert (latest["subject_id"], latest["actor_count"], latest["unread"]) == (second, 2, 2)
    assert [actor["user_id"] for actor in latest["actors"]] == [other, fan]


async def test_a_job_that_was_done_before_changes_nothing_and_tells_nobody(
    told: Told, heard: Heard, new_users: NewUsers
) -> None:
    author, fan = await new_users(2)
    await told.act(LIKE, fan, new_id(), author)
    begun = await told.begin()
    await told.handle(begun)
    await told.handle(begun)
    (shown,) = await told.seen_by(author)
    assert shown.event_count == 1
    assert len(heard.told) == 1


async def test_two_who_write_down_the_same_at_once_count_everything_once(
    told: Told, new_users: NewUsers
) -> None:
    authors, fans = await new_users(5), await new_users(40)
    post = new_id()
    for fan in fans:
        await told.act(LIKE, fan, post, *authors)
        await told.act(LIKE, fan, post, *reversed(authors))
    begun = await told.begin()
    groups = [begun[0::4], begun[1::4][::-1], begun[2::4], begun[3::4][::-1]]
    await asyncio.gather(*(told.handle(group) for group in groups))
    for author in authors:
        (shown,) = await told.seen_by(author)
        assert (shown.actor_count, shown.event_count) == (40, 40)


async def test_reading_while_news_comes_in_loses_none_of_it(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    author, *fans = await new_users(41)
    post = new_id()
    for fan in fans:
        await told.act(LIKE, fan, post, author)
    begun = await told.begin()

    async def read() -> None:
        for _ in range(40):
            async with database.transaction() as session:
                await reading.mark_all_read(session, author, up_to=None)

    async def write(part: int) -> None:
        for job in begun[part::2]:
            await told.handle([job])

    await asyncio.gather(read(), write(0), write(1))
    shown = await told.seen_by(author)
    assert sum(one.event_count for one in shown) == 40
    assert sum(one.actor_count for one in shown) == 40
    assert await told.unread_by(author) <= 1


async def test_many_jobs_cost_as_many_statements_as_one(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    author, *fans = await new_users(101)

    async def cost(number: int) -> int:
        for fan in fans[:number]:
            await told.act(COMMENT, fan, new_id(), author, cause_id=new_id())
        begun = await told.begin()
        with sent_to(database) as sent:
            await told.handle(begun)
        return len(sent)

    one = await cost(1)
    assert await cost(100) == one <= 8


async def test_so_many_people_are_told_in_several_transactions(
    told: Told, new_users: NewUsers, database: Database
) -> None:
    actor, *members = await new_users(1_201)
    for _ in range(2):
        await told.act(COMMENT, actor, new_id(), *members, cause_id=new_id())
    begun = await told.begin()
    assert max(len(job.payload["user_ids"]) for job in begun) <= AT_ONCE
    await told.handle(begun)
    async with database.transaction() as session:
        counted = await session.scalar(select(func.count()).select_from(NotificationRow))
    assert counted == 2_400


async def test_an_unknown_person_is_left_out(told: Told, new_users: NewUsers) -> None:
    author, fan = await new_users(2)
    await told.act(LIKE, fan, new_id(), UUID(int=1), author)
    await told.happen()
    assert await told.unread_by(author) == 1
