"""What happens while somebody stands at a point."""

import asyncio

from crash.gatekeeper import Trap
from crash.points import FACTS, Process
from crash.scenarios import OURS, Fault, Scenario
from crash.system import System

ON_THE_WAY_SECONDS = 1.2
"""How long the network keeps a request before it publishes, where somebody dies meanwhile."""

FROZEN_SECONDS = 5.0
"""Longer than Temporal waits for a heartbeat."""

GOING_ON_SECONDS = 1.5
"""For a worker that stood still to go on, before whoever took over does."""

COMING_SECONDS = 30.0
"""After the publish time, before nobody is expected at the point any more."""


class Strikes:
    """Strikes the parts of one system."""

    def __init__(self, system: System) -> None:
        """Nothing happens before it is asked for."""
        self._system = system

    async def at(self, trap: Trap, scenario: Scenario, *, before: Trap | None) -> str:
        """Wait until they stand there, and do it; why it could not be done, or nothing.

        Where `before` is given, its worker is struck first, so that others come to the point.
        """
        fault, facts = scenario.fault, FACTS[scenario.point]
        if before is not None and not await self._strike_before(before, fault):
            return f"nobody came to {before.point}"
        if not await trap.sprung(timeout=facts.lead + COMING_SECONDS):
            return "nobody came to the point"
        if before is not None and fault is Fault.FREEZE:
            before.open()
            await asyncio.sleep(GOING_ON_SECONDS)
        elif fault in OURS:
            if not facts.holds:
                await asyncio.sleep(ON_THE_WAY_SECONDS / 4)
            await self._strike(fault, facts.process)
        return ""

    async def _strike_before(self, trap: Trap, fault: Fault) -> bool:
        """Kill who stands there; a frozen one goes on standing there until it is let go."""
        facts = FACTS[trap.point]
        if not await trap.sprung(timeout=facts.lead + COMING_SECONDS):
            return False
        if fault is Fault.FREEZE:
            await self._strike(fault, facts.process)
        else:
            await self._strike(Fault.KILL, facts.process)
            trap.open()
        return True

    async def _strike(self, fault: Fault, process: Process) -> None:
        match fault:
            case Fault.KILL:
                await self._system.restart(process)
            case Fault.FREEZE:
                await self._system.freeze(process, FROZEN_SECONDS)
            case _:
                await self._system.restart(fault)
