"""How posts are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.accounts.schemas import QuotaShown
from api.deliveries.schemas import DeliveryShown
from domain.content import Content, Visibility
from domain.deliveries import PostStatus
from domain.lateness import LatePolicy
from domain.networks import Network
from storage.posts import Post
from storage.timeline import Event, TimelineEvent


class AttachmentShown(BaseModel):
    """A media item of a post."""

    model_config = ConfigDict(from_attributes=True)

    media_id: UUID
    alt_text: str


class ThreadPartShown(BaseModel):
    """One more post of a thread."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    media: list[AttachmentShown]


class ContentShown(BaseModel):
    """What is written."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    media: list[AttachmentShown]
    link: str | None
    thread: list[ThreadPartShown]
    first_comment: str | None
    content_warning: str | None
    visibility: Visibility | None
    language: str | None


class PostShown(ContentShown):
    """A post with its deliveries."""

    id: UUID
    revision: Annotated[int, Field(description="Also the ETag: send it as If-Match to change it.")]
    status: PostStatus
    variants: dict[Network, dict[str, Any]]
    publish_at: Annotated[datetime | None, Field(description="UTC; null for a draft.")]
    wall_time: str | None
    time_zone: str | None
    priority: int
    late_policy: Annotated[LatePolicy | None, Field(description="Null: the workspace's.")] = None
    late_after_seconds: Annotated[int | None, Field(description="Null: the workspace's.")] = None
    batch_id: Annotated[
        UUID | None, Field(description="Of the bulk request or the import that made it.")
    ] = None
    deliveries: list[DeliveryShown]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, post: Post) -> Self:
        """As it is shown."""
        time = post.publish_time
        return cls(
            **{name: getattr(post.content.base, name) for name in ContentShown.model_fields},
            id=post.id,
            revision=post.revision,
            status=post.status,
            variants={
                network: {
                    name: value
                    for name, value in _content(post.content.for_network(network)).items()
                    if name in changes
                }
                for network, changes in post.content.variants.items()
            },
            publish_at=time.at if time else None,
            wall_time=time.wall_time if time else None,
            time_zone=time.time_zone if time else None,
            priority=post.priority,
            late_policy=post.late.policy,
            late_after_seconds=post.late.after_seconds,
            batch_id=post.batch_id,
            deliveries=[DeliveryShown.of(delivery) for delivery in post.deliveries],
            created_at=post.created_at,
            updated_at=post.updated_at,
        )


class WarningShown(BaseModel):
    """A delivery that cannot leave on time, as far as is known now."""

    type: Annotated[
        Literal["quota_exhausted", "rate_limited"],
        Field(description="The account's quota is used up then, or its network wants it to wait."),
    ]
    message: Annotated[
        str,
        Field(
            examples=[
                "The 51st Instagram post of bakery in 24 hours: leaves at 2027-03-01 14:05:00"
                " instead of 2027-03-01 09:00:00 UTC."
            ]
        ),
    ]
    account_id: UUID
    network: Network
    publish_at: Annotated[datetime, Field(description="UTC.")]
    leaves_at: Annotated[datetime, Field(description="UTC.")]
    quota: QuotaShown | None


Warnings = Annotated[
    list[WarningShown],
    Field(
        description="What cannot leave on time, given all that is planned; left out when all can.",
        exclude_if=lambda warnings: not warnings,
    ),
]


class PostAccepted(PostShown):
    """A post as it was scheduled just now."""

    warnings: Warnings = []


class ViolationShown(BaseModel):
    """One reason why the network would refuse the post."""

    field: str
    rule: str
    message: str
    fix: str
    limit: int | str | None
    actual: int | str | None


class TargetChecked(BaseModel):
    """What one network would say."""

    account_id: UUID
    network: Network
    publishable: bool
    violations: list[ViolationShown]


class PostChecked(BaseModel):
    """What would happen, without saving anything."""

    publishable: Annotated[bool, Field(description="Whether every target would take it.")]
    targets: list[TargetChecked]
    warnings: Warnings = []


class EventShown(BaseModel):
    """One event in the life of a post."""

    event: Event
    at: datetime
    delivery_id: UUID | None
    details: Mapping[str, Any]

    @classmethod
    def of(cls, event: TimelineEvent) -> Self:
        """As it is shown."""
        return cls(
            event=event.event, at=event.at, delivery_id=event.delivery_id, details=event.details
        )


class Timeline(BaseModel):
    """Every event of a post, in order."""

    items: list[EventShown]


def _content(content: Content) -> dict[str, Any]:
    return ContentShown.model_validate(content, from_attributes=True).model_dump()
