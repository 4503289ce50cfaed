"""What is said about accounts. Credentials go in, and never come out."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from domain.limits import AccountLimits
from domain.networks import Network
from storage.accounts import Account, AccountStatus


class AccountShown(BaseModel):
    """A connected account."""

    id: UUID
    network: Network
    remote_id: Annotated[str, Field(description="The network's own id of the profile.")]
    handle: Annotated[str, Field(examples=["bakery.bsky.social"])]
    display_name: Annotated[str, Field(examples=["Corner bakery"])]
    base_url: Annotated[
        str | None, Field(description="Its server, on networks that have many of them.")
    ]
    status: Annotated[
        AccountStatus,
        Field(description="Posts go out while it is `connected`; `reconnect` wants POST again."),
    ]
    status_reason: str | None
    expires_at: Annotated[
        datetime | None, Field(description="When the access ends, where the network says so.")
    ]
    limits: Annotated[
        AccountLimits | None, Field(description="What the network told of this account alone.")
    ]
    connected_at: datetime
    checked_at: datetime | None

    @classmethod
    def of(cls, account: Account) -> Self:
        """As it is shown."""
        return cls(
            id=account.id,
            network=account.network,
            remote_id=account.remote_id,
            handle=account.handle,
            display_name=account.display_name,
            base_url=account.base_url,
            status=account.status,
            status_reason=account.status_reason,
            expires_at=account.expires_at,
            limits=account.limits,
            connected_at=account.connected_at,
            checked_at=account.checked_at,
        )
