"""Listings, the sizes of their pictures, and uploads that go straight to the media store."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ACTIVE = sa.text("status = 'active'")
NOW = sa.text("now()")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pictures",
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column(
            "sizes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("made_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "status IN ('processing', 'ready', 'failed')", name=op.f("ck_pictures_status")
        ),
        sa.CheckConstraint(
            "(status = 'failed') = (failure IS NOT NULL)", name=op.f("ck_pictures_failure")
        ),
        sa.ForeignKeyConstraint(
            ["media_id"], ["media.id"], name=op.f("fk_pictures_media_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_pictures")),
    )
    op.create_table(
        "media_uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("alt_text", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(workspace_id, user_id) = 1", name=op.f("ck_media_uploads_owner")
        ),
        sa.ForeignKeyConstraint(
            ["media_id"], ["media.id"], name=op.f("fk_media_uploads_media_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_media_uploads_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_media_uploads_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_uploads")),
    )
    op.create_index(op.f("ix_media_uploads_workspace_id"), "media_uploads", ["workspace_id"])
    op.create_index(op.f("ix_media_uploads_user_id"), "media_uploads", ["user_id"])
    op.create_index(
        "ix_media_uploads_media_id",
        "media_uploads",
        ["media_id"],
        postgresql_where=sa.text("media_id IS NOT NULL"),
    )
    _create_listings()
    op.create_table(
        "listing_images",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["listings.id"],
            name=op.f("fk_listing_images_listing_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["media_id"], ["pictures.media_id"], name=op.f("fk_listing_images_media_id")
        ),
        sa.PrimaryKeyConstraint("listing_id", "media_id", name=op.f("pk_listing_images")),
    )
    op.create_index(op.f("ix_listing_images_media_id"), "listing_images", ["media_id"])
    op.create_table(
        "favourites",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_favourites_user_id")),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["listings.id"],
            name=op.f("fk_favourites_listing_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "listing_id", name=op.f("pk_favourites")),
    )
    op.create_index(op.f("ix_favourites_user_id_id"), "favourites", ["user_id", "id"])
    op.create_index(op.f("ix_favourites_listing_id"), "favourites", ["listing_id"])
    op.create_table(
        "listing_contacts",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("contacted_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["listings.id"],
            name=op.f("fk_listing_contacts_listing_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_listing_contacts_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_listing_contacts_conversation_id"),
        ),
        sa.PrimaryKeyConstraint("listing_id", "user_id", name=op.f("pk_listing_contacts")),
    )
    op.create_index(
        op.f("ix_listing_contacts_conversation_id"), "listing_contacts", ["conversation_id"]
    )


def _create_listings() -> None:
    op.create_table(
        "listings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(15, 3), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("position", sa.Uuid(), nullable=False),
        sa.Column("favourite_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("removed_from", sa.Text(), nullable=True),
        sa.Column("removal_reason", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column(
            "words",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('simple', title), 'A')"
                " || setweight(to_tsvector('simple', description), 'B')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("price >= 0", name=op.f("ck_listings_price")),
        sa.CheckConstraint(
            "condition IN ('new', 'like_new', 'good', 'fair', 'for_parts')",
            name=op.f("ck_listings_condition"),
        ),
        sa.CheckConstraint(
            "category IN ('animals', 'art_and_craft', 'baby_and_child', 'books_films_and_music', "
            "'clothing', 'collectibles', 'electronics', 'food', 'furniture', 'games_and_toys', "
            "'garden', 'health_and_beauty', 'home', 'instruments', 'office', 'services', "
            "'sport_and_leisure', 'tickets', 'tools', 'vehicles', 'other')",
            name=op.f("ck_listings_category"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'sold', 'withdrawn', 'removed')",
            name=op.f("ck_listings_status"),
        ),
        sa.CheckConstraint(
            "(status = 'removed') = (removed_from IS NOT NULL)"
            " AND (status = 'removed') = (removal_reason IS NOT NULL)",
            name=op.f("ck_listings_removal"),
        ),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_listings_coordinates")
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_listings_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
    )
    op.create_index(
        "ix_listings_words", "listings", ["words"], postgresql_using="gin", postgresql_where=ACTIVE
    )
    op.create_index("ix_listings_newest", "listings", ["position"], postgresql_where=ACTIVE)
    op.create_index(
        "ix_listings_category", "listings", ["category", "position"], postgresql_where=ACTIVE
    )
    op.create_index(
        "ix_listings_price",
        "listings",
        ["currency", "price", "position"],
        postgresql_where=ACTIVE,
    )
    op.create_index(
        "ix_listings_place",
        "listings",
        [sa.text("lower(place)"), "position"],
        postgresql_where=ACTIVE,
    )
    op.create_index(op.f("ix_listings_seller_id_position"), "listings", ["seller_id", "position"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("listing_contacts")
    op.drop_table("favourites")
    op.drop_table("listing_images")
    op.drop_table("listings")
    op.drop_table("media_uploads")
    op.drop_table("pictures")
