"""What is said about passwords."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.passwords.rules import NewPassword
from api.users.schemas import EmailAddress


class PasswordChange(BaseModel):
    """A new password in place of the one that is known."""

    model_config = ConfigDict(extra="forbid")

    current_password: Annotated[str, Field(min_length=1, max_length=200, repr=False)]
    new_password: Annotated[NewPassword, Field(examples=["four unrelated words here"])]


class ResetMailWanted(BaseModel):
    """Where a link to choose a new password is to go."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[EmailAddress, Field(examples=["ada@example.org"])]


class ResetMailTaken(BaseModel):
    """The same whether somebody signs in with the address or not."""

    detail: str = (
        "If somebody signs in with this address, a link to choose a new password is on its way."
    )


class PasswordReset(BaseModel):
    """A new password, by what was mailed."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[
        str, Field(min_length=1, max_length=200, repr=False, description="From the mailed link.")
    ]
    new_password: Annotated[NewPassword, Field(examples=["four unrelated words here"])]
