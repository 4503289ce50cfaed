"""One post on its way to one account: deliveries, attempts, the timeline."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage.tables.base import Table, one_of


class DeliveryRow(Table):
    """One post to one account."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    root_id: Mapped[UUID]
    """The first delivery of this post to this account; itself, unless it is a retry."""
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id"))
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    network: Mapped[Network]
    status: Mapped[DeliveryStatus]
    revision: Mapped[int]
    """The post's; a claim holds only while it is still the one that was armed."""
    publish_at: Mapped[datetime | None]
    """UTC; the post's, or the moment a retry was asked for. Null in a draft."""
    superseded: Mapped[bool] = mapped_column(server_default=text("false"))
    """A retry took its place; the post's status no longer counts it."""
    deferred_until: Mapped[datetime | None]
    reason: Mapped[dict[str, Any] | None]
    """Why it is deferred, failed or unconfirmed: {type, message, answer…}."""
    prepared: Mapped[dict[str, Any] | None]
    """What preparing left at the network, by part index."""
    prepared_revision: Mapped[int | None]
    remote_id: Mapped[str | None]
    permalink: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    """When the first part's committing request left, UTC."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("network", Network), name="network"),
        CheckConstraint(one_of("status", DeliveryStatus), name="status"),
        Index(None, "post_id", "id"),  # a post's deliveries
        Index(  # what is due and not settled, for the sweep
            "ix_deliveries_due",
            "publish_at",
            postgresql_where=text(
                "status IN ('scheduled', 'preparing', 'armed', 'sending', 'deferred')"
                " AND NOT superseded"
            ),
        ),
        Index(None, "account_id", "sent_at"),  # what an account published lately
        Index(  # what waits for an account to be connected again
            "ix_deliveries_deferred",
            "account_id",
            postgresql_where=text("status = 'deferred'"),
        ),
        Index(  # what an account is about to send, for forecasts
            "ix_deliveries_planned",
            "account_id",
            "publish_at",
            postgresql_where=text(
                "status IN ('scheduled', 'preparing', 'armed') AND NOT superseded"
            ),
        ),
        Index(None, "workspace_id", "status", "id"),  # lists by status
        Index(  # posts going to a network
            "ix_deliveries_network",
            "workspace_id",
            "network",
            "post_id",
            postgresql_where=text("NOT superseded"),
        ),
        Index(  # how late a workspace's deliveries of a time were
            "ix_deliveries_lateness",
            "workspace_id",
            "publish_at",
            postgresql_include=["network", "sent_at"],
            postgresql_where=text("status = 'published'"),
        ),
        Index(  # how deliveries of a time ended and how late they were, for admins' charts
            "ix_deliveries_settled",
            "publish_at",
            postgresql_include=["network", "status", "sent_at"],
            postgresql_where=text("status IN ('published', 'failed', 'unconfirmed')"),
        ),
        Index(  # one current delivery to an account of a post
            "uq_deliveries_current",
            "post_id",
            "account_id",
            unique=True,
            postgresql_where=text("NOT superseded"),
        ),
    )


class AttemptRow(Table):
    """One try to send one part: written ahead of the request, closed when its fate is known."""

    __tablename__ = "attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id"))
    root_id: Mapped[UUID]
    """The delivery's root: a retry goes on after the parts that are public already."""
    account_id: Mapped[UUID]
    part: Mapped[int] = mapped_column(SmallInteger)
    number: Mapped[int] = mapped_column(SmallInteger)
    """1 for the part's first try."""
    revision: Mapped[int]
    evidence: Mapped[dict[str, Any]]
    departure_id: Mapped[UUID | None]
    """With whom it was claimed ahead of the second; null when it was claimed to leave at once."""
    started_at: Mapped[datetime]
    """When its request left, UTC; before that is known, when it was to leave."""
    outcome: Mapped[str | None]
    """null while open | published | not_sent | unconfirmed"""
    counted: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether it uses up a try of the retry plan; a rate limit does not."""
    lookups: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """How often its fate was looked for."""
    resends: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """How often it was sent again under its own key; only the last to do so may say "not sent"."""
    ended_at: Mapped[datetime | None]
    error: Mapped[dict[str, Any] | None]
    remote_id: Mapped[str | None]
    permalink: Mapped[str | None]
    details: Mapped[dict[str, Any] | None]

    __table_args__ = (
        CheckConstraint("outcome IN ('published', 'not_sent', 'unconfirmed')", name="outcome"),
        UniqueConstraint("delivery_id", "part", "number"),
        Index(None, "root_id", "part"),  # what is public of a delivery
        Index(None, "account_id", "started_at"),  # rolling quotas
        Index(  # at most one attempt of a part is open
            "uq_attempts_open",
            "root_id",
            "part",
            unique=True,
            postgresql_where=text("outcome IS NULL"),
        ),
        Index(  # what is public is the receipt of one delivery only
            "uq_attempts_receipt",
            "account_id",
            "remote_id",
            unique=True,
            postgresql_where=text("outcome = 'published'"),
        ),
        Index(  # a part is published once
            "uq_attempts_published",
            "root_id",
            "part",
            unique=True,
            postgresql_where=text("outcome = 'published'"),
        ),
    )


class DepartureRow(Table):
    """Attempts that were claimed together, ahead of their second, by one worker.

    One that was never released proves that none of its requests left.
    """

    __tablename__ = "departures"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    leaves_at: Mapped[datetime]
    """UTC."""
    released_at: Mapped[datetime | None]
    """Written before the first of its requests leaves."""
    revoked_at: Mapped[datetime | None]
    """Written by whoever found it unreleased too late; it cannot be released any more."""

    __table_args__ = (
        CheckConstraint("released_at IS NULL OR revoked_at IS NULL", name="fate"),
        Index(None, "leaves_at"),  # removal of old ones
    )


class PaceRow(Table):
    """How far a network's requests reach already; the next one leaves after them."""

    __tablename__ = "paces"

    network: Mapped[Network] = mapped_column(primary_key=True)
    free_from: Mapped[datetime]
    """UTC."""


class TimelineRow(Table):
    """One event in the life of a post, in order."""

    __tablename__ = "timeline"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id"))
    delivery_id: Mapped[UUID | None]
    event: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    details: Mapped[dict[str, Any]] = mapped_column(server_default="{}")

    __table_args__ = (Index(None, "post_id", "id"),)  # one post's timeline
