"""How requests say from when on a post is late."""

from typing import Annotated

from pydantic import Field

from domain.lateness import LONGEST, SHORTEST

LateAfter = Annotated[
    int, Field(ge=SHORTEST.total_seconds(), le=LONGEST.total_seconds(), examples=[3600])
]
"""Seconds."""
