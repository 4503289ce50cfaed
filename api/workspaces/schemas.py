"""What is said about workspaces and API keys."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.auth.key_text import KeyText
from api.auth.scopes import Scope
from api.late import LateAfter
from api.texts import Name
from domain.lateness import LatePolicy
from domain.policies import AmbiguityPolicy
from storage.workspaces import ApiKey, Workspace


class WorkspaceShown(BaseModel):
    """The workspace of the API key in use."""

    id: UUID
    name: Annotated[str, Field(examples=["Corner bakery"])]
    ambiguity_policy: AmbiguityPolicy
    late_policy: LatePolicy
    late_after_seconds: int
    created_at: datetime

    @classmethod
    def of(cls, workspace: Workspace) -> Self:
        """As it is shown."""
        return cls(
            id=workspace.id,
            name=workspace.name,
            ambiguity_policy=workspace.ambiguity_policy,
            late_policy=workspace.late.policy,
            late_after_seconds=int(workspace.late.after.total_seconds()),
            created_at=workspace.created_at,
        )


class WorkspaceChange(BaseModel):
    """What to change; fields left out stay."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name | None, Field(examples=["Corner bakery"])] = None
    ambiguity_policy: Annotated[
        AmbiguityPolicy | None,
        Field(
            description="After a send without an answer that every look found absent, on networks"
            " that can only be searched: `hold` it for a person, or `resend` it."
        ),
    ] = None
    late_policy: Annotated[
        LatePolicy | None,
        Field(
            description="Posts that were held and leave late, and do not say it themselves:"
            " `publish` them, `skip` them, or `ask` a person."
        ),
    ] = None
    late_after_seconds: Annotated[
        LateAfter | None,
        Field(description="How long after their publish time such posts are late."),
    ] = None


class ApiKeyWanted(BaseModel):
    """A new API key."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(description="Who uses it.", examples=["Website"])]
    scopes: Annotated[
        frozenset[Scope],
        Field(
            min_length=1,
            description="What it may do; none that the calling key lacks.",
            examples=[["posts:read", "posts:write", "media:write"]],
        ),
    ]


class ApiKeyShown(BaseModel):
    """An API key, without its secret."""

    id: UUID
    name: Annotated[str, Field(examples=["Website"])]
    prefix: Annotated[str, Field(description="How the key begins.", examples=["pk_7hd2kq9xm4pa"])]
    scopes: Annotated[list[str], Field(examples=[["media:write", "posts:read", "posts:write"]])]
    created_at: datetime
    last_used_at: Annotated[datetime | None, Field(description="To about a minute.")]
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """As it is shown."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=f"pk_{key.prefix}",
            scopes=sorted(key.scopes),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )


class ApiKeyMade(ApiKeyShown):
    """A new API key, shown whole this once."""

    api_key: Annotated[
        str,
        Field(
            description="The key itself. It is not kept: this is the only time it is shown.",
            examples=["pk_7hd2kq9xm4pa_oXJ4…"],
        ),
    ]

    @classmethod
    def made(cls, key: ApiKey, text: KeyText) -> Self:
        """As it is shown to whoever made it."""
        return cls(**ApiKeyShown.of(key).model_dump(), api_key=str(text))
