"""The built-in network."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    Index,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class FeedPostRow(Table):
    """A public post of the built-in network."""

    __tablename__ = "feed_posts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    publish_key: Mapped[str] = mapped_column(unique=True)
    """Ours, chosen before sending: the same key again publishes nothing new."""
    text: Mapped[str]
    media: Mapped[dict[str, Any]]
    """{items: [{media_id, alt_text}]}"""
    published_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (Index(None, "account_id", "id"),)  # a profile's posts
