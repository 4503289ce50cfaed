"""Users as moderators see them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.admin.reasons import Why
from domain.roles import UserRole
from storage.users.users import User


class UserShown(BaseModel):
    """Somebody, with what only moderators see."""

    id: UUID
    handle: str
    display_name: str
    email: Annotated[str | None, Field(description="Null for a page that nobody signs in to.")]
    role: UserRole
    suspended_at: datetime | None
    suspension_reason: str | None
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """As they are shown."""
        return cls(
            id=user.id,
            handle=user.handle,
            display_name=user.display_name,
            email=user.email,
            role=user.role,
            suspended_at=user.suspended_at,
            suspension_reason=user.suspension_reason,
            created_at=user.created_at,
        )


class Restored(UserShown):
    """Somebody who may come in again."""

    resumed_deliveries: Annotated[
        int, Field(description="Held until now; they go out at their networks' pace.")
    ]


class RoleWanted(BaseModel):
    """What somebody may do to others' things from now on."""

    model_config = ConfigDict(extra="forbid")

    role: UserRole
    reason: Why
