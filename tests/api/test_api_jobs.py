"""The API process does jobs itself, unless workers do them."""

import asyncio

import pytest
from sqlalchemy import select

from api.app import create_app
from domain.notifications import NotificationKind, SubjectType
from runtime.settings import Settings
from storage.database import Database
from storage.notifications.deciding import notify
from storage.notifications.reading import count_unread
from storage.tables import JobRow
from tests.api.conftest import Person
from tests.patience import PATIENCE


async def follow(database: Database, follower: Person, followed: Person) -> None:
    async with database.transaction() as session:
        await notify(
            session,
            NotificationKind.FOLLOW,
            user_ids=[followed.user_id],
            actor_id=follower.user_id,
            subject_type=SubjectType.USER,
            subject_id=followed.user_id,
            cause_id=follower.user_id,
        )


async def test_it_does_what_was_decided(
    settings: Settings, database: Database, user: Person, other_user: Person
) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        await follow(database, other_user, user)
        async with asyncio.timeout(PATIENCE):
            while True:
                async with database.transaction() as session:
                    if (await count_unread(session, [user.user_id]))[user.user_id] == 1:
                        break
                await asyncio.sleep(0.02)


async def test_it_leaves_jobs_to_the_workers_when_there_is_a_queue(
    settings: Settings,
    database: Database,
    user: Person,
    other_user: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        pytest.fail("the API process does jobs")

    monkeypatch.setattr("api.app.jobs_in_process", fail)
    app = create_app(settings.model_copy(update={"queue_enabled": True}))
    async with app.router.lifespan_context(app):
        await follow(database, other_user, user)
    async with database.transaction() as session:
        (job,) = (await session.scalars(select(JobRow))).all()
    assert job.tries == 0
