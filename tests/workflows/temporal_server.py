"""The time-skipping server, and workers on it whose activities follow a script."""

import sysconfig
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from contracts import search_attributes
from contracts.task_queues import ORCHESTRATION, publish_queue
from domain.networks import Network
from runtime.temporal import workflow_runner
from tests.temporal_dev_server import START_LIMIT
from tests.workflows.scheduled_posts import Posts
from tests.workflows.scripted_activities import (
    ScriptedBookkeeping,
    ScriptedPublishing,
    ScriptedSweeping,
)
from workflows.publish_post import PublishPost
from workflows.sweep_posts import SweepPosts

TEST_SERVER = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
IDENTITY = "recorder"
"""Stands in every history; the default one names the machine."""
NOTICE = timedelta(milliseconds=20)
"""Activities hear of their cancellation with a heartbeat: let these leave often."""


@cache
def _runtime() -> Runtime:
    """One for the process; it does not tell what the test server cannot do."""
    quiet = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    return Runtime(telemetry=TelemetryConfig(logging=quiet))


@asynccontextmanager
async def time_skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose clock jumps to the next event while somebody waits for a result."""
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter,
        identity=IDENTITY,
        runtime=_runtime(),
        test_server_existing_path=str(TEST_SERVER),
        test_server_startup_timeout=START_LIMIT,
    )
    async with environment:
        # The production start lists what is there first, which this server cannot.
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={
                    key.name: IndexedValueType.ValueType(key.indexed_value_type)
                    for key in search_attributes.ALL
                },
            )
        )
        yield environment


@asynccontextmanager
async def scripted_workers(
    environment: WorkflowEnvironment, publish_post: type[PublishPost] = PublishPost
) -> AsyncIterator[Posts]:
    """Every queue served; the posts scheduled through what this yields are published by script."""
    publishing = ScriptedPublishing(environment.get_current_time)
    bookkeeping = ScriptedBookkeeping(publishing)
    sweeping = ScriptedSweeping()
    orchestration = Worker(
        environment.client,
        task_queue=ORCHESTRATION,
        workflows=[publish_post, SweepPosts],
        activities=[
            publishing.publish_at_once,
            bookkeeping.give_up_delivery,
            sweeping.sweep_posts,
        ],
        workflow_runner=workflow_runner(),
        # Every workflow task replays from the start: what is not deterministic shows at once.
        max_cached_workflows=0,
        debug_mode=True,  # a busy machine is no deadlock
    )
    async with AsyncExitStack() as running:
        await running.enter_async_context(orchestration)
        for network in Network:
            worker = Worker(
                environment.client,
                task_queue=publish_queue(network),
                activities=[publishing.prepare_delivery, publishing.publish_delivery],
                max_heartbeat_throttle_interval=NOTICE,
                default_heartbeat_throttle_interval=NOTICE,
            )
            await running.enter_async_context(worker)
        yield Posts(environment, publishing, sweeping)
