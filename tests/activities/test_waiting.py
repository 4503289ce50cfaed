"""Waiting in a dispatch: the server hears in time that it lives, whatever it waits for."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from temporalio.testing import ActivityEnvironment

from activities.waiting import SAFETY, see_it_through, wait_for_claim
from tests.patience import PATIENCE

TIMEOUT = timedelta(minutes=5)


def nearly_due() -> ActivityEnvironment:
    """A dispatch that began so long ago that its next heartbeat is due."""
    environment = ActivityEnvironment()
    began = datetime.now(UTC) - (TIMEOUT - SAFETY) + timedelta(milliseconds=100)
    environment.info = replace(environment.info, heartbeat_timeout=TIMEOUT, started_time=began)
    return environment


async def test_a_claim_that_comes_late_is_waited_for_with_a_heartbeat() -> None:
    environment = nearly_due()
    claimed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    environment.on_heartbeat = lambda *_: claimed.set_result(None)
    async with asyncio.timeout(PATIENCE):
        await environment.run(wait_for_claim, claimed, lambda: True)


async def test_a_send_after_a_long_wait_beats_when_the_wait_would_have() -> None:
    environment = nearly_due()
    beaten = asyncio.Event()
    environment.on_heartbeat = lambda *_: beaten.set()

    async def send() -> bool:
        return await see_it_through(asyncio.create_task(beaten.wait()))

    async with asyncio.timeout(PATIENCE):
        assert await environment.run(send)
