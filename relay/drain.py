"""The loop that lets go of what was held, at each network's pace."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from domain.networks import Network
from domain.switches import HoldRules
from storage.database import Database, DatabaseUnavailable
from storage.switches import circuits, turns
from storage.switches.release import release

log = structlog.get_logger(__name__)

TICK: Final = 0.2
"""Seconds between two releases while there is something to let go."""

IDLE: Final = 1.0
"""Seconds between two looks while nothing is held, or all of it still is."""

FORGET_EVERY: Final = timedelta(minutes=10)
"""Between two times that circuits which have been quiet for as long are forgotten."""


class Drain:
    """Releases for all networks; several of them, in several processes, keep one pace together."""

    def __init__(
        self,
        *,
        database: Database,
        rules: HoldRules,
        paces: Mapping[Network, float],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`paces` are deliveries a second, by network."""
        self._database = database
        self._rules = rules
        self._paces = paces
        self._clock = clock
        self._stopping = asyncio.Event()
        self._away = False
        self._forgot_at = clock()

    def stop(self) -> None:
        """Return from `run` after the release that is under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            released = await self._release_somewhere()
            try:
                await asyncio.wait_for(self._stopping.wait(), TICK if released else IDLE)
            except TimeoutError:
                continue

    async def _release_somewhere(self) -> int:
        """One release for each network to which something is held; how many turns are over."""
        try:
            released = await self.release_all()
        except DatabaseUnavailable as error:
            if not self._away:
                log.warning("database does not answer", error=type(error).__name__)
            self._away = True
            return 0
        self._away = False
        return released

    async def release_all(self) -> int:
        """The same. Raises DatabaseUnavailable."""
        async with self._database.transaction() as session:
            networks = await turns.held_networks(session)
            if self._clock() - self._forgot_at > FORGET_EVERY:
                self._forgot_at = self._clock()
                await circuits.forget_quiet(session, before=self._clock() - FORGET_EVERY)
        released = 0
        for network in networks:
            async with self._database.transaction() as session:
                released += await release(
                    session,
                    network,
                    self._clock(),
                    rules=self._rules,
                    pace=self._paces[network],
                )
        if released:
            log.info("released", turns=released, networks=[str(network) for network in networks])
        return released
