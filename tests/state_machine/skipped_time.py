"""One clock for everybody: the time-skipping server's, held still while a delivery is armed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from temporalio.testing import WorkflowEnvironment

ALMOST = timedelta(milliseconds=30)
"""How far before its second the clock stops for an armed delivery: a crowd is claimed by then, and
not yet released."""

PATIENCE_SECONDS = 10.0
"""For a crowd to be claimed before its second; one that does not claim at all is let on then."""

_SERVICES = ("api.posts.service", "api.posts.changes", "api.deliveries.service")


class SkippedTime:
    """Follows the server's clock at each dispatch and step; shows the same moment in between.

    A dispatch comes a lead before its second. What is due within the step that runs is let to its
    second at once; what is due later finds the clock standing just before it, until a later step
    lets it on. So the clock is ahead of the server's by no more than the lead.
    """

    def __init__(self, environment: WorkflowEnvironment) -> None:
        """Shows the real time until the first step."""
        self._environment = environment
        self._now = datetime.now(UTC)
        self._until = self._now
        self._dispatched: list[datetime] = []
        self.claims_ahead = False
        """Whether one delivery is a crowd: then its second comes when that may be claimed."""

    def __call__(self) -> datetime:
        """The present moment, UTC."""
        return self._now

    @property
    def is_armed(self) -> bool:
        """Whether some dispatch waits for its second."""
        return any(second > self._now for second in self._dispatched)

    @property
    def is_busy(self) -> bool:
        """Whether some dispatch is at work."""
        return any(second <= self._now for second in self._dispatched)

    async def catch_up(self) -> None:
        """Show what the server shows, if that is later."""
        self._now = max(self._now, await self._environment.get_current_time())

    async def pass_until(self, moment: datetime) -> None:
        """Let everything happen that is to happen until then, armed deliveries first."""
        await self.catch_up()
        self._until = max([moment, self._now, *self._dispatched])
        self._now = max([self._now, *self._dispatched])
        remaining = moment - await self._environment.get_current_time()
        if remaining > timedelta(0):
            await self._environment.sleep(remaining)
        await self.catch_up()

    @asynccontextmanager
    async def dispatch(self, publish_at: datetime, asked_at: datetime) -> AsyncIterator[None]:
        """A worker is at work on a delivery of that second; the server asked for it then.

        A busy machine may come to it after its second, for which it was asked in time: a crowd is
        claimed ahead all the same.
        """
        if not (self.claims_ahead and asked_at < publish_at):
            await self.catch_up()
        is_due = publish_at <= self._until
        at_once = is_due and not self.claims_ahead
        self._let_come(publish_at if at_once else publish_at - ALMOST)
        if is_due and not at_once:
            asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._let_come, publish_at)
        self._dispatched.append(publish_at)
        try:
            yield
        finally:
            self._dispatched.remove(publish_at)
            self.claimed(publish_at)

    def claimed(self, publish_at: datetime) -> None:
        """A crowd of that second is claimed, or need not be: nothing waits for it any more."""
        if publish_at <= self._until:
            self._let_come(publish_at)

    def _let_come(self, moment: datetime) -> None:
        self._now = max(self._now, moment)

    def show_to_the_api(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the API's services read this clock."""
        for service in _SERVICES:
            monkeypatch.setattr(f"{service}.datetime", _Now(self))


class _Now:
    """What the services ask for the present moment."""

    def __init__(self, clock: SkippedTime) -> None:
        """`clock` tells."""
        self._clock = clock

    def now(self, zone: tzinfo) -> datetime:
        """The present moment."""
        return self._clock().astimezone(zone)
