"""Activities are where workflows look for them, and every failure type is somebody's."""

import ast
import importlib
import inspect
import pkgutil
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import activities
import workflows
from contracts import activity_interfaces
from contracts.activity_interfaces import Publishing
from contracts.failures import FailureType
from contracts.task_queues import ORCHESTRATION, publish_queue
from domain.networks import Network
from runtime.publisher import build_publisher
from runtime.resources import Resources
from worker import PARTS, build_workers

INTERFACES = [
    interface
    for _, interface in inspect.getmembers(activity_interfaces, inspect.isclass)
    if interface.__module__ == activity_interfaces.__name__
]


def _methods(interface: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(interface, inspect.isfunction)}


def _registered(worker: Worker) -> list[str]:
    definitions = [
        activity._Definition.must_from_callable(body) for body in worker.config()["activities"]
    ]
    return [definition.name or "" for definition in definitions]


@pytest.fixture
async def workers(resources: Resources, time_skipping: WorkflowEnvironment) -> dict[str, Worker]:
    """All workers of the worker process, by queue; none of them runs."""
    built = build_workers(resources, time_skipping.client, PARTS, build_publisher(resources))
    assert max(Counter(worker.task_queue for worker in built).values()) == 1
    return {worker.task_queue: worker for worker in built}


@pytest.mark.parametrize("interface", INTERFACES)
def test_activities_are_named_as_their_methods(interface: type) -> None:
    for method in _methods(interface):
        definition = activity._Definition.must_from_callable(getattr(interface, method))
        assert definition.name == method


def test_every_queue_is_served_once(workers: dict[str, Worker]) -> None:
    assert set(workers) == {ORCHESTRATION, *map(publish_queue, Network)}


def test_every_activity_is_registered_once_where_it_is_called(workers: dict[str, Worker]) -> None:
    elsewhere = [_methods(one) for one in INTERFACES if one is not Publishing]
    assert sorted(_registered(workers[ORCHESTRATION])) == sorted(chain(*elsewhere))
    for network in Network:
        assert sorted(_registered(workers[publish_queue(network)])) == sorted(_methods(Publishing))


def test_every_workflow_runs_on_the_orchestration_queue_alone(workers: dict[str, Worker]) -> None:
    modules = [
        importlib.import_module(f"{workflows.__name__}.{found.name}")
        for found in pkgutil.iter_modules(workflows.__path__)
    ]
    defined = {
        one
        for module in modules
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__module__ == module.__name__ and workflow._Definition.from_class(one)
    }
    assert defined
    assert set(workers[ORCHESTRATION].config()["workflows"]) == defined
    for network in Network:
        assert not workers[publish_queue(network)].config()["workflows"]


def test_every_failure_type_is_raised_by_some_activity() -> None:
    folder = Path(inspect.getfile(activities)).parent
    named = {
        node.attr
        for source in folder.glob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == FailureType.__name__
    }
    assert named == {failure.name for failure in FailureType}
