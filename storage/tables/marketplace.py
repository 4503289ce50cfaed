"""What people sell: listings, their pictures, who likes them, who asked about them."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from domain.listings import Category, Condition, ListingStatus
from storage.tables.base import Table, one_of

_WORDS = (
    "setweight(to_tsvector('simple', title), 'A')"
    " || setweight(to_tsvector('simple', description), 'B')"
)
_ACTIVE = text("status = 'active'")


class ListingRow(Table):
    """One thing that one person offers."""

    __tablename__ = "listings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    description: Mapped[str]
    price: Mapped[Decimal] = mapped_column(Numeric(15, 3))
    """Exact; with as many digits as the currency has at most."""
    currency: Mapped[str]
    """A code of ISO 4217."""
    condition: Mapped[str]
    category: Mapped[str]
    place: Mapped[str]
    """As people say it: a town, a quarter."""
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    """Degrees, WGS 84."""
    status: Mapped[str]
    position: Mapped[UUID]
    """Made anew whenever it is put up for sale: its place among the newest."""
    favourite_count: Mapped[int] = mapped_column(server_default="0")
    removed_from: Mapped[str | None]
    """What it was before a moderator removed it."""
    removal_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    words: Mapped[str] = mapped_column(TSVECTOR, Computed(_WORDS, persisted=True), deferred=True)

    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint(one_of("condition", Condition), name="condition"),
        CheckConstraint(one_of("category", Category), name="category"),
        CheckConstraint(one_of("status", ListingStatus), name="status"),
        CheckConstraint(
            "(status = 'removed') = (removed_from IS NOT NULL)"
            " AND (status = 'removed') = (removal_reason IS NOT NULL)",
            name="removal",
        ),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
        Index(  # search by words
            "ix_listings_words", "words", postgresql_using="gin", postgresql_where=_ACTIVE
        ),
        Index("ix_listings_newest", "position", postgresql_where=_ACTIVE),  # the newest
        Index(  # the newest of a category
            "ix_listings_category", "category", "position", postgresql_where=_ACTIVE
        ),
        Index(  # by price, within a currency
            "ix_listings_price", "currency", "price", "position", postgresql_where=_ACTIVE
        ),
        Index(  # the newest at a place
            "ix_listings_place", text("lower(place)"), "position", postgresql_where=_ACTIVE
        ),
        Index(None, "seller_id", "position"),  # somebody's, by themselves or by others
        Index(  # what moderators took away
            "ix_listings_removed", "id", postgresql_where=text("status = 'removed'")
        ),
    )


class ListingImageRow(Table):
    """One picture of a listing."""

    __tablename__ = "listing_images"

    listing_id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True
    )
    media_id: Mapped[UUID] = mapped_column(ForeignKey("pictures.media_id"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer)
    """0 for the first."""

    __table_args__ = (Index(None, "media_id"),)  # a picture that is deleted looks for listings


class FavouriteRow(Table):
    """A listing that somebody wants to find again."""

    __tablename__ = "favourites"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[UUID]
    """Sorts by when it was marked."""

    __table_args__ = (
        Index(None, "user_id", "id"),  # somebody's favourites
        Index(None, "listing_id"),  # a listing that is deleted
    )


class ListingContactRow(Table):
    """Somebody asked a seller about a listing, in a conversation."""

    __tablename__ = "listing_contacts"

    listing_id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"))
    contacted_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "conversation_id"),)  # what a conversation is about
