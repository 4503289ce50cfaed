"""Temporal's dev server for tests: a real one, with a clock that nobody moves."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment

from stack import binaries
from tests.free_port import free_port

START_LIMIT = timedelta(seconds=60)
"""On a busy machine."""


@asynccontextmanager
async def running_temporal(
    search_attributes: Sequence[SearchAttributeKey[Any]] = (),
) -> AsyncIterator[Client]:
    """A client of a server that keeps nothing."""
    quiet = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    environment = await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        runtime=Runtime(telemetry=TelemetryConfig(logging=quiet)),
        port=free_port(),
        search_attributes=search_attributes,
        dev_server_existing_path=str(binaries.temporal()),
        dev_server_log_level="never",
        dev_server_startup_timeout=START_LIMIT,
    )
    async with environment:
        yield environment.client
