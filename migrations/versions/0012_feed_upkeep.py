"""Upkeep of what people read: what is shown no more, who shows a picture, what is old."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "feed_moderation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_feed_moderation_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_moderation")),
    )
    op.create_index(
        op.f("ix_accounts_remote_id_network"), "accounts", ["remote_id", "network"], unique=False
    )
    op.create_index(
        "ix_feed_posts_media",
        "feed_posts",
        ["media"],
        postgresql_using="gin",
        postgresql_ops={"media": "jsonb_path_ops"},
        postgresql_where=sa.text("media <> '{\"items\": []}' AND deleted_at IS NULL"),
    )
    op.create_index(
        "ix_messages_media_ids",
        "messages",
        ["media_ids"],
        postgresql_using="gin",
        postgresql_where=sa.text("media_ids <> '{}'"),
    )
    op.add_column(
        "notification_causes",
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.create_index(op.f("ix_notification_causes_told_at"), "notification_causes", ["told_at"])
    op.create_index(
        "ix_notifications_read",
        "notifications",
        ["read_at"],
        postgresql_where=sa.text("read_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_notifications_read", "notifications")
    op.drop_index(op.f("ix_notification_causes_told_at"), "notification_causes")
    op.drop_column("notification_causes", "told_at")
    op.drop_index("ix_messages_media_ids", "messages")
    op.drop_index("ix_feed_posts_media", "feed_posts")
    op.drop_index(op.f("ix_accounts_remote_id_network"), "accounts")
    op.drop_table("feed_moderation")
