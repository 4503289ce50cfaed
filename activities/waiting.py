"""Waiting inside a worker: for the exact second, and for a send to end."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from contracts.failures import FailureType

T = TypeVar("T")

PLANNED = ApplicationErrorCategory.BENIGN
"""To come back later is no failure: the SDK does not log it as one."""

Clock = Callable[[], datetime]
"""Tells the present moment, UTC."""


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


async def wait_for_the_second(publish_at: datetime, clock: Clock) -> None:
    """Return at `publish_at` and never before it, heartbeating meanwhile.

    Raises ApplicationError(WorkerStopping) when the worker shuts down first, so that another
    worker takes over at once.
    """
    if publish_at <= clock():
        return
    beat = _beat()
    stopping = asyncio.ensure_future(activity.wait_for_worker_shutdown())
    try:
        while (remaining := publish_at - clock()) > timedelta(0):
            activity.heartbeat()
            await asyncio.wait({stopping}, timeout=min(remaining.total_seconds(), beat))
            if stopping.done():
                raise ApplicationError(
                    "The worker stops before the publish time; another one takes over.",
                    type=FailureType.WORKER_STOPPING,
                    category=PLANNED,
                    next_retry_delay=timedelta(milliseconds=200),
                )
    finally:
        stopping.cancel()


async def see_it_through(work: asyncio.Task[T]) -> T:
    """Wait for a send to end, heartbeating; a withdrawn dispatch still learns how it ended."""
    beat = _beat()
    while not work.done():
        activity.heartbeat()
        try:
            await asyncio.wait({work}, timeout=beat)
        except asyncio.CancelledError:
            # Cancelling a request on its way would only hide what became of it.
            continue
    return work.result()


def _beat() -> float:
    """Seconds between two heartbeats."""
    return (activity.info().heartbeat_timeout or timedelta(seconds=30)).total_seconds() / 3
