"""How activities are retried and timed, named by what repeating them costs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType

from contracts.publishing import GIVE_UP_AFTER, DeliveryRef, PublishPostRequest
from contracts.task_queues import ORCHESTRATION, publish_queue

EXACT_LEAD = 2
"""The request's version from which its arm lead is meant exactly."""

AT_ONCE = 3
"""The version from which what is due when it starts is tried by the worker that runs it."""

SEND_BUDGET = timedelta(minutes=10)
"""One dispatch after its second has come: every part of a long thread, each within its timeout."""

_QUIET_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)
"""For what the activity did not class itself: a database away, a worker killed.

Where the activity knows how long to wait it says so with its failure, and that overrides this.
"""


def look_before_repeating(
    request: PublishPostRequest, ref: DeliveryRef, arm_lead: timedelta
) -> Mapping[str, Any]:
    """Publishing. Safe to repeat because the body settles its open attempt before anything else.

    A cancelled dispatch is waited for: it may be in the middle of a send, whose end must be known.
    Its heartbeat timeout covers the wait for the second: thousands wait at once without a beat, and
    a worker that dies meanwhile is noticed a heartbeat timeout after the second at the latest.
    """
    notice = request.heartbeat_timeout
    if request.version >= EXACT_LEAD:
        notice += arm_lead
    return {
        "task_queue": publish_queue(ref.network),
        "start_to_close_timeout": arm_lead + SEND_BUDGET,
        "schedule_to_close_timeout": GIVE_UP_AFTER,
        "heartbeat_timeout": notice,
        "retry_policy": _QUIET_RETRY,
        "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        "priority": _priority(request),
        "summary": f"publish to {ref.network}",
    }


def tries_at_once() -> Mapping[str, Any]:
    """Publishing what is due, once, without a trip through Temporal for each step.

    It ends within the workflow task that begins it, or keeps that alive. A worker that dies in its
    middle is noticed when that task times out, ten seconds after it was last heard of.
    """
    return {
        "start_to_close_timeout": SEND_BUDGET,
        "retry_policy": RetryPolicy(maximum_attempts=1),
        "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }


def free_to_repeat(
    request: PublishPostRequest, ref: DeliveryRef, *, within: timedelta
) -> Mapping[str, Any]:
    """Preparing. Nothing becomes public, and what is not ready in time is done at the moment."""
    return {
        "task_queue": publish_queue(ref.network),
        "schedule_to_close_timeout": within,
        "heartbeat_timeout": request.heartbeat_timeout,
        "retry_policy": _QUIET_RETRY,
        "priority": _priority(request),
        "summary": f"prepare for {ref.network}",
    }


def writes_down() -> Mapping[str, Any]:
    """Bookkeeping in our own database, repeated until it is done."""
    return {
        "task_queue": ORCHESTRATION,
        "start_to_close_timeout": timedelta(seconds=30),
        "retry_policy": _QUIET_RETRY,
    }


def sweeps(*, within: timedelta) -> Mapping[str, Any]:
    """The sweep: repeating it finds what is left to repair."""
    return {
        "task_queue": ORCHESTRATION,
        "start_to_close_timeout": within / 2,
        "schedule_to_close_timeout": within,
        "retry_policy": _QUIET_RETRY,
        "summary": "compare what is due with what runs",
    }


def _priority(request: PublishPostRequest) -> Priority:
    return Priority(priority_key=request.priority, fairness_key=str(request.workspace_id))
