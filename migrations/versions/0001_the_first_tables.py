"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "available_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_due_at_id"), "outbox", ["due_at", "id"], unique=False)
    op.create_index(op.f("ix_outbox_subject_id_id"), "outbox", ["subject_id", "id"], unique=False)
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "ambiguity_policy",
            sa.Enum("hold", "resend", name="ambiguitypolicy", native_enum=False, length=32),
            server_default="hold",
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "ambiguity_policy IN ('hold', 'resend')", name=op.f("ck_workspaces_ambiguity_policy")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column(
            "network",
            sa.Enum(
                "facebook",
                "instagram",
                "x",
                "bluesky",
                "mastodon",
                "feed",
                name="network",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="connected", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("credentials_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("refresh_lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "connected_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "network IN ('facebook', 'instagram', 'x', 'bluesky', 'mastodon', 'feed')",
            name=op.f("ck_accounts_network"),
        ),
        sa.CheckConstraint(
            "status IN ('connected', 'reconnect', 'blocked', 'disconnected')",
            name=op.f("ck_accounts_status"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_accounts_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index(
        op.f("ix_accounts_workspace_id_id"), "accounts", ["workspace_id", "id"], unique=False
    )
    op.create_index(
        "uq_accounts_profile",
        "accounts",
        ["workspace_id", "network", "remote_id", "base_url"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status <> 'disconnected'"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_api_keys_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_index(
        op.f("ix_api_keys_workspace_id_id"), "api_keys", ["workspace_id", "id"], unique=False
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status_code", sa.SmallInteger(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_idempotency_keys_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False
    )
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("alt_text", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_media_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
    )
    op.create_index(op.f("ix_media_workspace_id_id"), "media", ["workspace_id", "id"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "scheduled",
                "publishing",
                "published",
                "partially_published",
                "failed",
                "cancelled",
                name="poststatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wall_time", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), server_default="3", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'scheduled', 'publishing', 'published', 'partially_published', 'failed', 'cancelled')",
            name=op.f("ck_posts_status"),
        ),
        sa.CheckConstraint("priority BETWEEN 1 AND 5", name=op.f("ck_posts_priority")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_posts_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
    )
    op.create_index(
        "ix_posts_due",
        "posts",
        ["publish_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('scheduled', 'publishing')"),
    )
    op.create_index(op.f("ix_posts_workspace_id_id"), "posts", ["workspace_id", "id"], unique=False)
    op.create_index(
        op.f("ix_posts_workspace_id_publish_at_id"),
        "posts",
        ["workspace_id", "publish_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_posts_workspace_id_status_id"),
        "posts",
        ["workspace_id", "status", "id"],
        unique=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "network",
            sa.Enum(
                "facebook",
                "instagram",
                "x",
                "bluesky",
                "mastodon",
                "feed",
                name="network",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "scheduled",
                "preparing",
                "armed",
                "sending",
                "deferred",
                "published",
                "failed",
                "unconfirmed",
                "cancelled",
                name="deliverystatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deferred_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("prepared", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("prepared_revision", sa.Integer(), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("permalink", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "network IN ('facebook', 'instagram', 'x', 'bluesky', 'mastodon', 'feed')",
            name=op.f("ck_deliveries_network"),
        ),
        sa.CheckConstraint(
            "status IN ('scheduled', 'preparing', 'armed', 'sending', 'deferred', 'published', 'failed', 'unconfirmed', 'cancelled')",
            name=op.f("ck_deliveries_status"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_deliveries_account_id")
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_deliveries_post_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_deliveries_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(
        op.f("ix_deliveries_account_id_sent_at"),
        "deliveries",
        ["account_id", "sent_at"],
        unique=False,
    )
    op.create_index(
        "ix_deliveries_deferred",
        "deliveries",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("status = 'deferred'"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["publish_at"],
        unique=False,
        postgresql_where=sa.text(
            "status IN ('scheduled', 'preparing', 'armed', 'sending', 'deferred') AND NOT superseded"
        ),
    )
    op.create_index(
        "ix_deliveries_network",
        "deliveries",
        ["workspace_id", "network", "post_id"],
        unique=False,
        postgresql_where=sa.text("NOT superseded"),
    )
    op.create_index(op.f("ix_deliveries_post_id_id"), "deliveries", ["post_id", "id"], unique=False)
    op.create_index(
        op.f("ix_deliveries_workspace_id_status_id"),
        "deliveries",
        ["workspace_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        "uq_deliveries_current",
        "deliveries",
        ["post_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("NOT superseded"),
    )
    op.create_table(
        "feed_posts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("publish_key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("media", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_feed_posts_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_posts")),
        sa.UniqueConstraint("publish_key", name=op.f("uq_feed_posts_publish_key")),
    )
    op.create_index(
        op.f("ix_feed_posts_account_id_id"), "feed_posts", ["account_id", "id"], unique=False
    )
    op.create_table(
        "post_revisions",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_revisions_post_id")),
        sa.PrimaryKeyConstraint("post_id", "revision", name=op.f("pk_post_revisions")),
    )
    op.create_table(
        "timeline",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_timeline_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline")),
    )
    op.create_index(op.f("ix_timeline_post_id_id"), "timeline", ["post_id", "id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("counted", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("lookups", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("resends", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("permalink", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('published', 'not_sent', 'unconfirmed')", name=op.f("ck_attempts_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_attempts_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint(
            "delivery_id", "part", "number", name=op.f("uq_attempts_delivery_id_part_number")
        ),
    )
    op.create_index(
        op.f("ix_attempts_account_id_started_at"),
        "attempts",
        ["account_id", "started_at"],
        unique=False,
    )
    op.create_index(op.f("ix_attempts_root_id_part"), "attempts", ["root_id", "part"], unique=False)
    op.create_index(
        "uq_attempts_open",
        "attempts",
        ["root_id", "part"],
        unique=True,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index(
        "uq_attempts_published",
        "attempts",
        ["root_id", "part"],
        unique=True,
        postgresql_where=sa.text("outcome = 'published'"),
    )
    op.create_index(
        "uq_attempts_receipt",
        "attempts",
        ["account_id", "remote_id"],
        unique=True,
        postgresql_where=sa.text("outcome = 'published'"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(
        "uq_attempts_receipt",
        table_name="attempts",
        postgresql_where=sa.text("outcome = 'published'"),
    )
    op.drop_index(
        "uq_attempts_published",
        table_name="attempts",
        postgresql_where=sa.text("outcome = 'published'"),
    )
    op.drop_index(
        "uq_attempts_open", table_name="attempts", postgresql_where=sa.text("outcome IS NULL")
    )
    op.drop_index(op.f("ix_attempts_root_id_part"), table_name="attempts")
    op.drop_index(op.f("ix_attempts_account_id_started_at"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_index(op.f("ix_timeline_post_id_id"), table_name="timeline")
    op.drop_table("timeline")
    op.drop_table("post_revisions")
    op.drop_index(op.f("ix_feed_posts_account_id_id"), table_name="feed_posts")
    op.drop_table("feed_posts")
    op.drop_index(
        "uq_deliveries_current", table_name="deliveries", postgresql_where=sa.text("NOT superseded")
    )
    op.drop_index(op.f("ix_deliveries_workspace_id_status_id"), table_name="deliveries")
    op.drop_index(op.f("ix_deliveries_post_id_id"), table_name="deliveries")
    op.drop_index(
        "ix_deliveries_network", table_name="deliveries", postgresql_where=sa.text("NOT superseded")
    )
    op.drop_index(
        "ix_deliveries_due",
        table_name="deliveries",
        postgresql_where=sa.text(
            "status IN ('scheduled', 'preparing', 'armed', 'sending', 'deferred') AND NOT superseded"
        ),
    )
    op.drop_index(
        "ix_deliveries_deferred",
        table_name="deliveries",
        postgresql_where=sa.text("status = 'deferred'"),
    )
    op.drop_index(op.f("ix_deliveries_account_id_sent_at"), table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index(op.f("ix_posts_workspace_id_status_id"), table_name="posts")
    op.drop_index(op.f("ix_posts_workspace_id_publish_at_id"), table_name="posts")
    op.drop_index(op.f("ix_posts_workspace_id_id"), table_name="posts")
    op.drop_index(
        "ix_posts_due",
        table_name="posts",
        postgresql_where=sa.text("status IN ('scheduled', 'publishing')"),
    )
    op.drop_table("posts")
    op.drop_index(op.f("ix_media_workspace_id_id"), table_name="media")
    op.drop_table("media")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_api_keys_workspace_id_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index(
        "uq_accounts_profile",
        table_name="accounts",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status <> 'disconnected'"),
    )
    op.drop_index(op.f("ix_accounts_workspace_id_id"), table_name="accounts")
    op.drop_table("accounts")
    op.drop_table("workspaces")
    op.drop_index(op.f("ix_outbox_subject_id_id"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_due_at_id"), table_name="outbox")
    op.drop_table("outbox")
