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

STOP_POLL = timedelta(seconds=3)
"""Between two looks whether the worker shuts down."""

SAFETY = timedelta(seconds=6)
"""What a heartbeat may take on a busy machine."""

Clock = Callable[[], datetime]
"""Tells the present moment, UTC."""


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


async def wait_for_leaving(leaves: "asyncio.Future[T]", give_up: Callable[[], bool]) -> T:
    """What `leaves` brings, heartbeating where that is needed before.

    While `give_up` still succeeds, a withdrawn dispatch is let go, and a worker that shuts down
    raises ApplicationError(WorkerStopping), so that another one takes over at once.
    """
    beat = min(_beat(), STOP_POLL.total_seconds())
    waited = 0.0
    while not leaves.done():
        try:
            await asyncio.wait({leaves}, timeout=beat)
        except asyncio.CancelledError:
            if give_up():
                raise
            continue
        waited += beat
        if waited >= _beat():
            _heartbeat()
            waited = 0.0
        if not leaves.done() and activity.is_worker_shutdown() and give_up():
            raise ApplicationError(
                "The worker stops before the publish time; another one takes over.",
                type=FailureType.WORKER_STOPPING,
                category=PLANNED,
                next_retry_delay=timedelta(milliseconds=200),
            )
    return leaves.result()


async def see_it_through(work: "asyncio.Task[T]") -> T:
    """Wait for a send to end, heartbeating; a withdrawn dispatch still learns how it ended."""
    beat = _beat()
    while not work.done():
        try:
            await asyncio.wait({work}, timeout=beat)
        except asyncio.CancelledError:
            # Cancelling a request on its way would only hide what became of it.
            continue
        if not work.done():
            _heartbeat()
    return work.result()


def _heartbeat() -> None:
    """Say that this worker lives; for a local activity its workflow task says so."""
    if not activity.info().is_local:
        activity.heartbeat()


def _beat() -> float:
    """Seconds until a heartbeat is needed, as late as is safe: thousands wait at once."""
    timeout = (activity.info().heartbeat_timeout or timedelta(seconds=30)).total_seconds()
    return max(timeout / 2, timeout - SAFETY.total_seconds())
