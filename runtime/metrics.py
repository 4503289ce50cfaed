"""What this process counts for Prometheus: lateness, outcomes, requests."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from domain.deliveries import DeliveryStatus
from domain.networks import Network

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST

_LATENESS: Final = (0.05, 0.1, 0.25, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86400)
"""Seconds: closest around the aim, with room for what waited for a quota or a person."""

_REQUESTS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds."""

_EVERYBODY: Final = "all"


class Metrics:
    """One process's counts since it started; nothing of them is kept."""

    def __init__(self, *, by_workspace: bool) -> None:
        """Without `by_workspace` all tenants count together: each is a series for each bucket."""
        self._by_workspace = by_workspace
        self._registry = CollectorRegistry()
        self._lateness = Histogram(
            "punctual_lateness_seconds",
            "When the request left, minus the publish time asked for, of what was published.",
            ("network", "workspace"),
            buckets=_LATENESS,
            registry=self._registry,
        )
        self._outcomes = Counter(
            "punctual_deliveries",
            "Deliveries that came to an end, by what it was.",
            ("network", "outcome"),
            registry=self._registry,
        )
        self._requests = Histogram(
            "punctual_request_seconds",
            "What the API took to answer.",
            ("method", "route", "status"),
            buckets=_REQUESTS,
            registry=self._registry,
        )

    def published(self, network: Network, workspace_id: UUID, lateness: timedelta) -> None:
        """A delivery is public."""
        workspace = str(workspace_id) if self._by_workspace else _EVERYBODY
        self._lateness.labels(network.value, workspace).observe(lateness.total_seconds())
        self._outcomes.labels(network.value, DeliveryStatus.PUBLISHED.value).inc()

    def not_published(self, network: Network, outcome: DeliveryStatus) -> None:
        """A delivery came to another end: failed, unconfirmed or cancelled."""
        self._outcomes.labels(network.value, outcome.value).inc()

    def answered(self, *, method: str, route: str, status: int, took: timedelta) -> None:
        """The API answered; `route` is its pattern and never a path, which would have ids."""
        self._requests.labels(method, route, str(status)).observe(took.total_seconds())

    def exposition(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)
