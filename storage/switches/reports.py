"""What one process sees of the networks, told to the circuits that all processes share.

Sends are counted in memory. They are told to the database only when something failed lately or a
circuit is not closed, at most once a second; a failure with the successes of the moments before it,
so that a few failures of a crowded second do not stop a network.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from domain.circuits import CircuitPlan, Sends
from domain.networks import Network
from storage.database import Database, DatabaseUnavailable
from storage.switches import circuits
from storage.switches.circuits import Outcome

log = structlog.get_logger(__name__)

EVERY: Final = 1.0
"""Seconds between two reports."""


@dataclass(slots=True)
class _Second:
    """The sends of one network that were noted within one second."""

    noted_at: datetime
    counts: dict[UUID, list[int]] = field(default_factory=dict)
    """By account: failures, successes."""
    started_at: dict[UUID, datetime] = field(default_factory=dict)
    """By account: when the earliest of them began."""


class CircuitReports:
    """Counts for one process."""

    def __init__(
        self, database: Database, plan: CircuitPlan, clock: Callable[[], datetime]
    ) -> None:
        """`clock` tells the present moment, UTC."""
        self._database = database
        self._plan = plan
        self._clock = clock
        self._seen: dict[Network, deque[_Second]] = {}
        self._failed: set[Network] = set()
        self._disturbed: frozenset[Network] = frozenset()
        self._noted_at: datetime | None = None
        self._stopping = asyncio.Event()
        self._away = False

    def note(
        self, network: Network, account_id: UUID, *, failed: bool, started_at: datetime
    ) -> None:
        """Count one send that ended; `failed` when it speaks of the network, not of the post."""
        now = self._noted_at = self._clock()
        seconds = self._seen.setdefault(network, deque())
        while seconds and seconds[0].noted_at < now - self._plan.piece:
            seconds.popleft()
        if not seconds or now - seconds[-1].noted_at >= timedelta(seconds=EVERY):
            seconds.append(_Second(noted_at=now))
        last = seconds[-1]
        last.counts.setdefault(account_id, [0, 0])[0 if failed else 1] += 1
        last.started_at[account_id] = min(started_at, last.started_at.get(account_id, started_at))
        if failed:
            self._failed.add(network)

    def stop(self) -> None:
        """Tell what is left, and return from `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY)
            await self.tell()

    async def tell(self) -> None:
        """Tell what was noted and matters; learn which networks matter by now."""
        if self._noted_at is None or self._noted_at < self._clock() - self._plan.window:
            return
        outcomes = self._taken(self._failed | self._disturbed)
        now = self._clock()
        try:
            async with self._database.transaction() as session:
                if outcomes:
                    await circuits.report(session, outcomes, now, self._plan)
                self._disturbed = await circuits.disturbed_networks(session, now, self._plan)
        except DatabaseUnavailable as error:
            # Counts that are lost make a circuit open later, and nothing worse.
            if not self._away:
                log.warning("circuits not told", error=type(error).__name__)
            self._away = True
            return
        self._away = False

    def _taken(self, networks: set[Network] | frozenset[Network]) -> list[Outcome]:
        """What was noted of these networks and not told yet."""
        self._failed.clear()
        return [
            Outcome(
                network=network,
                account_id=account_id,
                sends=Sends(
                    started_at=second.started_at[account_id],
                    failures=failures,
                    successes=successes,
                ),
            )
            for network in networks
            for second in self._seen.pop(network, ())
            for account_id, (failures, successes) in second.counts.items()
        ]
