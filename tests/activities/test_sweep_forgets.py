"""The sweep also removes what nobody asks for any more."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, insert, select
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.sweeping import DEPARTURES_KEPT, KEYS_KEPT, NOTIFICATIONS_KEPT, PostSweeping
from api.workspaces.service import WorkspaceService
from contracts.sweeping import SweepRequest
from domain.ids import new_id
from storage.database import Database
from storage.tables import (
    DepartureRow,
    IdempotencyKeyRow,
    NotificationCauseRow,
    NotificationRow,
    Table,
    UserIdempotencyKeyRow,
    UserRow,
)
from tests.relay.conftest import temporal

__all__ = ["temporal"]


async def test_what_is_old_goes_and_what_is_not_stays(database: Database, temporal: Client) -> None:
    user_id, now = new_id(), datetime.now(UTC)
    told, departed = now - NOTIFICATIONS_KEPT, now - DEPARTURES_KEPT
    notification = {
        "user_id": user_id,
        "kind": "like",
        "subject_type": "feed_post",
        "event_count": 1,
        "actor_count": 0,
        "latest_actors": [],
    }
    workspace, _ = await WorkspaceService(database).create("Corner bakery")
    workspace_id = workspace.id
    async with database.transaction() as session:
        await session.execute(
            insert(UserRow), [{"id": user_id, "handle": "ada", "display_name": "Ada"}]
        )
        for moment in (-timedelta(hours=1), timedelta(hours=1)):
            places = {name: new_id() for name in ("id", "position", "subject_id")}
            row = {**notification, **places, "read_at": told + moment}
            await session.execute(insert(NotificationRow), [row])
            cause = {"user_id": user_id, "kind": "like", "told_at": told + moment}
            ids = {"subject_id": uuid4(), "cause_id": uuid4()}
            await session.execute(insert(NotificationCauseRow), [{**cause, **ids}])
            await session.execute(
                insert(DepartureRow), [{"id": new_id(), "leaves_at": departed + moment}]
            )
            key = {"key": str(moment), "fingerprint": b"", "created_at": now - KEYS_KEPT + moment}
            made = {"user_id": user_id, "made_id": new_id()}
            await session.execute(insert(UserIdempotencyKeyRow), [key | made])
            answer = {"workspace_id": workspace_id, "status_code": 201, "answer": {}}
            await session.execute(insert(IdempotencyKeyRow), [key | answer])
    sweeping = PostSweeping(database, temporal)
    await ActivityEnvironment().run(sweeping.sweep_posts, SweepRequest(ahead=timedelta(0)))
    tables: list[type[Table]] = [
        NotificationRow,
        NotificationCauseRow,
        DepartureRow,
        IdempotencyKeyRow,
        UserIdempotencyKeyRow,
    ]
    async with database.transaction() as session:
        left = [await session.scalar(select(func.count()).select_from(one)) for one in tables]
    assert left == [1] * len(tables)
