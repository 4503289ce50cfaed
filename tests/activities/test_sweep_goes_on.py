"""What has waited for long does not hide from the sweep what came later."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import ActivityEnvironment

from activities.sweeping import PostSweeping
from contracts import search_attributes
from contracts.publishing import PUBLISH_POST
from contracts.sweeping import SweepReport, SweepRequest
from contracts.workflow_ids import post_workflow_id
from domain.content import Content
from domain.ids import new_id
from domain.networks import Network
from storage.database import Database
from storage.tables import OutboxRow
from tests.activities.dispatcher import eventually
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
    one_after_the_other = sweeps(database, temporal, limit=limit)
    reports = [await anext(one_after_the_other) for _ in range(3)]
    assert sum(report.restarted for report in reports) == 1


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_workflows_that_wait_hide_no_idle_one(
    database: Database, temporal: Client, author: Author, limit: int
) -> None:
    account = await author.connect(Network.X)
    hour = datetime.now(UTC) - timedelta(hours=1)
    waiting = [await author.write(account, publish_at=hour) for _ in range(2)]
    gone = new_id()

    async def start(post_id: UUID) -> None:
        await temporal.start_workflow(
            PUBLISH_POST,
            id=post_workflow_id(post_id),
            task_queue="nobody",
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(search_attributes.POST, str(post_id)),
                    SearchAttributePair(search_attributes.PUBLISH_AT, hour),
                ]
            ),
        )

    for post_id in (gone, *(post.id for post in waiting)):  # the newest is listed first
        await start(post_id)

    async def are_listed() -> bool:
        query = f"WorkflowType = '{PUBLISH_POST}' AND ExecutionStatus = 'Running'"
        return (await temporal.count_workflows(query)).count >= 3

    await eventually(are_listed)
    assert await status(temporal, gone) is WorkflowExecutionStatus.RUNNING
    async for _ in sweeps(database, temporal, limit=limit):
        if await status(temporal, gone) is WorkflowExecutionStatus.TERMINATED:
            break
    for post in waiting:
        assert await status(temporal, post.id) is WorkflowExecutionStatus.RUNNING


async def status(temporal: Client, post_id: UUID) -> WorkflowExecutionStatus | None:
    """What became of the post's workflow."""
    return (await temporal.get_workflow_handle(post_workflow_id(post_id)).describe()).status


async def sweeps(database: Database, temporal: Client, *, limit: int) -> AsyncIterator[SweepReport]:
    """One after the other, each on a worker of its own."""
    request = SweepRequest(ahead=timedelta(0))
    while True:
        sweeping = PostSweeping(database, temporal, limit=limit)
        report = await ActivityEnvironment().run(sweeping.sweep_posts, request)
        yield report
        request = replace(request, after=report.reached)
