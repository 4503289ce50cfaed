"""Whether this process lives, and whether it can work."""

import asyncio
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.problem_answers import refuses
from api.problems import Unavailable
from api.resources import WithResources
from storage.database import DatabaseUnavailable

_PATIENCE: Final = 2.0
"""Seconds; a supervisor's own patience is rarely longer."""

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """All is well."""

    status: Annotated[Literal["ok"], Field(examples=["ok"])] = "ok"


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Answers as long as the process does."""
    return Health()


@router.get("/readyz", responses=refuses(503), summary="Can the process work?")
async def readyz(resources: WithResources) -> Health:
    """Asks the database. Temporal is not needed: posts are accepted without it."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await resources.database.ping()
    except (DatabaseUnavailable, TimeoutError) as error:
        raise Unavailable("The database does not answer.", slug="not-ready") from error
    return Health()
