"""For workflow tests: a time-skipping server and workers that follow a script."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflows.scheduled_posts import Posts
from tests.workflows.temporal_server import scripted_workers, time_skipping_server


@pytest.fixture
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server of the test's own: its clock is one for all posts."""
    async with time_skipping_server() as environment:
        yield environment


@pytest.fixture
async def posts(time_skipping: WorkflowEnvironment) -> AsyncIterator[Posts]:
    """Schedules posts there."""
    async with scripted_workers(time_skipping) as scheduling:
        yield scheduling
