"""The social side of the feed: authors are users, and posts are liked, followed and spread."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AUTHOR_OF_ACCOUNT = """
CREATE FUNCTION feed_author_of(wanted uuid) RETURNS uuid LANGUAGE plpgsql AS $$
-- The user that a feed account speaks for; one that was connected by an older version gets a page.
DECLARE
  account accounts;
  author uuid;
  name text;
  number int := 1;
BEGIN
  SELECT * INTO account FROM accounts WHERE id = wanted;
  IF account.remote_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT id INTO author FROM users WHERE id = account.remote_id::uuid;
    IF author IS NOT NULL THEN
      RETURN author;
    END IF;
  END IF;
  SELECT * INTO account FROM accounts WHERE id = wanted FOR NO KEY UPDATE;
  SELECT u.id, u.handle INTO author, name
    FROM feed_profiles p JOIN users u ON u.id = p.user_id
    WHERE p.workspace_id = account.workspace_id AND lower(u.handle) = lower(account.handle);
  name := account.handle;
  WHILE author IS NULL LOOP
    INSERT INTO users (id, handle, display_name) VALUES (uuidv7(), name, account.display_name)
      ON CONFLICT DO NOTHING RETURNING id INTO author;
    IF author IS NOT NULL THEN
      INSERT INTO feed_profiles (user_id, workspace_id) VALUES (author, account.workspace_id);
      EXIT;
    END IF;
    number := number + 1;
    name := left(account.handle, 58) || '_' || number;
  END LOOP;
  UPDATE accounts SET remote_id = author::text, handle = name
    WHERE id = wanted AND NOT EXISTS (
      SELECT FROM accounts other
      WHERE other.workspace_id = account.workspace_id AND other.network = 'feed'
        AND other.remote_id = author::text AND other.status <> 'disconnected'
    );
  RETURN author;
END $$
"""

NAME_AUTHOR = """
CREATE FUNCTION feed_posts_name_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.author_id IS NULL THEN
    NEW.author_id := feed_author_of(NEW.account_id);
    PERFORM set_config('punctual.published_by_older_version', NEW.id::text, true);
  END IF;
  RETURN NEW;
END $$
"""

SPREAD_FOR_OLDER_VERSION = """
CREATE FUNCTION feed_posts_spread() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('punctual.published_by_older_version', true) = NEW.id::text THEN
    INSERT INTO feed_entries (id, post_id, author_id, actor_id, on_read)
      VALUES (NEW.id, NEW.id, NEW.author_id, NEW.author_id, false);
    INSERT INTO home_entries (user_id, entry_id, actor_id, post_id)
      VALUES (NEW.author_id, NEW.id, NEW.author_id, NEW.id);
    INSERT INTO jobs (kind, subject_id, payload) VALUES ('fan_out_post', NEW.id, '{}');
  END IF;
  RETURN NULL;
END $$
"""

TABLES = (
    "feed_hashtag_trends",
    "feed_post_trends",
    "feed_hashtags",
    "feed_comments",
    "feed_bookmarks",
    "feed_likes",
    "mutes",
    "blocks",
    "follows",
    "home_entries",
    "feed_entries",
    "feed_profiles",
)


def upgrade() -> None:
    """Apply."""
    _media_of_users()
    _profiles_and_relations()
    op.execute(AUTHOR_OF_ACCOUNT)
    op.execute(
        "SELECT feed_author_of(id) FROM (SELECT id FROM accounts WHERE network = 'feed'"
        " ORDER BY status = 'disconnected', id) feed"
    )
    _posts()
    _entries()
    _reactions()
    _trends()
    op.execute(NAME_AUTHOR)
    op.execute(SPREAD_FOR_OLDER_VERSION)
    op.execute(
        "CREATE TRIGGER name_author BEFORE INSERT ON feed_posts"
        " FOR EACH ROW EXECUTE FUNCTION feed_posts_name_author()"
    )
    op.execute(
        "CREATE TRIGGER spread_for_older_version AFTER INSERT ON feed_posts"
        " FOR EACH ROW EXECUTE FUNCTION feed_posts_spread()"
    )


def downgrade() -> None:
    """Take back. What only users wrote goes with it."""
    op.execute("DROP TRIGGER spread_for_older_version ON feed_posts")
    op.execute("DROP TRIGGER name_author ON feed_posts")
    for function in ("feed_posts_spread()", "feed_posts_name_author()", "feed_author_of(uuid)"):
        op.execute(f"DROP FUNCTION {function}")
    for table in TABLES:
        op.drop_table(table)
    op.execute("DELETE FROM feed_posts WHERE account_id IS NULL OR deleted_at IS NOT NULL")
    op.drop_index(op.f("ix_feed_posts_author_id_id"), table_name="feed_posts")
    for column in ("author_id", "like_count", "comment_count", "repost_count", "deleted_at"):
        op.drop_column("feed_posts", column)
    op.alter_column("feed_posts", "account_id", nullable=False)
    op.execute("DELETE FROM media WHERE user_id IS NOT NULL")
    op.drop_constraint(op.f("ck_media_owner"), "media")
    op.drop_column("media", "user_id")
    op.alter_column("media", "workspace_id", nullable=False)


def _media_of_users() -> None:
    op.alter_column("media", "workspace_id", nullable=True)
    op.add_column("media", sa.Column("user_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_media_user_id"), "media", "users", ["user_id"], ["id"], ondelete="CASCADE"
    )
    op.create_check_constraint(
        op.f("ck_media_owner"), "media", "num_nonnulls(workspace_id, user_id) = 1"
    )
    op.create_index(
        "ix_media_user_id_id",
        "media",
        ["user_id", "id"],
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )


def _profiles_and_relations() -> None:
    op.create_table(
        "feed_profiles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        _count("follower_count"),
        _count("following_count"),
        sa.Column("on_read", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        _reference("feed_profiles", "user_id", "users"),
        _reference("feed_profiles", "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_feed_profiles")),
    )
    op.create_index(
        "ix_feed_profiles_on_read",
        "feed_profiles",
        ["user_id"],
        postgresql_where=sa.text("on_read"),
    )
    _relation("follows", "follower_id", "followee_id")
    op.create_index(op.f("ix_follows_follower_id_id"), "follows", ["follower_id", "id"])
    op.create_index(op.f("ix_follows_followee_id_id"), "follows", ["followee_id", "id"])
    _relation("blocks", "blocker_id", "blocked_id")
    op.create_index(op.f("ix_blocks_blocker_id_id"), "blocks", ["blocker_id", "id"])
    op.create_index(op.f("ix_blocks_blocked_id_blocker_id"), "blocks", ["blocked_id", "blocker_id"])
    _relation("mutes", "muter_id", "muted_id")
    op.create_index(op.f("ix_mutes_muter_id_id"), "mutes", ["muter_id", "id"])


def _posts() -> None:
    op.add_column("feed_posts", sa.Column("author_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE feed_posts SET author_id = feed_author_of(account_id)")
    op.alter_column("feed_posts", "author_id", nullable=False)
    op.alter_column("feed_posts", "account_id", nullable=True)
    op.create_foreign_key(
        op.f("fk_feed_posts_author_id"), "feed_posts", "users", ["author_id"], ["id"]
    )
    op.add_column("feed_posts", _count("like_count"))
    op.add_column("feed_posts", _count("comment_count"))
    op.add_column("feed_posts", _count("repost_count"))
    op.add_column("feed_posts", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_feed_posts_author_id_id"), "feed_posts", ["author_id", "id"])


def _entries() -> None:
    op.create_table(
        "feed_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("on_read", sa.Boolean(), nullable=False),
        sa.Column("spread_to", sa.Uuid(), nullable=True),
        sa.Column("spread_at", sa.DateTime(timezone=True), nullable=True),
        _reference("feed_entries", "post_id", "feed_posts", ondelete="CASCADE"),
        _reference("feed_entries", "author_id", "users"),
        _reference("feed_entries", "actor_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_entries")),
        sa.UniqueConstraint("actor_id", "post_id", name=op.f("uq_feed_entries_actor_id_post_id")),
    )
    op.create_index(op.f("ix_feed_entries_actor_id_id"), "feed_entries", ["actor_id", "id"])
    op.create_index(op.f("ix_feed_entries_post_id_id"), "feed_entries", ["post_id", "id"])
    op.create_index(
        "ix_feed_entries_on_read_post_id",
        "feed_entries",
        ["post_id", "id"],
        postgresql_where=sa.text("on_read"),
    )
    op.create_index(
        "ix_feed_entries_on_read", "feed_entries", ["id"], postgresql_where=sa.text("on_read")
    )
    op.create_table(
        "home_entries",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "entry_id", name=op.f("pk_home_entries")),
    )
    op.create_index(op.f("ix_home_entries_user_id_post_id"), "home_entries", ["user_id", "post_id"])
    op.execute(
        "INSERT INTO feed_entries (id, post_id, author_id, actor_id, on_read, spread_at)"
        " SELECT id, id, author_id, author_id, false, now() FROM feed_posts"
    )


def _reactions() -> None:
    for table, columns in (
        ("feed_likes", ("post_id", "user_id")),
        ("feed_bookmarks", ("user_id", "post_id")),
    ):
        op.create_table(
            table,
            *(sa.Column(name, sa.Uuid(), nullable=False) for name in columns),
            sa.Column("id", sa.Uuid(), nullable=False),
            _reference(table, "post_id", "feed_posts", ondelete="CASCADE"),
            _reference(table, "user_id", "users"),
            sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}")),
        )
    op.create_index(op.f("ix_feed_likes_post_id_id"), "feed_likes", ["post_id", "id"])
    op.create_index(op.f("ix_feed_bookmarks_user_id_id"), "feed_bookmarks", ["user_id", "id"])
    op.create_table(
        "feed_comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("comment_key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _count("reply_count"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        _reference("feed_comments", "post_id", "feed_posts", ondelete="CASCADE"),
        _reference("feed_comments", "author_id", "users"),
        _reference("feed_comments", "parent_id", "feed_comments", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_comments")),
        sa.UniqueConstraint(
            "author_id", "comment_key", name=op.f("uq_feed_comments_author_id_comment_key")
        ),
    )
    op.create_index(
        "ix_feed_comments_post_id_id",
        "feed_comments",
        ["post_id", "id"],
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index(op.f("ix_feed_comments_parent_id_id"), "feed_comments", ["parent_id", "id"])


def _trends() -> None:
    op.create_table(
        "feed_hashtags",
        sa.Column("hashtag", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        _reference("feed_hashtags", "post_id", "feed_posts", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hashtag", "post_id", name=op.f("pk_feed_hashtags")),
    )
    op.create_index(op.f("ix_feed_hashtags_post_id"), "feed_hashtags", ["post_id"])
    op.create_table(
        "feed_post_trends",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        _reference("feed_post_trends", "post_id", "feed_posts", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_feed_post_trends")),
    )
    op.create_index(
        op.f("ix_feed_post_trends_score_post_id"), "feed_post_trends", ["score", "post_id"]
    )
    op.create_table(
        "feed_hashtag_trends",
        sa.Column("hashtag", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("hashtag", name=op.f("pk_feed_hashtag_trends")),
    )
    op.create_index(
        op.f("ix_feed_hashtag_trends_score_hashtag"), "feed_hashtag_trends", ["score", "hashtag"]
    )


def _relation(table: str, one: str, other: str) -> None:
    op.create_table(
        table,
        sa.Column(one, sa.Uuid(), nullable=False),
        sa.Column(other, sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(f"{one} <> {other}", name=op.f(f"ck_{table}_other")),
        _reference(table, one, "users"),
        _reference(table, other, "users"),
        sa.PrimaryKeyConstraint(one, other, name=op.f(f"pk_{table}")),
    )


def _reference(table: str, column: str, to: str, **more: Any) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), **more
    )


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)
