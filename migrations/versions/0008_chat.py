"""Conversations."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_THIS_TRANSACTION = sa.text("(pg_current_xact_id()::text)::bigint")
_EVENTS = (
    "'message_sent', 'message_edited', 'message_deleted', 'reaction_added', 'reaction_removed', "
    "'members_added', 'member_left', 'renamed', 'receipt'"
)


def upgrade() -> None:
    """Apply."""
    # Lets one GIN index hold the conversation beside the words; any owner of a database may add it.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    _conversations()
    _messages()
    _presence()


def downgrade() -> None:
    """Take back."""
    for table in (
        "last_seen",
        "presence",
        "socket_processes",
        "chat_events",
        "message_reactions",
        "messages",
        "conversation_members",
        "conversations",
    ):
        op.drop_table(table)
    op.execute("DROP EXTENSION IF EXISTS btree_gin")


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("direct_key", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        _moment("active_at"),
        sa.Column("changed_in", sa.BigInteger(), server_default=_THIS_TRANSACTION, nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("kind IN ('direct', 'group')", name=op.f("ck_conversations_kind")),
        sa.CheckConstraint(
            "(kind = 'direct') = (direct_key IS NOT NULL)", name=op.f("ck_conversations_direct_key")
        ),
        _refers("conversations", "created_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("direct_key", name=op.f("uq_conversations_direct_key")),
    )
    op.create_index(op.f("ix_conversations_changed_in"), "conversations", ["changed_in"])
    op.create_table(
        "conversation_members",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        _moment("joined_at"),
        sa.Column("joined_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("read_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("receipt_seq", sa.BigInteger(), nullable=True),
        sa.Column("changed_in", sa.BigInteger(), server_default=_THIS_TRANSACTION, nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'member')", name=op.f("ck_conversation_members_role")
        ),
        _refers("conversation_members", "conversation_id", "conversations.id"),
        _refers("conversation_members", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", name=op.f("pk_conversation_members")),
    )
    op.create_index(
        op.f("ix_conversation_members_user_id_conversation_id"),
        "conversation_members",
        ["user_id", "conversation_id"],
    )
    op.create_index(
        op.f("ix_conversation_members_changed_in"), "conversation_members", ["changed_in"]
    )
    op.create_index(
        "ix_conversation_members_receipt_seq",
        "conversation_members",
        ["conversation_id", "receipt_seq"],
        postgresql_where=sa.text("receipt_seq IS NOT NULL"),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("media_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("reply_to", sa.Uuid(), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        _moment("sent_at", "clock_timestamp()"),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "words",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('simple', text)", persisted=True),
            nullable=False,
        ),
        _refers("messages", "conversation_id", "conversations.id"),
        _refers("messages", "sender_id", "users.id"),
        _refers("messages", "reply_to", "messages.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(
        "uq_messages_conversation_id_seq", "messages", ["conversation_id", "seq"], unique=True
    )
    op.create_index(
        "uq_messages_client_id",
        "messages",
        ["conversation_id", "sender_id", "client_id"],
        unique=True,
    )
    op.create_index(
        op.f("ix_messages_reply_to"),
        "messages",
        ["reply_to"],
        postgresql_where=sa.text("reply_to IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_words", "messages", ["conversation_id", "words"], postgresql_using="gin"
    )
    op.create_table(
        "message_reactions",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _moment("reacted_at", "clock_timestamp()"),
        _refers("message_reactions", "message_id", "messages.id"),
        _refers("message_reactions", "user_id", "users.id"),
        sa.PrimaryKeyConstraint(
            "message_id", "emoji", "user_id", name=op.f("pk_message_reactions")
        ),
    )
    op.create_table(
        "chat_events",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        _moment("happened_at", "clock_timestamp()"),
        sa.CheckConstraint(f"kind IN ({_EVENTS})", name=op.f("ck_chat_events_kind")),
        _refers("chat_events", "conversation_id", "conversations.id"),
        _refers("chat_events", "actor_id", "users.id"),
        _refers("chat_events", "message_id", "messages.id"),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name=op.f("pk_chat_events")),
    )


def _presence() -> None:
    op.create_table(
        "socket_processes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alive_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_socket_processes")),
    )
    op.create_table(
        "presence",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("process_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _refers("presence", "user_id", "users.id"),
        sa.ForeignKeyConstraint(
            ["process_id"],
            ["socket_processes.id"],
            name=op.f("fk_presence_process_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "process_id", name=op.f("pk_presence")),
    )
    op.create_index(op.f("ix_presence_process_id"), "presence", ["process_id"])
    op.create_table(
        "last_seen",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        _refers("last_seen", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_last_seen")),
    )


def _moment(name: str, default: str = "now()") -> sa.Column[Any]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text(default), nullable=False
    )


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))
