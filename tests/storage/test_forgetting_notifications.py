"""What was read long ago is forgotten, and so is that it was told."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update

from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from storage.database import Database
from storage.notifications.forgetting import forget_causes, forget_read
from storage.notifications.recording import News, record
from storage.tables import (
    NotificationActorRow,
    NotificationCauseRow,
    NotificationRow,
    UserRow,
)

LONG_AGO = datetime.now(UTC) - timedelta(days=100)
BEFORE = datetime.now(UTC) - timedelta(days=90)


async def person(database: Database) -> UUID:
    """Somebody who can be told something."""
    user_id = new_id()
    row = {"id": user_id, "handle": user_id.hex, "display_name": "P", "email": user_id.hex}
    async with database.transaction() as session:
        await session.execute(insert(UserRow), [row])
    return user_id


async def told(database: Database, user_id: UUID, actor_id: UUID, count: int) -> list[UUID]:
    """So many notifications of somebody, the earliest first."""
    news = [
        News(
            user_id=user_id,
            kind=NotificationKind.LIKE,
            subject_type=SubjectType.FEED_POST,
            subject_id=new_id(),
            cause_id=actor_id,
            actor_id=actor_id,
        )
        for _ in range(count)
    ]
    async with database.transaction() as session:
        return [one for each in news for one in await record(session, [each])]


async def test_only_what_was_read_long_ago_goes_some_at_a_time(database: Database) -> None:
    user, actor = await person(database), await person(database)
    *old, read_lately, unread = await told(database, user, actor, 5)
    async with database.transaction() as session:
        rows = NotificationRow.id
        await session.execute(update(NotificationRow).where(rows.in_(old)).values(read_at=LONG_AGO))
        await session.execute(
            update(NotificationRow).where(rows == read_lately).values(read_at=func.now())
        )
        await session.execute(
            update(NotificationRow).where(rows == unread).values(updated_at=LONG_AGO)
        )
    removed = []
    for _ in range(3):
        async with database.transaction() as session:
            removed.append(await forget_read(session, before=BEFORE, limit=2))
    assert removed == [2, 1, 0]
    async with database.transaction() as session:
        left = set((await session.scalars(select(NotificationRow.id))).all())
        counted = set((await session.scalars(select(NotificationActorRow.notification_id))).all())
    assert left == counted == {read_lately, unread}


async def test_what_was_told_long_ago_may_be_told_again(database: Database) -> None:
    user, actor = await person(database), await person(database)
    await told(database, user, actor, 3)
    async with database.transaction() as session:
        subjects = (await session.scalars(select(NotificationCauseRow.subject_id))).all()
        await session.execute(
            update(NotificationCauseRow)
            .where(NotificationCauseRow.subject_id.in_(subjects[:2]))
            .values(told_at=LONG_AGO)
        )
    removed = []
    for _ in range(3):
        async with database.transaction() as session:
            removed.append(await forget_causes(session, before=BEFORE, limit=1))
    assert removed == [1, 1, 0]
    async with database.transaction() as session:
        left = (await session.scalars(select(NotificationCauseRow.subject_id))).all()
    assert left == subjects[2:]
