"""Posts made together, and how late what was published was."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source IN ('bulk', 'csv')", name=op.f("ck_batches_source")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_batches_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index(op.f("ix_batches_workspace_id_id"), "batches", ["workspace_id", "id"])
    op.add_column("posts", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_posts_batch_id"), "posts", "batches", ["batch_id"], ["id"])
    op.create_index(
        "ix_posts_batch",
        "posts",
        ["batch_id", "id"],
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_lateness",
        "deliveries",
        ["workspace_id", "publish_at"],
        postgresql_include=["network", "sent_at"],
        postgresql_where=sa.text("status = 'published'"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_deliveries_lateness", table_name="deliveries")
    op.drop_index("ix_posts_batch", table_name="posts")
    op.drop_constraint(op.f("fk_posts_batch_id"), "posts", type_="foreignkey")
    op.drop_column("posts", "batch_id")
    op.drop_index(op.f("ix_batches_workspace_id_id"), table_name="batches")
    op.drop_table("batches")
