"""Admission as it is decided here: suspensions, the accounts' quotas, switches and circuits."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.switches import HoldRules
from storage.admission import Candidate, Refusal
from storage.moderation.suspensions import suspended
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
        shut_out = await suspended(session, candidates, self._now())
        asked = [one for one in candidates if one.delivery_id not in shut_out]
        full = await exhausted(session, asked, self._quotas)
        free = [one for one in asked if one.delivery_id not in full]
        return {**shut_out, **full, **await held(session, free, self._now(), self._rules)}
