"""The payloads of publishing: what starts, moves and stops a post's workflow, what it learns."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.deliveries import DeliveryStatus
from domain.networks import Network

PUBLISH_POST = "PublishPost"
"""The workflow's registered name."""

FINISHED = "Finished"
"""The failure type of an update that came when the workflow was about to end."""


GIVE_UP_AFTER = timedelta(days=7)
"""Longer than any quota window or outage that waiting can cure. What people hold is not waiting."""


@dataclass(frozen=True, kw_only=True)
class DeliveryRef:
    """One delivery, as the workflow knows it."""

    delivery_id: UUID
    network: Network
    prepare: bool
    """Whether it has media or the like to transfer ahead of time."""


@dataclass(frozen=True, kw_only=True)
class PublishPostRequest:
    """Start publishing a post."""

    post_id: UUID
    workspace_id: UUID
    publish_at: datetime
    """UTC."""
    deliveries: tuple[DeliveryRef, ...]
    priority: int
    """1 (first) to 5."""
    prepare_lead: timedelta
    arm_lead: timedelta
    heartbeat_timeout: timedelta
    version: int = 1
    """Which story the workflow tells: older ones replay as they were, and no marker is needed.

    1: spreads its arm lead by id, and says in a search attribute that it publishes.
    2: arms exactly at its lead, which whoever starts it has spread.
    3: what is due when it starts is tried at once, by the worker that runs it.
    """

    def wake_at(self) -> datetime:
        """When there is something to do, UTC."""
        prepares = any(ref.prepare for ref in self.deliveries)
        lead = max(self.prepare_lead, self.arm_lead) if prepares else self.arm_lead
        return self.publish_at - lead


@dataclass(frozen=True, kw_only=True)
class PublishPostResult:
    """How it ended: each delivery's final status."""

    statuses: dict[UUID, DeliveryStatus]


@dataclass(frozen=True, kw_only=True)
class Move:
    """Publish at another time, or now; and what is to be published then."""

    publish_at: datetime
    """UTC."""
    deliveries: tuple[DeliveryRef, ...]
    """Everything that waits: an edit may have added targets, dropped some, or brought media."""
    arm_lead: timedelta | None = None
    """For the new time; None keeps the one it was started with."""


@dataclass(frozen=True, kw_only=True)
class Resume:
    """Try these deliveries again at once: what they waited for has come."""

    deliveries: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """Stop these deliveries; none of them was sent."""

    deliveries: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Nothing is done before then: an earlier dispatch said so."""

    until: datetime
    """UTC."""
    failure: str
    """The type of its failure: what is waited for."""


@dataclass(frozen=True, kw_only=True)
class DeliveryRequest:
    """Prepare or publish one delivery."""

    delivery_id: UUID
    post_id: UUID
    workspace_id: UUID
    publish_at: datetime
    """UTC; the time this dispatch was made for."""
    pause: Pause | None = None


@dataclass(frozen=True, kw_only=True)
class DueDelivery:
    """Publish one delivery whose time has come, if there is room for it here."""

    delivery: DeliveryRequest
    network: Network


class Ending(StrEnum):
    """How one dispatch of a delivery ended."""

    SETTLED = "settled"
    """It is published, failed, unconfirmed or cancelled: see the status."""
    SUPERSEDED = "superseded"
    """The post was moved to another time meanwhile: dispatch again then."""
    HELD = "held"
    """People kept it from leaving, now or lately: dispatch again, with all the time there is."""


@dataclass(frozen=True, kw_only=True)
class PublishOutcome:
    """What one dispatch of the publish activity came to."""

    ending: Ending
    status: DeliveryStatus
    publish_at: datetime
    """UTC; the time that counts now."""


@dataclass(frozen=True, kw_only=True)
class DeliveryGivenUp:
    """A delivery whose activity ended without settling it."""

    delivery_id: UUID
    reason: str
    """Bounded; from the failure, never from a post."""
    out_of_time: bool = False
    """It could go on, and had no time left to. Only who says so is answered that it is held."""
