"""How deliveries are shown and settled."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage.posts import Delivery


class Reason(BaseModel):
    """Why a delivery waits, failed or is unconfirmed."""

    type: Annotated[str, Field(examples=["rate_limited"])]
    message: str
    evidence: Mapping[str, Any]


class DeliveryShown(BaseModel):
    """One post on its way to one account."""

    id: UUID
    post_id: UUID
    account_id: UUID
    network: Network
    handle: str
    status: DeliveryStatus
    publish_at: datetime | None
    deferred_until: Annotated[
        datetime | None,
        Field(
            description="When it is tried next, UTC, at the latest; null in `deferred` when a"
            " person has to decide."
        ),
    ]
    reason: Reason | None
    remote_id: Annotated[str | None, Field(description="The network's own id of what is public.")]
    permalink: str | None
    sent_at: Annotated[datetime | None, Field(description="When the request left, UTC.")]
    lateness_ms: Annotated[int | None, Field(description="sent_at minus publish_at.")]
    superseded: Annotated[bool, Field(description="A retry or an edit took its place.")]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """As it is shown."""
        lateness = None
        # The first part may be older than the retry that goes on after it.
        if delivery.sent_at and delivery.publish_at and delivery.sent_at >= delivery.publish_at:
            lateness = round((delivery.sent_at - delivery.publish_at).total_seconds() * 1000)
        return cls(
            id=delivery.id,
            post_id=delivery.post_id,
            account_id=delivery.account_id,
            network=delivery.network,
            handle=delivery.handle,
            status=delivery.status,
            publish_at=delivery.publish_at,
            deferred_until=delivery.deferred_until,
            reason=Reason.model_validate(delivery.reason) if delivery.reason else None,
            remote_id=delivery.remote_id,
            permalink=delivery.permalink,
            sent_at=delivery.sent_at,
            lateness_ms=lateness,
            superseded=delivery.superseded,
        )


class WasPublished(BaseModel):
    """A person found it public."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["published"]
    permalink: Annotated[HttpUrl, Field(description="Where it is public.")]


class SendAgain(BaseModel):
    """A person made sure that it is not public."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["send_again"]


class Decision(BaseModel):
    """What a person wants of a late delivery."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["publish", "skip"]


Resolution = Annotated[WasPublished | SendAgain, Field(discriminator="outcome")]
