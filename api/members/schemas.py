"""What is said about members."""

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.texts import Name
from api.users.schemas import EmailAddress, Handle
from domain.roles import WorkspaceRole
from storage.members import Invitation, Member, Membership

_ROLE: Final = "`viewer` looks on, `editor` posts, `admin` may do all but deal with owners."


class WorkspaceWanted(BaseModel):
    """A new workspace."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(examples=["Corner bakery"])]


class MembershipShown(BaseModel):
    """A workspace that the signed-in user is a member of."""

    workspace_id: Annotated[UUID, Field(description="Send it as `X-Workspace` to act there.")]
    name: Annotated[str, Field(examples=["Corner bakery"])]
    role: WorkspaceRole

    @classmethod
    def of(cls, membership: Membership) -> Self:
        """As it is shown to the member."""
        return cls(workspace_id=membership.workspace_id, name=membership.name, role=membership.role)


class MemberWanted(BaseModel):
    """Somebody who is registered, to be a member."""

    model_config = ConfigDict(extra="forbid")

    handle: Annotated[Handle, Field(examples=["grace"])]
    role: Annotated[WorkspaceRole, Field(description=_ROLE)]


class RoleChange(BaseModel):
    """What a member is to be from now on."""

    model_config = ConfigDict(extra="forbid")

    role: Annotated[WorkspaceRole, Field(description=_ROLE)]


class MemberShown(BaseModel):
    """One person's part in the workspace."""

    user_id: UUID
    handle: Annotated[str, Field(examples=["grace"])]
    display_name: Annotated[str, Field(examples=["Grace Hopper"])]
    role: WorkspaceRole
    created_at: datetime

    @classmethod
    def of(cls, member: Member) -> Self:
        """As it is shown in the workspace."""
        return cls(
            user_id=member.user_id,
            handle=member.handle,
            display_name=member.display_name,
            role=member.role,
            created_at=member.created_at,
        )


class InvitationWanted(BaseModel):
    """Somebody to be invited by mail."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[EmailAddress, Field(examples=["grace@example.org"])]
    role: Annotated[WorkspaceRole, Field(description=_ROLE)]


class InvitationShown(BaseModel):
    """An invitation on its way."""

    id: UUID
    email: str
    role: WorkspaceRole
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """As it is shown in the workspace; the link is in the mail alone."""
        return cls(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role,
            expires_at=invitation.expires_at,
        )


class InvitationAccepted(BaseModel):
    """What was mailed."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[
        str, Field(min_length=1, max_length=200, repr=False, description="From the mailed link.")
    ]
