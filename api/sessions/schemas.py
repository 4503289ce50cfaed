"""What is said about signing in."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.passwords.rules import NewPassword
from api.texts import Name
from api.users.schemas import EmailAddress, Handle, Me
from storage.users.sessions import Session


class Registration(BaseModel):
    """A new user."""

    model_config = ConfigDict(extra="forbid")

    handle: Annotated[Handle, Field(description="Public name.", examples=["ada"])]
    display_name: Annotated[
        Name | None, Field(description="The handle, if left out.", examples=["Ada Lovelace"])
    ] = None
    email: Annotated[EmailAddress, Field(examples=["ada@example.org"])]
    password: Annotated[NewPassword, Field(examples=["correct horse battery staple"])]


class Login(BaseModel):
    """Who wants to sign in."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[
        str, Field(min_length=1, max_length=254, description="In any case.", examples=["ada@…"])
    ]
    password: Annotated[str, Field(min_length=1, max_length=200, repr=False)]


class RefreshWanted(BaseModel):
    """A refresh token to exchange."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: Annotated[str, Field(min_length=1, max_length=200, repr=False)]


class Tokens(BaseModel):
    """What a client keeps of its session."""

    access_token: Annotated[
        str, Field(description="Send it: `Authorization: Bearer …`.", examples=["eyJhbGciOi…"])
    ]
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  what kind it is
    expires_in: Annotated[int, Field(description="Seconds that the access token is good for.")]
    refresh_token: Annotated[
        str,
        Field(description="Good once: its exchange answers the next one.", examples=["rt_oXJ4…"]),
    ]
    session_id: UUID


class SignedInShown(Tokens):
    """A new session, and whose it is."""

    user: Me


class SessionShown(BaseModel):
    """One sign-in on one device."""

    id: UUID
    current: Annotated[bool, Field(description="Whether this request was sent by it.")]
    device: Annotated[str, Field(examples=["Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"])]
    address: Annotated[str, Field(description="Where it was last refreshed from.")]
    created_at: datetime
    refreshed_at: datetime
    expires_at: Annotated[datetime, Field(description="Unless it is refreshed before.")]

    @classmethod
    def of(cls, session: Session, *, current: UUID) -> Self:
        """As it is shown to its user."""
        return cls(
            id=session.id,
            current=session.id == current,
            device=session.device,
            address=session.address,
            created_at=session.created_at,
            refreshed_at=session.refreshed_at,
            expires_at=session.expires_at,
        )


class SessionsEnded(BaseModel):
    """What came of signing out elsewhere."""

    ended: Annotated[int, Field(description="How many sessions there were.")]
