"""Admission as it is decided here: first the accounts' quotas, then switches and circuits."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.switches import HoldRules
from storage.admission import Candidate, Refusal
from storage.quotas import Quotas, exhausted
from storage.switches.holding import held


class Gate:
    """Asks everything that may hold a delivery back."""

    def __init__(self, quotas: Quotas, rules: HoldRules, now: Callable[[], datetime]) -> None:
        """`now` tells the present moment, UTC."""
        self._quotas = quotas
        self._rules = rules
        self._now = now

    async def refused(
        self, session: AsyncSession, candidates: Sequence[Candidate]
    ) -> Mapping[UUID, Refusal]:
        """By delivery, those that may not be sent now.

        Circuits are asked last and only for what has room: what they let through is a probe.
        """
        full = await exhausted(session, candidates, self._quotas)
        free = [one for one in candidates if one.delivery_id not in full]
        return {**full, **await held(session, free, self._now(), self._rules)}
