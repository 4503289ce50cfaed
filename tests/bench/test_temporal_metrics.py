"""What Temporal counts of itself, read from a real development server."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from bench.children import running
from bench.temporal_metrics import NoMetrics, counters, metrics_address
from networks.http_client import HttpClient
from stack import binaries
from stack.children import Child
from stack.ports import HOST
from stack.readiness import temporal_serves
from stack.services import NAMESPACE
from tests.free_port import free_port
from tests.patience import PATIENCE

STARTS = 3


async def _reaches(address: str, http: HttpClient, name: str, by: str, counted: str) -> None:
    """Return when it shows as many as were started: it shows anew about once a second."""
    async with asyncio.timeout(PATIENCE):
        shown = 0
        while shown != STARTS:
            await asyncio.sleep(0.1)
            shown = (await counters(address, http, name, by=by, namespace=NAMESPACE))[counted]
            assert shown <= STARTS


@pytest.mark.end_to_end
async def test_starts_are_counted_as_its_cloud_would_bill_them(tmp_path: Path) -> None:
    port = free_port()
    server = Child(
        name="temporal",
        command=(
            *(str(binaries.temporal()), "server", "start-dev", "--headless", "--ip", HOST),
            *("--port", str(port), "--log-level", "error"),
        ),
        env=dict(os.environ),
        ready=temporal_serves(f"{HOST}:{port}", namespace=NAMESPACE),
        shows_its_stopping=False,
    )
    http = HttpClient(timeout=timedelta(seconds=10), allow_private_addresses=True)
    try:
        async with running(tmp_path, [server]) as supervisor:
            address = await metrics_address(supervisor.pid("temporal"), http)
            client = await Client.connect(f"{HOST}:{port}", namespace=NAMESPACE)
            for number in range(STARTS):
                await client.start_workflow("Nobody", id=str(number), task_queue="nobody")
            await _reaches(address, http, "action", "action_type", "grpc_StartWorkflowExecution")
            await _reaches(
                address, http, "persistence_requests", "operation", "CreateWorkflowExecution"
            )
    finally:
        await http.close()


async def test_a_process_without_them_is_said_to_have_none() -> None:
    http = HttpClient(timeout=timedelta(seconds=1), allow_private_addresses=True)
    try:
        with pytest.raises(NoMetrics, match="has Temporal's metrics"):
            await metrics_address(os.getpid(), http)
    finally:
        await http.close()
