"""Who is told of what happens: metrics, and the circuits that look after the networks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.deliveries import DeliveryStatus
from domain.networks import Network


class Observer(Protocol):
    """Told of every send, on the fast path too: it only counts."""

    def published(self, network: Network, workspace_id: UUID, lateness: timedelta) -> None:
        """A delivery's first part became public, so long after its publish time."""
        ...

    def ended(self, network: Network, status: DeliveryStatus) -> None:
        """A dispatch found its delivery settled."""
        ...

    def answered(
        self, network: Network, account_id: UUID, *, failed: bool, started_at: datetime
    ) -> None:
        """A call ended; `failed` when that speaks of the network and not of the post."""
        ...


@dataclass(frozen=True, slots=True)
class Unobserved:
    """Nobody is told."""

    def published(self, network: Network, workspace_id: UUID, lateness: timedelta) -> None:
        """Nothing."""

    def ended(self, network: Network, status: DeliveryStatus) -> None:
        """Nothing."""

    def answered(
        self, network: Network, account_id: UUID, *, failed: bool, started_at: datetime
    ) -> None:
        """Nothing."""


UNOBSERVED = Unobserved()
