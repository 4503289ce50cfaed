"""What is seen while publishing: counted for Prometheus, and told to the networks' circuits."""

from datetime import datetime, timedelta
from uuid import UUID

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from runtime.metrics import Metrics
from storage.switches.reports import CircuitReports


class Watch:
    """The activities' observer in this process."""

    def __init__(self, metrics: Metrics, circuits: CircuitReports) -> None:
        """Both only count, and never wait."""
        self._metrics = metrics
        self._circuits = circuits

    def published(self, network: Network, workspace_id: UUID, lateness: timedelta) -> None:
        """A delivery's first part became public, so long after its publish time."""
        self._metrics.published(network, workspace_id, lateness)

    def ended(self, network: Network, status: DeliveryStatus) -> None:
        """A dispatch found its delivery settled."""
        if status is not DeliveryStatus.PUBLISHED:
            self._metrics.not_published(network, status)

    def answered(
        self, network: Network, account_id: UUID, *, failed: bool, started_at: datetime
    ) -> None:
        """A call ended; `failed` when that speaks of the network and not of the post."""
        self._circuits.note(network, account_id, failed=failed, started_at=started_at)
