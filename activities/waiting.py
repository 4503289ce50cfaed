"""Waiting inside a worker: to be claimed for the exact second, and for a send to end."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationErrorCategory

T = TypeVar("T")

PLANNED = ApplicationErrorCategory.BENIGN
"""To come back later is no failure: the SDK does not log it as one."""

SAFETY = timedelta(seconds=6)
"""What a heartbeat may take on a busy machine."""

LOOK = timedelta(milliseconds=250)
"""Between two looks at the clock, which may be set."""

Clock = Callable[[], datetime]
"""Tells the present moment, UTC."""


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


async def wait_until(moment: datetime, clock: Clock) -> None:
    """Return when the clock shows it, UTC, and never before: a timer may end too early."""
    while (wait := (moment - clock()).total_seconds()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(min(wait, LOOK.total_seconds()))


async def wait_for_claim(claimed: "asyncio.Future[Any]", give_up: Callable[[], bool]) -> None:
    """Return when `claimed` is done, heartbeating where that is needed before.

    While `give_up` still succeeds, a withdrawn dispatch is let go.
    """
    while not claimed.done():
        try:
            await asyncio.wait({claimed}, timeout=_to_next_beat())
        except asyncio.CancelledError:
            if give_up():
                raise
            continue
        if not claimed.done():
            _heartbeat()


async def see_it_through(work: "asyncio.Task[T]") -> T:
    """Wait for a send to end, heartbeating; a withdrawn dispatch still learns how it ended."""
    while not work.done():
        try:
            await asyncio.wait({work}, timeout=_to_next_beat())
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


def _to_next_beat() -> float:
    """Seconds until a heartbeat is needed, as late as is safe: thousands wait at once.

    Counted from the start of the dispatch, however many waits it is made of.
    """
    info = activity.info()
    timeout = (info.heartbeat_timeout or timedelta(seconds=30)).total_seconds()
    beat = max(timeout / 2, timeout - SAFETY.total_seconds())
    return beat - (system_clock() - info.started_time).total_seconds() % beat
