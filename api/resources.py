"""How routes reach what the process was started with."""

from typing import Annotated

from fastapi import Depends, Request

from runtime.resources import Resources


async def resources_of(request: Request) -> Resources:
    """What the app was started with. Async, as every dependency: a plain one costs a thread."""
    resources: Resources = request.app.state.resources
    return resources


WithResources = Annotated[Resources, Depends(resources_of)]
"""Declares the process's resources in a route or another dependency."""
