"""How an admin names what to hold."""

from typing import Annotated

from pydantic import Field

from api.switches.schemas import SwitchWanted
from domain.switches import Reach


class AnySwitchWanted(SwitchWanted):
    """Hold something, or hold it no longer."""

    reach: Annotated[Reach, Field(description="How far it reaches.")]
    subject: Annotated[
        str,
        Field(
            max_length=64,
            pattern=r"^[^\x00]*$",
            description="A network's name, or the id of a workspace or account; empty for"
            " everything.",
            examples=["x"],
        ),
    ] = ""
