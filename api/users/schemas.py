"""What is said about users."""

import re
from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.texts import Name, UnusableText
from domain.roles import UserRole
from storage.users.users import User

_ADDRESS: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
"""What mail servers take in practice: RFC 5321's dot-atoms at a domain name, lower case."""
_LOCAL_LIMIT: Final = 64

Handle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{3,30}$")]
"""A user's public name: 3 to 30 letters, digits and underscores."""


class NoAddress(UnusableText):
    """Not an address that mail can be sent to."""

    rule = "no_mail_address"
    fix = "Send one like ada@example.org."


def as_address(text: str) -> str:
    """The address, lower case. Raises NoAddress."""
    address = text.strip().lower()
    if not _ADDRESS.fullmatch(address) or len(address.partition("@")[0]) > _LOCAL_LIMIT:
        raise NoAddress("This is not a mail address.")
    return address


EmailAddress = Annotated[str, Field(max_length=254), AfterValidator(as_address)]
"""Where mail can be sent; kept in lower case."""


class Me(BaseModel):
    """The signed-in user, as only they see themselves."""

    id: UUID
    handle: Annotated[str, Field(examples=["ada"])]
    display_name: Annotated[str, Field(examples=["Ada Lovelace"])]
    email: Annotated[str | None, Field(examples=["ada@example.org"])]
    role: UserRole
    avatar_media_id: UUID | None
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """As they are shown to themselves."""
        return cls(
            id=user.id,
            handle=user.handle,
            display_name=user.display_name,
            email=user.email,
            role=user.role,
            avatar_media_id=user.avatar_media_id,
            created_at=user.created_at,
        )


class ProfileChange(BaseModel):
    """What to change; fields left out stay."""

    model_config = ConfigDict(extra="forbid")

    handle: Annotated[Handle | None, Field(examples=["ada"])] = None
    display_name: Annotated[Name | None, Field(examples=["Ada Lovelace"])] = None
    avatar_media_id: Annotated[
        UUID | None,
        Field(description="An image that the user uploaded; null for none."),
    ] = None
