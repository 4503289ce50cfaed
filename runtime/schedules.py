"""The Temporal Schedules that this system keeps."""

from collections.abc import Callable
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from contracts.sweeping import SWEEP_POSTS, SWEEP_SCHEDULE, SweepRequest
from contracts.task_queues import ORCHESTRATION

CATCH_UP = timedelta(minutes=1)
"""After an outage one sweep is enough; Temporal's default would catch up on a year of them."""


async def keep_sweeping(client: Client, *, every: timedelta) -> None:
    """Make the sweep's schedule what it should be; harmless when it is so already."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            SWEEP_POSTS,
            SweepRequest(ahead=every),
            id=SWEEP_SCHEDULE,
            task_queue=ORCHESTRATION,
            execution_timeout=timedelta(minutes=5),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
    try:
        await client.create_schedule(SWEEP_SCHEDULE, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(SWEEP_SCHEDULE).update(_replace(schedule))


def _replace(schedule: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    def update(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=schedule)

    return update
