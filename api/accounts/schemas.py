"""What is said about accounts. Credentials go in, and never come out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from domain.limits import AccountLimits
from domain.networks import Network
from domain.quotas import Counted, Quota
from storage.accounts import Account, AccountStatus
from storage.forecast import Capacity, Room


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


class QuotaShown(BaseModel):
    """How much an account may send in any stretch of a time."""

    limit: Annotated[int, Field(examples=[50])]
    counts: Annotated[Counted, Field(description="What the network counts.")]
    window_seconds: Annotated[int, Field(examples=[86_400])]

    @classmethod
    def of(cls, quota: Quota) -> Self:
        """As it is shown."""
        return cls(
            limit=quota.limit,
            counts=quota.counts,
            window_seconds=int(quota.window.total_seconds()),
        )


class RoomShown(QuotaShown):
    """What is left of a quota."""

    used: Annotated[int, Field(description="Sent within the window that ends then.")]
    scheduled: Annotated[int, Field(description="Planned within it, and not sent yet.")]
    remaining: int
    next_free_at: Annotated[
        datetime, Field(description="From when on one more post may leave, UTC.")
    ]

    @classmethod
    def left(cls, room: Room) -> Self:
        """As it is shown."""
        return cls(
            **QuotaShown.of(room.quota).model_dump(),
            used=room.used,
            scheduled=room.scheduled,
            remaining=room.remaining,
            next_free_at=room.next_free_at,
        )


class LimitReason(BaseModel):
    """What the network said."""

    type: Annotated[str, Field(examples=["rate_limited"])]
    message: str
    evidence: Mapping[str, Any]


class CapacityShown(BaseModel):
    """What an account may send at a moment, after everything that is planned until then."""

    account_id: UUID
    at: Annotated[datetime, Field(description="The moment that was asked about, UTC.")]
    next_free_at: Annotated[
        datetime, Field(description="From `at` on, when one more post may leave, UTC.")
    ]
    quotas: Annotated[list[RoomShown], Field(description="None: the account is not limited.")]
    limited_until: Annotated[
        datetime | None, Field(description="Until when the network wants it to wait, UTC.")
    ]
    reason: Annotated[LimitReason | None, Field(description="Why the network wants that.")]

    @classmethod
    def of(cls, account_id: UUID, at: datetime, capacity: Capacity) -> Self:
        """As it is shown."""
        return cls(
            account_id=account_id,
            at=at,
            next_free_at=capacity.next_free_at,
            quotas=[RoomShown.left(room) for room in capacity.rooms],
            limited_until=capacity.limited_until,
            reason=LimitReason.model_validate(capacity.reason) if capacity.reason else None,
        )
