"""What a worker claims ahead of a second."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "departures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("leaves_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "released_at IS NULL OR revoked_at IS NULL", name=op.f("ck_departures_fate")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departures")),
    )
    op.create_index(op.f("ix_departures_leaves_at"), "departures", ["leaves_at"])
    op.create_table(
        "paces",
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("free_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_paces")),
    )
    op.create_index(
        op.f("ix_outbox_workspace_id_due_at_id"), "outbox", ["workspace_id", "due_at", "id"]
    )
    op.add_column("attempts", sa.Column("departure_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("attempts", "departure_id")
    op.drop_index(op.f("ix_outbox_workspace_id_due_at_id"), table_name="outbox")
    op.drop_table("paces")
    op.drop_index(op.f("ix_departures_leaves_at"), table_name="departures")
    op.drop_table("departures")
