"""Who may be sent now: asked for many at once, in the transaction that claims them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.networks import Network
from storage.outcomes import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A part that is about to be claimed."""

    delivery_id: UUID
    post_id: UUID
    workspace_id: UUID
    account_id: UUID
    network: Network
    part: int
    leaves_at: datetime
    """When its request will leave, UTC: the publish time, or now when that is past."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why it may not be sent now."""

    until: datetime | None
    """When to ask again, UTC; None when a person has to decide first."""
    reason: Reason


class Admission(Protocol):
    """Decides who has to wait: for a quota, for a switch."""

    async def refused(
        self, session: AsyncSession, candidates: Sequence[Candidate]
    ) -> Mapping[UUID, Refusal]:
        """By delivery, those that may not be sent now; everybody else is admitted."""
        ...


class Everybody:
    """Admits everybody: nothing is held, and no account has a quota."""

    async def refused(
        self,
        session: AsyncSession,  # noqa: ARG002
        candidates: Sequence[Candidate],  # noqa: ARG002
    ) -> Mapping[UUID, Refusal]:
        """Nobody."""
        return {}
