"""What happened in conversations: the same live and when catching up."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from api.chat.schemas import Asked, MessageShown, Seq
from domain.conversations import ChatEventKind, Presence
from storage.chat.catching_up import CaughtUp
from storage.chat.events import ChatEvent
from storage.media_links import MediaLinks
from storage.presence import Seen


class PositionBody(Asked):
    """The last event of one conversation that the caller has."""

    conversation_id: UUID
    after: Seq


class CatchUpBody(Asked):
    """Where the caller stands, in up to 50 conversations."""

    positions: Annotated[list[PositionBody], Field(min_length=1, max_length=50)]
    limit: Annotated[int, Field(ge=1, le=200, description="Events of each conversation.")] = 100


class EventShown(BaseModel):
    """One thing that happened in a conversation: the same live and when catching up."""

    conversation_id: UUID
    seq: Annotated[Seq, Field(description="The conversation's events are numbered one by one.")]
    kind: ChatEventKind
    actor_id: UUID
    happened_at: Annotated[datetime | None, Field(description="Null of a receipt.")]
    message: Annotated[
        MessageShown | None, Field(description="The message it is about, as it is now.")
    ]
    details: Annotated[
        dict[str, Any],
        Field(
            description="`emoji` of a reaction; `user_ids` of who came or left; `title` of a new"
            " name; `delivered_seq` and `read_seq` of a receipt, whose member is the actor."
        ),
    ]

    @classmethod
    def of(cls, event: ChatEvent, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            conversation_id=event.conversation_id,
            seq=event.seq,
            kind=event.kind,
            actor_id=event.actor_id,
            happened_at=event.happened_at,
            message=MessageShown.of(event.message, links) if event.message else None,
            details=dict(event.details),
        )


class CaughtUpShown(BaseModel):
    """What happened in one conversation after an event."""

    conversation_id: UUID
    events: list[EventShown]
    up_to: Annotated[
        Seq, Field(description="Nothing up to this event is missing; numbers that are, are stale.")
    ]
    more: Annotated[bool, Field(description="Ask again with `up_to` as `after`.")]

    @classmethod
    def of(cls, caught_up: CaughtUp, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            conversation_id=caught_up.conversation_id,
            events=[EventShown.of(event, links) for event in caught_up.events],
            up_to=caught_up.up_to,
            more=caught_up.more,
        )


class CatchUpShown(BaseModel):
    """What happened in several conversations; those that the caller is not in are left out."""

    conversations: list[CaughtUpShown]


class PositionShown(BaseModel):
    """Where one of the caller's conversations stands."""

    conversation_id: UUID
    last_seq: Seq
    left: Annotated[bool, Field(description="The caller is not in it any more.")]


class ChangesShown(BaseModel):
    """Conversations that changed since a cursor; one may be told twice."""

    positions: list[PositionShown]
    cursor: Annotated[str, Field(description="Send it as `cursor` the next time.")]
    more: Annotated[bool, Field(description="Too many to tell: read the list anew.")]


class PresenceShown(BaseModel):
    """Whether somebody is there."""

    user_id: UUID
    state: Presence
    last_seen_at: Annotated[datetime | None, Field(description="Null while they are there.")]

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """As it is shown."""
        return cls(user_id=seen.user_id, state=seen.state, last_seen_at=seen.last_seen_at)


class PresenceList(BaseModel):
    """Whether several people are there; those whom the caller may not ask about are left out."""

    items: list[PresenceShown]
