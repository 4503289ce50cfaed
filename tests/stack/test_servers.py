"""The real PostgreSQL and Temporal: what they hold survives stops, kills and crashes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from contracts import search_attributes
from stack.running import Stack, running_stack
from storage.connecting import make_engine
from tests.free_port import free_ports

pytestmark = pytest.mark.end_to_end
SERVERS = {"postgres", "temporal"}


@pytest.fixture
async def stack(home_path: Path) -> AsyncIterator[Stack]:
    async with running_stack(home_path, free_ports(), only=SERVERS) as stack:
        yield stack


async def _query(stack: Stack, *statements: str) -> object:
    engine = make_engine(stack.addresses.database)
    try:
        async with engine.begin() as connection:
            results = [await connection.execute(text(statement)) for statement in statements]
            return results[-1].scalar() if results[-1].returns_rows else None
    finally:
        await engine.dispose()


async def _workflow_status(stack: Stack, workflow: str) -> str | None:
    client = await Client.connect(stack.addresses.temporal)
    status = (await client.get_workflow_handle(workflow).describe()).status
    return status.name if status else None


async def _start_workflow(stack: Stack, workflow: str) -> None:
    client = await Client.connect(stack.addresses.temporal)
    attributes = TypedSearchAttributes([SearchAttributePair(search_attributes.POST, "p1")])
    await client.start_workflow(
        "Anything", id=workflow, task_queue="nobody", search_attributes=attributes
    )


async def test_data_survives_a_restart(home_path: Path) -> None:
    ports = free_ports()
    async with running_stack(home_path, ports, only=SERVERS) as stack:
        await _query(stack, "CREATE TABLE kept (id int)", "INSERT INTO kept VALUES (7)")
        await _start_workflow(stack, "kept")
        secrets = stack.home.secrets()
    async with running_stack(home_path, ports, only=SERVERS) as stack:
        assert await _query(stack, "SELECT id FROM kept") == 7
        assert await _workflow_status(stack, "kept") == "RUNNING"
        assert stack.home.secrets() == secrets


async def test_a_killed_server_starts_again_with_its_data(stack: Stack) -> None:
    engine = make_engine(stack.addresses.database)
    await _query(stack, "CREATE TABLE kept (id int)", "INSERT INTO kept VALUES (7)")
    await _start_workflow(stack, "kept")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        await stack.kill("postgres")
        await stack.start("postgres")
        await connection.invalidate()
    await engine.dispose()
    await stack.kill("temporal")
    await stack.start("temporal")
    assert await _query(stack, "SELECT id FROM kept") == 7
    assert await _workflow_status(stack, "kept") == "RUNNING"
