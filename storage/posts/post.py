"""A post as its author sees it, with its deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.content import PostContent
from domain.deliveries import WAITING, DeliveryStatus, PostStatus
from domain.lateness import NO_LATE_CHOICE, LateChoice
from domain.networks import Network


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetAccount:
    """Where one delivery goes."""

    account_id: UUID
    network: Network
    handle: str = ""
    """As a new post shows it; it is not kept with the delivery."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishTime:
    """When a post goes out, and how that was asked for."""

    at: datetime
    """UTC."""
    wall_time: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One post to one account, as its author sees it."""

    id: UUID
    root_id: UUID
    post_id: UUID
    account_id: UUID
    network: Network
    handle: str
    status: DeliveryStatus
    publish_at: datetime | None
    deferred_until: datetime | None
    reason: Mapping[str, Any] | None
    remote_id: str | None
    permalink: str | None
    sent_at: datetime | None
    superseded: bool

    @property
    def is_retry(self) -> bool:
        """Whether it took a failed one's place; then it has a workflow of its own."""
        return self.id != self.root_id

    @property
    def movable(self) -> bool:
        """Whether it goes with its post when that is edited, moved or cancelled."""
        return self.untouched and not self.is_retry

    @property
    def untouched(self) -> bool:
        """Whether nothing of it can be public: edit, reschedule and cancel are safe."""
        return self.status in WAITING and self.remote_id is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A post with its current content and all its deliveries."""

    id: UUID
    workspace_id: UUID
    batch_id: UUID | None
    """The batch that it was made with."""
    revision: int
    status: PostStatus
    content: PostContent = field(repr=False)
    publish_time: PublishTime | None
    priority: int
    late: LateChoice = NO_LATE_CHOICE
    created_at: datetime
    updated_at: datetime
    deliveries: tuple[Delivery, ...]

    @property
    def current_deliveries(self) -> tuple[Delivery, ...]:
        """Without those that a retry took the place of."""
        return tuple(delivery for delivery in self.deliveries if not delivery.superseded)

    @property
    def standing_deliveries(self) -> tuple[Delivery, ...]:
        """The current ones that nobody cancelled."""
        return tuple(
            delivery
            for delivery in self.current_deliveries
            if delivery.status is not DeliveryStatus.CANCELLED
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PostFilter:
    """Which posts of a workspace to list."""

    status: PostStatus | None = None
    network: Network | None = None
    account_id: UUID | None = None
    batch_id: UUID | None = None
    publish_from: datetime | None = None
    publish_until: datetime | None = None
