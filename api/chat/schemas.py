"""What is said about conversations, over HTTP and over sockets alike."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Self
from uuid import UUID

import regex
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.texts import Name, PlainText
from domain.conversations import (
    MEDIA_AT_MOST,
    MEMBERS_AT_MOST,
    TEXT_AT_MOST,
    ChatEventKind,
    ConversationKind,
    MemberRole,
    Presence,
)
from storage.chat.conversations import UNREAD_AT_MOST, Conversation, Member, Person
from storage.chat.events import CaughtUp, ChatEvent
from storage.chat.messages import Message
from storage.media_links import MediaLinks
from storage.presence import Seen

LINK_LIFETIME: Final = timedelta(hours=1)
"""How long a link to a picture works after it was shown."""

_PICTURES: Final = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20E3")
_ONE_CHARACTER: Final = regex.compile(r"\X")


class NotAnEmoji(ValueError):
    """Something else, or more than one."""

    rule = "not_an_emoji"
    fix = "Send one emoji."


def _require_emoji(text: str) -> str:
    if not (_ONE_CHARACTER.fullmatch(text) and _PICTURES.search(text)):
        raise NotAnEmoji("This is not one emoji.")
    return text


Emoji = Annotated[
    str, Field(min_length=1, max_length=35, examples=["👍"]), AfterValidator(_require_emoji)
]
"""One emoji, whatever it is made of."""

MessageText = Annotated[PlainText, Field(max_length=TEXT_AT_MOST)]

Seq = Annotated[int, Field(ge=0, lt=2**63, examples=[41])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewDirect(_Strict):
    """Whom to talk to."""

    user_id: UUID


class NewGroup(_Strict):
    """A group of the caller and others."""

    title: Name
    user_ids: Annotated[
        list[UUID],
        Field(
            min_length=1,
            max_length=MEMBERS_AT_MOST - 1,
            description=f"Everybody but yourself; a group has at most {MEMBERS_AT_MOST} members.",
        ),
    ]


class NewMembers(_Strict):
    """Who is let in."""

    user_ids: Annotated[list[UUID], Field(min_length=1, max_length=MEMBERS_AT_MOST - 1)]


class GroupChange(_Strict):
    """Another title."""

    title: Name


class NewMessageBody(_Strict):
    """A message on its way; it has a text, or media, or both."""

    client_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z0-9_.-]+$",
            description="Your own name for the message, such as a UUID. Sent again under the same"
            " name, the message that was sent first is answered, and nothing is sent twice.",
        ),
    ]
    text: MessageText = ""
    media_ids: Annotated[
        list[UUID], Field(max_length=MEDIA_AT_MOST, description="Media items of your own.")
    ] = []
    reply_to: Annotated[UUID | None, Field(description="A message of this conversation.")] = None

    @model_validator(mode="after")
    def _require_content(self) -> Self:
        if not self.text.strip() and not self.media_ids:
            raise ValueError("A message needs a text or media.")
        return self


class MessageChange(_Strict):
    """Another text."""

    text: Annotated[MessageText, Field(min_length=1)]


class Marks(_Strict):
    """How far the caller has received and read; what is left out stays. Marks never go back."""

    delivered_seq: Seq | None = None
    read_seq: Seq | None = None


class PositionBody(_Strict):
    """The last event of one conversation that the caller has."""

    conversation_id: UUID
    after: Seq


class CatchUpBody(_Strict):
    """Where the caller stands, in up to 50 conversations."""

    positions: Annotated[list[PositionBody], Field(min_length=1, max_length=50)]
    limit: Annotated[int, Field(ge=1, le=200, description="Events of each conversation.")] = 100


class PersonShown(BaseModel):
    """Somebody in a conversation."""

    user_id: UUID
    handle: str
    display_name: str

    @classmethod
    def of(cls, person: Person) -> Self:
        """As they are shown."""
        return cls(user_id=person.user_id, handle=person.handle, display_name=person.display_name)


class MemberShown(PersonShown):
    """Somebody who is in a conversation, and how far they have received and read it."""

    role: MemberRole
    joined_at: datetime
    delivered_seq: Seq
    read_seq: Seq

    @classmethod
    def of_member(cls, member: Member) -> Self:
        """As they are shown."""
        return cls(
            user_id=member.user_id,
            handle=member.handle,
            display_name=member.display_name,
            role=member.role,
            joined_at=member.joined_at,
            delivered_seq=member.delivered_seq,
            read_seq=member.read_seq,
        )


class ReactionShown(BaseModel):
    """One emoji, and who put it there."""

    emoji: str
    user_ids: list[UUID]


class ChatMedia(BaseModel):
    """A picture in a message."""

    media_id: UUID
    url: Annotated[str, Field(description="Shows the picture for an hour, without a token.")]


class MessageShown(BaseModel):
    """One message, as it is now. Of a deleted one only its place is left."""

    id: UUID
    conversation_id: UUID
    seq: Annotated[Seq, Field(description="Its place in the conversation, the same for everyone.")]
    sender_id: UUID
    client_id: str
    text: str
    media: list[ChatMedia]
    reply_to: UUID | None
    reactions: list[ReactionShown]
    changed_seq: Annotated[
        Seq, Field(description="Event that changed it last: of two versions the higher is newer.")
    ]
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None

    @classmethod
    def of(cls, message: Message, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            id=message.id,
            conversation_id=message.conversation_id,
            seq=message.seq,
            sender_id=message.sender_id,
            client_id=message.client_id,
            text=message.text,
            media=[
                ChatMedia(media_id=media_id, url=links.url_for(media_id, LINK_LIFETIME))
                for media_id in message.media_ids
            ],
            reply_to=message.reply_to,
            reactions=[
                ReactionShown(emoji=emoji, user_ids=list(who)) for emoji, who in message.reactions
            ],
            changed_seq=message.changed_seq,
            sent_at=message.sent_at,
            edited_at=message.edited_at,
            deleted_at=message.deleted_at,
        )


class ConversationShown(BaseModel):
    """One of the caller's conversations."""

    id: UUID
    kind: ConversationKind
    title: str | None
    member_count: int
    last_seq: Seq
    active_at: datetime
    created_at: datetime
    role: MemberRole
    delivered_seq: Seq
    read_seq: Seq
    unread: Annotated[
        int, Field(le=UNREAD_AT_MOST, description=f"{UNREAD_AT_MOST} means that or more.")
    ]
    last_message: MessageShown | None
    with_user: Annotated[
        PersonShown | None, Field(description="The other one of a direct conversation.")
    ]

    @classmethod
    def of(cls, conversation: Conversation, links: MediaLinks) -> Self:
        """As it is shown."""
        last, other = conversation.last_message, conversation.with_user
        return cls(
            id=conversation.id,
            kind=conversation.kind,
            title=conversation.title,
            member_count=conversation.member_count,
            last_seq=conversation.last_seq,
            active_at=conversation.active_at,
            created_at=conversation.created_at,
            role=conversation.role,
            delivered_seq=conversation.delivered_seq,
            read_seq=conversation.read_seq,
            unread=conversation.unread,
            last_message=MessageShown.of(last, links) if last else None,
            with_user=PersonShown.of(other) if other else None,
        )


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


class UnreadShown(BaseModel):
    """What the caller has not read."""

    conversations: int
    messages: Annotated[int, Field(description=f"Up to {UNREAD_AT_MOST} of each conversation.")]


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
