"""What a process counts for Prometheus, and where a worker shows it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio.client import Client
from temporalio.service import ConnectConfig, ServiceClient

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from runtime.health import serve_health
from runtime.metrics import Metrics
from storage.database import Database
from tests.free_port import free_port

MINE, OTHER = uuid4(), uuid4()


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def test_lateness_is_told_by_network_and_workspace() -> None:
    metrics = Metrics(by_workspace=True)
    metrics.published(Network.X, MINE, timedelta(milliseconds=300))
    metrics.published(Network.X, MINE, timedelta(milliseconds=700))
    metrics.published(Network.X, OTHER, timedelta(hours=2))
    found = samples(metrics)
    assert found["punctual_lateness_seconds_count", "x", str(MINE)] == 2
    assert found["punctual_lateness_seconds_sum", "x", str(MINE)] == pytest.approx(1.0)
    assert found["punctual_lateness_seconds_bucket", "0.6", "x", str(MINE)] == 1
    assert found["punctual_lateness_seconds_bucket", "0.8", "x", str(MINE)] == 2
    assert found["punctual_lateness_seconds_bucket", "3600.0", "x", str(OTHER)] == 0
    assert found["punctual_lateness_seconds_bucket", "86400.0", "x", str(OTHER)] == 1


def test_with_many_tenants_they_count_together() -> None:
    metrics = Metrics(by_workspace=False)
    for workspace in (MINE, OTHER):
        metrics.published(Network.X, workspace, timedelta(0))
    assert samples(metrics)["punctual_lateness_seconds_count", "x", "all"] == 2
    assert str(MINE) not in metrics.exposition().decode()


def test_every_end_of_a_delivery_is_counted() -> None:
    metrics = Metrics(by_workspace=True)
    metrics.published(Network.FEED, MINE, timedelta(0))
    metrics.not_published(Network.FEED, DeliveryStatus.FAILED)
    metrics.not_published(Network.FEED, DeliveryStatus.FAILED)
    metrics.not_published(Network.FEED, DeliveryStatus.UNCONFIRMED)
    found = samples(metrics)
    assert found["punctual_deliveries_total", "feed", "published"] == 1
    assert found["punctual_deliveries_total", "feed", "failed"] == 2
    assert found["punctual_deliveries_total", "feed", "unconfirmed"] == 1


def test_two_processes_parts_do_not_share_counts() -> None:
    first, second = Metrics(by_workspace=True), Metrics(by_workspace=True)
    first.published(Network.X, MINE, timedelta(0))
    assert ("punctual_lateness_seconds_count", "x", str(MINE)) not in samples(second)


class Worker:
    """A worker's health port."""

    def __init__(self, http: httpx.AsyncClient, metrics: Metrics) -> None:
        """What it answers is asked with `http`."""
        self.http = http
        self.metrics = metrics


@pytest.fixture
async def absent_temporal() -> Client:
    """A client of a Temporal that is not there."""
    config = ConnectConfig(target_host=f"127.0.0.1:{free_port()}", lazy=True)
    return Client(await ServiceClient.connect(config))


@pytest.fixture(params=[True, False], ids=["counting", "not counting"])
async def worker(
    request: pytest.FixtureRequest, database: Database, absent_temporal: Client
) -> AsyncIterator[Worker]:
    """One that counts, and one that does not."""
    metrics, port = Metrics(by_workspace=True), free_port()
    shown = metrics if request.param else None
    async with (
        serve_health(port, database, absent_temporal, metrics=shown),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http,
    ):
        yield Worker(http, metrics)


async def test_a_worker_shows_its_counts_where_it_is_asked_for_its_health(
    worker: Worker, request: pytest.FixtureRequest
) -> None:
    worker.metrics.published(Network.X, MINE, timedelta(seconds=1))
    answer = await worker.http.get("/metrics")
    if "not counting" in request.node.name:
        assert "punctual_" not in answer.text
    else:
        assert answer.content == worker.metrics.exposition()
        assert answer.headers["content-type"].startswith("text/plain")
    assert (await worker.http.get("/healthz")).json() == {"status": "ok"}
