"""The sweep's workflow keeps the report of its one activity."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError

from contracts.sweeping import DeliveryPlace, SweepPlace, SweepReport, SweepRequest
from contracts.task_queues import ORCHESTRATION
from domain.ids import new_id
from tests.workflows import scenarios
from tests.workflows.scheduled_posts import AHEAD, Posts


async def test_keeps_what_was_found_and_repaired(posts: Posts) -> None:
    report = SweepReport(due=3, restarted=2, stopped=1)
    sweep = await posts.sweep(report)
    assert await sweep.ends() == report
    assert posts.swept == [SweepRequest(ahead=AHEAD)]


async def test_goes_on_where_the_last_one_stopped(posts: Posts) -> None:
    place = SweepPlace(
        delivery=DeliveryPlace(
            publish_at=datetime(2026, 7, 1, 9, tzinfo=UTC), delivery_id=new_id()
        ),
        workflows="cGFnZSAy",
    )
    places = (place, *[SweepPlace()] * 20)
    reports = [SweepReport(due=1, restarted=0, stopped=0, reached=one) for one in places]
    sweep = await posts.sweep(*reports, cron="* * * * *")
    while len(posts.swept) < 3:
        await posts.let_pass(timedelta(minutes=1))
    await sweep.handle.terminate()
    assert [one.after for one in posts.swept[:3]] == [SweepPlace(), place, SweepPlace()]


async def test_is_repeated_when_it_fails(posts: Posts) -> None:
    sweep = await scenarios.swept(posts)
    assert await sweep.ends() == SweepReport(due=3, restarted=2, stopped=1)
    assert len(posts.swept) == 2


async def test_leaves_what_keeps_failing_to_the_next_one(posts: Posts) -> None:
    sweep = await posts.sweep(*[OSError("not now")] * 100)
    with pytest.raises(WorkflowFailureError) as caught:
        await sweep.ends()
    assert isinstance(caught.value.cause, ActivityError)
    assert 2 < len(posts.swept) < 20


async def test_runs_where_the_workflows_run(posts: Posts) -> None:
    sweep = await scenarios.swept(posts)
    queues = [
        event.activity_task_scheduled_event_attributes.task_queue.name
        for event in (await sweep.history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert queues == [ORCHESTRATION]
