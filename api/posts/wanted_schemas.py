"""How posts are asked for."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from api.late import LateAfter
from api.texts import require_plain
from domain.content import Visibility
from domain.lateness import LateChoice, LatePolicy, late_choice
from domain.networks import Network

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
