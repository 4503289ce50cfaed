"""Reports and the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APPEND_ONLY = """
CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever added to' USING ERRCODE = '42501';
END $$
"""

GUARDS = (
    "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log"
    " FOR EACH ROW EXECUTE FUNCTION audit_log_refuse()",
    "CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON audit_log"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()",
)

_KINDS = (
    "'like', 'comment', 'reply', 'follow', 'mention', 'repost', 'message', "
    "'post_published', 'post_failed', 'post_unconfirmed', 'account_reconnect'"
)
_NEW_KINDS = ", 'content_removed', 'warning'"
_SUBJECT_TYPES = "'feed_post', 'comment', 'user', 'conversation', 'post', 'account'"
_NEW_SUBJECT_TYPES = ", 'message', 'listing'"


def upgrade() -> None:
    """Apply."""
    _create_cases()
    _create_reports()
    _create_audit_log()
    op.create_table(
        "suspended_deliveries",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_suspended_deliveries_delivery_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_suspended_deliveries_user_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_suspended_deliveries")),
    )
    for column in ("user_id", "workspace_id"):
        name = op.f(f"ix_suspended_deliveries_{column}")
        op.create_index(name, "suspended_deliveries", [column])
    _index_what_is_looked_at()
    _allow_notifications(_KINDS + _NEW_KINDS, _SUBJECT_TYPES + _NEW_SUBJECT_TYPES)


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM notifications WHERE kind IN ('content_removed', 'warning')")
    op.execute("DELETE FROM notification_preferences WHERE kind IN ('content_removed', 'warning')")
    _allow_notifications(_KINDS, _SUBJECT_TYPES + _NEW_SUBJECT_TYPES)
    op.drop_index("ix_outbox_failing", "outbox")
    op.drop_index("ix_listings_removed", "listings")
    op.drop_index("ix_deliveries_settled", "deliveries")
    for name in ("handle_prefix", "email_prefix", "suspended", "staff"):
        op.drop_index(f"ix_users_{name}", "users")
    op.drop_table("suspended_deliveries")
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION audit_log_refuse()")
    op.drop_table("reports")
    op.drop_table("report_cases")


def _create_cases() -> None:
    op.create_table(
        "report_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("report_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.CheckConstraint(
            "subject_type IN ('feed_post', 'comment', 'user', 'message', 'listing')",
            name=op.f("ck_report_cases_subject_type"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'taken', 'resolved')", name=op.f("ck_report_cases_status")
        ),
        sa.CheckConstraint(
            "decision IN ('nothing', 'remove', 'warn', 'suspend')",
            name=op.f("ck_report_cases_decision"),
        ),
        sa.CheckConstraint(
            "(status = 'resolved') = (decision IS NOT NULL AND reason IS NOT NULL)",
            name=op.f("ck_report_cases_resolved"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_report_cases_owner_id")),
        sa.ForeignKeyConstraint(["taken_by"], ["users.id"], name=op.f("fk_report_cases_taken_by")),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["users.id"], name=op.f("fk_report_cases_resolved_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_cases")),
    )
    op.create_index(
        "uq_report_cases_unresolved",
        "report_cases",
        ["subject_type", "subject_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    for columns in (("status", "id"), ("status", "subject_type", "id"), ("owner_id", "id")):
        name = op.f(f"ix_report_cases_{'_'.join(columns)}")
        op.create_index(name, "report_cases", list(columns))
    op.create_index(
        "ix_report_cases_taken_by",
        "report_cases",
        ["taken_by", "id"],
        postgresql_where=sa.text("status = 'taken'"),
    )


def _create_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("seen", postgresql.JSONB(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.CheckConstraint(
            "reason IN ('spam', 'harassment', 'hate', 'violence', 'sexual', 'fraud', 'illegal', "
            "'other')",
            name=op.f("ck_reports_reason"),
        ),
        sa.ForeignKeyConstraint(["case_id"], ["report_cases.id"], name=op.f("fk_reports_case_id")),
        sa.ForeignKeyConstraint(["reporter_id"], ["users.id"], name=op.f("fk_reports_reporter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("case_id", "reporter_id", name=op.f("uq_reports_case_id_reporter_id")),
    )
    for column in ("case_id", "reporter_id"):
        op.create_index(op.f(f"ix_reports_{column}_id"), "reports", [column, "id"])


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        _moment("at"),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_audit_log_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    for columns in (("actor_id", "id"), ("act", "id"), ("subject_type", "subject_id", "id")):
        name = op.f(f"ix_audit_log_{'_'.join(columns)}")
        op.create_index(name, "audit_log", list(columns))
    op.execute(APPEND_ONLY)
    for guard in GUARDS:
        op.execute(guard)


def _index_what_is_looked_at() -> None:
    op.create_index("ix_users_handle_prefix", "users", [sa.text('lower(handle COLLATE "C")')])
    op.create_index(
        "ix_users_email_prefix",
        "users",
        [sa.text('lower(email COLLATE "C")')],
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        "ix_users_suspended",
        "users",
        ["id"],
        postgresql_where=sa.text("suspended_at IS NOT NULL"),
    )
    op.create_index("ix_users_staff", "users", ["id"], postgresql_where=sa.text("role <> 'user'"))
    op.create_index(
        "ix_deliveries_settled",
        "deliveries",
        ["publish_at"],
        postgresql_include=["network", "status", "sent_at"],
        postgresql_where=sa.text("status IN ('published', 'failed', 'unconfirmed')"),
    )
    op.create_index(
        "ix_listings_removed",
        "listings",
        ["id"],
        postgresql_where=sa.text("status = 'removed'"),
    )
    op.create_index(
        "ix_outbox_failing",
        "outbox",
        ["id"],
        postgresql_where=sa.text("last_error IS NOT NULL"),
    )


def _allow_notifications(kinds: str, subject_types: str) -> None:
    for table in ("notifications", "notification_preferences"):
        op.drop_constraint(op.f(f"ck_{table}_kind"), table)
        op.create_check_constraint(op.f(f"ck_{table}_kind"), table, f"kind IN ({kinds})")
    name = op.f("ck_notifications_subject_type")
    op.drop_constraint(name, "notifications")
    op.create_check_constraint(name, "notifications", f"subject_type IN ({subject_types})")


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
