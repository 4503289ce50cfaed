"""Switches and circuits that hold publishing, what is held, and what becomes of late posts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NETWORKS = "network IN ('facebook', 'instagram', 'x', 'bluesky', 'mastodon', 'feed')"
POLICIES = "late_policy IN ('publish', 'skip', 'ask')"
AFTER = "late_after_seconds BETWEEN 60 AND 2592000"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "switches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column(
            "held_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reach IN ('everything', 'network', 'workspace', 'account')",
            name=op.f("ck_switches_reach"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["workspaces.id"], name=op.f("fk_switches_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switches")),
    )
    op.create_index(
        "uq_switches_standing",
        "switches",
        ["reach", "subject", "owner_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "circuits",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), server_default="closed", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trips", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("probes_left", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("probes_succeeded", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("tallies", JSONB(), server_default="[]", nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(NETWORKS, name=op.f("ck_circuits_network")),
        sa.CheckConstraint(
            "state IN ('closed', 'open', 'half_open')", name=op.f("ck_circuits_state")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_circuits_account_id")
        ),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_circuits")),
    )
    op.create_table(
        "held_deliveries",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(NETWORKS, name=op.f("ck_held_deliveries_network")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_held_deliveries_delivery_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_held_deliveries")),
    )
    op.create_index(
        "ix_held_deliveries_next",
        "held_deliveries",
        ["network", "priority", "turn", "delivery_id"],
        postgresql_include=["workspace_id", "account_id"],
    )
    op.create_index(
        op.f("ix_held_deliveries_workspace_id_network_priority_turn"),
        "held_deliveries",
        ["workspace_id", "network", "priority", "turn"],
    )
    op.create_index(
        op.f("ix_held_deliveries_account_id_priority_turn"),
        "held_deliveries",
        ["account_id", "priority", "turn"],
    )
    op.create_table(
        "drains",
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(NETWORKS, name=op.f("ck_drains_network")),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_drains")),
    )
    op.add_column(
        "workspaces",
        sa.Column("late_policy", sa.String(length=32), server_default="publish", nullable=False),
    )
    op.add_column(
        "workspaces",
        sa.Column("late_after_seconds", sa.Integer(), server_default="3600", nullable=False),
    )
    op.create_check_constraint(op.f("ck_workspaces_late_policy"), "workspaces", POLICIES)
    op.create_check_constraint(op.f("ck_workspaces_late_after"), "workspaces", AFTER)
    op.add_column("posts", sa.Column("late_policy", sa.String(length=32), nullable=True))
    op.add_column("posts", sa.Column("late_after_seconds", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_posts_late_policy"), "posts", POLICIES)
    op.create_check_constraint(op.f("ck_posts_late_after"), "posts", AFTER)


def downgrade() -> None:
    """Take back."""
    for table in ("posts", "workspaces"):
        op.drop_column(table, "late_after_seconds")
        op.drop_column(table, "late_policy")
    op.drop_table("drains")
    op.drop_table("held_deliveries")
    op.drop_table("circuits")
    op.drop_table("switches")
