"""How posts are asked for and shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from api.accounts.schemas import QuotaShown
from api.deliveries.schemas import DeliveryShown
from api.late import LateAfter
from api.texts import require_plain
from domain.content import Content, Visibility
from domain.deliveries import PostStatus
from domain.lateness import LateChoice, LatePolicy, late_choice
from domain.networks import Network
from storage.posts import Post
from storage.timeline import Event, TimelineEvent

MAX_TEXT: Final = 100_000
"""Characters taken at all; each network's own limit is far below and named when it is passed."""
MAX_TIME: Final = 64
"""Characters of a time, in whatever form."""
MAX_ITEMS: Final = 50
"""Media, thread parts or targets of one post."""

Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(require_plain)]


class AttachmentWanted(BaseModel):
    """An uploaded media item in a post."""

    model_config = ConfigDict(extra="forbid")

    media_id: UUID
    alt_text: Annotated[
        Text | None,
        Field(description="For those who cannot see it; the upload's own when left out."),
    ] = None


class ThreadPartWanted(BaseModel):
    """One more post of a thread, published as a reply to the one before."""

    model_config = ConfigDict(extra="forbid")

    text: Text = ""
    media: Annotated[list[AttachmentWanted], Field(max_length=MAX_ITEMS)] = []


class ContentWanted(BaseModel):
    """What is written; in a variant, only the fields that differ on that network."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Text, Field(examples=["The bakery opens at seven."])] = ""
    media: Annotated[list[AttachmentWanted], Field(max_length=MAX_ITEMS)] = []
    link: Annotated[
        Annotated[str, Field(max_length=2048), AfterValidator(require_plain)] | None,
        Field(description="Facebook: shown as a card."),
    ] = None
    thread: Annotated[
        list[ThreadPartWanted], Field(max_length=MAX_ITEMS, description="X, Bluesky, Mastodon.")
    ] = []
    first_comment: Annotated[Text | None, Field(description="Facebook, Instagram.")] = None
    content_warning: Annotated[Text | None, Field(description="Mastodon.")] = None
    visibility: Annotated[Visibility | None, Field(description="Mastodon.")] = None
    language: Annotated[
        Annotated[str, Field(max_length=35), AfterValidator(require_plain)] | None,
        Field(description="BCP 47.", examples=["en"]),
    ] = None


class WallTime(BaseModel):
    """What the clock on the wall shows when the post is to go out.

    In a gap (clocks jump forward) the time moves forward by the gap's length; a time that comes
    twice (clocks jump back) means the first.
    """

    model_config = ConfigDict(extra="forbid")

    wall_time: Annotated[str, Field(max_length=MAX_TIME, examples=["2027-03-01T09:00"])]
    time_zone: Annotated[str, Field(max_length=MAX_TIME, examples=["Europe/Berlin"])]


class NoPublishTime(ValueError):
    """A value that has the form of no publish time."""

    rule = "not_a_publish_time"
    fix = (
        "Send 2027-03-01T09:00:00+01:00, or wall_time and time_zone in an object, or now;"
        " null is a draft."
    )


def _text_or_wall_time(asked: object, either: ValidatorFunctionWrapHandler) -> str | WallTime:
    """One of the two, so that what is wrong with one is not mixed with not being the other."""
    del either
    if isinstance(asked, dict | WallTime):
        return WallTime.model_validate(asked)
    if isinstance(asked, str) and asked.isascii() and len(asked) <= MAX_TIME:
        return asked
    raise NoPublishTime("This is no publish time.")


PublishAt = Annotated[
    Annotated[str, Field(max_length=MAX_TIME)] | WallTime,
    WrapValidator(_text_or_wall_time),
    Field(
        description="RFC 3339 with offset, a wall time with its IANA zone, or `now`.",
        examples=["2027-03-01T09:00:00+01:00"],
    ),
]


class PostWanted(ContentWanted):
    """A new post. Without `publish_at` it is a draft."""

    variants: Annotated[
        dict[Network, ContentWanted],
        Field(description="By network: the fields that differ there."),
    ] = {}
    targets: Annotated[
        list[UUID],
        Field(max_length=MAX_ITEMS, description="Account ids; each gets its own delivery."),
    ] = []
    publish_at: PublishAt | None = None
    priority: Annotated[
        int, Field(ge=1, le=5, description="1 goes first among posts of a second.")
    ] = 3
    late_policy: Annotated[
        LatePolicy | None,
        Field(
            description="When it was held and leaves late: `publish` it, `skip` it, or `ask` a"
            " person. The workspace's when left out."
        ),
    ] = None
    late_after_seconds: Annotated[
        LateAfter | None,
        Field(description="How long after its publish time it is late; the workspace's if null."),
    ] = None

    @property
    def late(self) -> LateChoice:
        """What it says of its own lateness."""
        return late_choice(self.late_policy, self.late_after_seconds)


class PostChange(PostWanted):
    """What to change; fields left out stay. `publish_at: null` makes it a draft again."""


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
