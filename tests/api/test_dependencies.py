"""Nothing that every request needs waits for a thread.

FastAPI runs what is not `async` in a pool of threads. Each such hop waits for Python's interpreter
lock, and under load for milliseconds, which nothing gains: none of this blocks.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute


def test_routes_and_what_they_depend_on_run_on_the_event_loop(app: FastAPI) -> None:
    """Write `async def`, also where nothing is awaited."""
    in_threads = {
        f"{call.__module__}.{call.__qualname__}"
        for route in _routes(app.router.routes)
        for call in (route.endpoint, *_needed(route.dependant))
        if not _is_async(call)
    }
    assert in_threads == set()


def _routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from _routes(included.routes)


def _needed(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for one in dependant.dependencies:
        if one.call is not None:
            yield one.call
        yield from _needed(one)


def _is_async(call: Callable[..., Any]) -> bool:
    function = call if inspect.isfunction(call) else type(call).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
