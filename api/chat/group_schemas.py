"""Conversations and who is in them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from api.chat.schemas import Asked, MessageShown, Seq
from api.texts import Name
from domain.conversations import MEMBERS_AT_MOST, ConversationKind, MemberRole
from storage.chat.listing import UNREAD_AT_MOST, Conversation
from storage.chat.members import Member, Person
from storage.media_links import MediaLinks


class NewDirect(Asked):
    """Whom to talk to."""

    user_id: UUID


class NewGroup(Asked):
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


class NewMembers(Asked):
    """Who is let in."""

    user_ids: Annotated[list[UUID], Field(min_length=1, max_length=MEMBERS_AT_MOST - 1)]


class GroupChange(Asked):
    """Another title."""

    title: Name


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


class UnreadShown(BaseModel):
    """What the caller has not read."""

    conversations: int
    messages: Annotated[int, Field(description=f"Up to {UNREAD_AT_MOST} of each conversation.")]
