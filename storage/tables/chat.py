"""Conversations: who is in them, what was said, what happened in which order."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Uuid,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from domain.conversations import ChatEventKind, ConversationKind, MemberRole
from storage.tables.base import Table, one_of

_THIS_TRANSACTION = sql("(pg_current_xact_id()::text)::bigint")


class ConversationRow(Table):
    """A conversation; its row is locked by whoever adds to it, so that its order is one."""

    __tablename__ = "conversations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str | None]
    """Of a group; null for a direct conversation."""
    direct_key: Mapped[str | None] = mapped_column(unique=True)
    """Both people's ids, the lower one first: two people have one direct conversation."""
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    member_count: Mapped[int]
    last_seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Number of the last event."""
    active_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When the last message was sent, or the conversation was begun."""
    changed_in: Mapped[int] = mapped_column(BigInteger, server_default=_THIS_TRANSACTION)
    """The transaction of the last event: what a reader has not seen is never older than the
    oldest transaction that ran when it looked."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("kind", ConversationKind), name="kind"),
        CheckConstraint("(kind = 'direct') = (direct_key IS NOT NULL)", name="direct_key"),
        Index(None, "changed_in"),  # what sockets should have been told since the last look
    )


class ConversationMemberRow(Table):
    """One person in one conversation, and how far they have received and read it."""

    __tablename__ = "conversation_members"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]
    joined_at: Mapped[datetime] = mapped_column(server_default=func.now())
    joined_seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Events after this one are theirs to see."""
    left_at: Mapped[datetime | None]
    delivered_seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """What they received, up to this event."""
    read_seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """What they read, up to this event."""
    receipt_seq: Mapped[int | None] = mapped_column(BigInteger)
    """Number of the event that told both; null when none did."""
    changed_in: Mapped[int] = mapped_column(BigInteger, server_default=_THIS_TRANSACTION)
    """The transaction in which they came or left."""

    __table_args__ = (
        CheckConstraint(one_of("role", MemberRole), name="role"),
        Index(None, "user_id", "conversation_id"),  # somebody's conversations
        Index(None, "changed_in"),  # who came and left since the last look
        Index(  # receipts after an event
            "ix_conversation_members_receipt_seq",
            "conversation_id",
            "receipt_seq",
            postgresql_where=sql("receipt_seq IS NOT NULL"),
        ),
    )


class MessageRow(Table):
    """What somebody said; deleted, the row stays and its content goes."""

    __tablename__ = "messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    """Number of the event of its sending: its place in the conversation."""
    sender_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    client_id: Mapped[str]
    """The sender's own name for it: sent again under the same one, it is the same message."""
    text: Mapped[str]
    media_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    reply_to: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    changed_seq: Mapped[int] = mapped_column(BigInteger)
    """Number of the last event that changed it, reactions included."""
    sent_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    words: Mapped[str] = mapped_column(
        TSVECTOR, Computed("to_tsvector('simple', text)", persisted=True), deferred=True
    )

    __table_args__ = (
        Index("uq_messages_conversation_id_seq", "conversation_id", "seq", unique=True),  # history
        Index(  # a message that is sent again
            "uq_messages_client_id", "conversation_id", "sender_id", "client_id", unique=True
        ),
        Index(None, "reply_to", postgresql_where=sql("reply_to IS NOT NULL")),  # its answers
        Index(  # messages that show a picture, when it is to be deleted
            "ix_messages_media_ids",
            "media_ids",
            postgresql_using="gin",
            postgresql_where=sql("media_ids <> '{}'"),
        ),
        Index(  # search, within conversations
            "ix_messages_words", "conversation_id", "words", postgresql_using="gin"
        ),
    )


class ReactionRow(Table):
    """One person's emoji on one message."""

    __tablename__ = "message_reactions"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    emoji: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    reacted_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ChatEventRow(Table):
    """What happened in a conversation, in its order. Texts are only in the messages.

    Receipts are events too; the last one of each member is kept with the member.
    """

    __tablename__ = "chat_events"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str]
    actor_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    details: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    """{emoji} of a reaction, {user_ids} of who came or left, {title} of a new name"""
    happened_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (CheckConstraint(one_of("kind", ChatEventKind), name="kind"),)


class SocketProcessRow(Table):
    """A process that holds sockets, for as long as it says so."""

    __tablename__ = "socket_processes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    alive_until: Mapped[datetime]


class PresenceRow(Table):
    """Somebody's sockets in one process."""

    __tablename__ = "presence"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    process_id: Mapped[UUID] = mapped_column(
        ForeignKey("socket_processes.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str]
    """online | away"""

    __table_args__ = (Index(None, "process_id"),)  # who was in a process that died


class LastSeenRow(Table):
    """When somebody's last socket went."""

    __tablename__ = "last_seen"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    seen_at: Mapped[datetime]
