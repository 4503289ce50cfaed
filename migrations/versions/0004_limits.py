"""Quotas and what networks say of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


PLANNED = "status IN ('scheduled', 'preparing', 'armed') AND NOT superseded"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "account_limits",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("limited_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_limits_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_limits")),
    )
    op.create_index(
        "ix_deliveries_planned",
        "deliveries",
        ["account_id", "publish_at"],
        postgresql_where=sa.text(PLANNED),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(
        "ix_deliveries_planned", table_name="deliveries", postgresql_where=sa.text(PLANNED)
    )
    op.drop_table("account_limits")
