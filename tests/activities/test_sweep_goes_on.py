"""What has waited for long does not hide from the sweep what came later."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.sweeping import PostSweeping
from contracts.publishing import PUBLISH_POST
from contracts.sweeping import SweepRequest
from contracts.workflow_ids import post_workflow_id
from domain.content import Content
from domain.networks import Network
from storage.database import Database
from storage.tables import OutboxRow
from tests.activities.written_posts import Author
from tests.relay.conftest import temporal

__all__ = ["temporal"]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_sweep_goes_on_where_the_last_one_had_no_room_for_more(
    database: Database, temporal: Client, author: Author, limit: int
) -> None:
    account = await author.connect(Network.X)
    hour = datetime.now(UTC) - timedelta(hours=1)
    posts = [
        await author.write(
            account, content=Content(text=text), publish_at=hour + timedelta(minutes=minute)
        )
        for minute, text in enumerate(("Rye", "Wheat", "Spelt"))
    ]
    for post in posts[:-1]:
        await temporal.start_workflow(
            PUBLISH_POST, id=post_workflow_id(post.id), task_queue="nobody"
        )
    async with database.transaction() as session:
        await session.execute(delete(OutboxRow))  # whoever had the last one to start is gone
    sweeping = PostSweeping(database, temporal, limit=limit)
    sweep = SweepRequest(ahead=timedelta(0))
    reports = [await ActivityEnvironment().run(sweeping.sweep_posts, sweep) for _ in range(3)]
    assert sum(report.restarted for report in reports) == 1
