"""How notifications are shown, and how people say what they read and want."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from domain.notifications import NotificationKind, SubjectType
from storage.notifications.reading import COUNTED, Actor, Notification


class ActorShown(BaseModel):
    """Somebody who did it."""

    user_id: UUID
    handle: str
    display_name: str

    @classmethod
    def of(cls, actor: Actor) -> Self:
        """As they are shown."""
        return cls(user_id=actor.user_id, handle=actor.handle, display_name=actor.display_name)


class NotificationShown(BaseModel):
    """News of one kind about one thing: "3 people liked your post"."""

    id: UUID
    kind: NotificationKind
    subject_type: SubjectType
    subject_id: UUID
    position: Annotated[
        UUID,
        Field(
            description="Changes with each further piece of news, which moves it to the top."
            " Send it as `up_to` to say that you saw the list from there on."
        ),
    ]
    actors: Annotated[list[ActorShown], Field(description="The last few who did it, latest first.")]
    actor_count: Annotated[int, Field(description="How many people did it.")]
    event_count: Annotated[
        int, Field(description="How often: one person may write three comments.")
    ]
    updated_at: Annotated[datetime, Field(description="When the latest of it was written down.")]
    read: bool

    @classmethod
    def of(cls, notification: Notification) -> Self:
        """As it is shown."""
        return cls(
            id=notification.id,
            kind=notification.kind,
            subject_type=notification.subject_type,
            subject_id=notification.subject_id,
            position=notification.position,
            actors=[ActorShown.of(actor) for actor in notification.actors],
            actor_count=notification.actor_count,
            event_count=notification.event_count,
            updated_at=notification.updated_at,
            read=notification.read_at is not None,
        )


class Unread(BaseModel):
    """How much is unread."""

    unread: Annotated[int, Field(ge=0, le=COUNTED, description=f"Counted up to {COUNTED}.")]


class ReadUpTo(BaseModel):
    """What was seen."""

    up_to: Annotated[
        UUID | None,
        Field(
            description="The `position` of the first notification that you saw: it and all below"
            " it are read. Leave it out for everything there is."
        ),
    ] = None


class Preference(BaseModel):
    """Whether somebody wants to hear of a kind."""

    kind: NotificationKind
    in_app: Annotated[bool, Field(description="In the list and on sockets.")]


class Preferences(BaseModel):
    """Every kind there is."""

    items: list[Preference]


class PreferenceChange(BaseModel):
    """What is wanted from now on."""

    in_app: bool
