"""Temporal with nothing around it: workflows of a due post's shape, that publish nothing.

What it gets through is more than anything that keeps a workflow for each post can.
"""

import asyncio
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from bench.concurrency import each
from bench.results import bench_folder
from relay.outbox_relay import AT_ONCE
from stack.ports import Ports
from stack.running import running_stack
from stack.services import NAMESPACE
from worker import WORKFLOW_TASKS

QUEUE = "bare"
PATIENCE = timedelta(minutes=1)


@workflow.defn(sandboxed=False)
class BarePost:
    """Waits for its networks, and ends."""

    @workflow.run
    async def run(self, networks: int) -> None:
        """All at once, within one workflow task."""
        waits = (
            workflow.start_local_activity("wait", network, start_to_close_timeout=PATIENCE)
            for network in range(networks)
        )
        await asyncio.gather(*waits)


async def bare_rate(posts: int, networks: int, latency_ms: float) -> float:
    """Deliveries a second, from the first to the last, on a fresh server. Raises StackError."""
    waited: dict[tuple[str | None, int], float] = {}
    all_waited = asyncio.Event()

    @activity.defn(name="wait")
    async def wait(network: int) -> None:
        # A workflow task that timed out does it again; it counts once.
        waited.setdefault((activity.info().workflow_id, network), time.monotonic())
        if len(waited) == posts * networks:
            all_waited.set()
        await asyncio.sleep(latency_ms / 1000)

    with bench_folder() as folder:
        async with running_stack(folder, Ports.free(), only=("temporal",), quiet=True) as stack:
            client = await Client.connect(stack.addresses.temporal, namespace=NAMESPACE)
            serving = Worker(
                client,
                task_queue=QUEUE,
                workflows=[BarePost],
                activities=[wait],
                max_concurrent_workflow_tasks=WORKFLOW_TASKS,
                max_concurrent_local_activities=WORKFLOW_TASKS * networks,
            )

            async def publish(number: int) -> None:
                await client.start_workflow(
                    BarePost.run,
                    networks,
                    id=f"post-{number}",
                    task_queue=QUEUE,
                    request_eager_start=True,
                )

            async with serving:
                await each(AT_ONCE, range(posts), publish)
                await all_waited.wait()
    moments = sorted(waited.values())
    return (len(moments) - 1) / (moments[-1] - moments[0])
