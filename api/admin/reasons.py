"""Why something is done: asked for with every act."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.texts import require_plain

Why = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(require_plain),
    Field(description="Why; kept in the audit log.", examples=["Sells what does not exist."]),
]


class Reasoned(BaseModel):
    """An act that needs nothing but its reason."""

    model_config = ConfigDict(extra="forbid")

    reason: Why
