"""Every table. Each index says which query needs it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from domain.policies import AmbiguityPolicy


def _enum(values: type[StrEnum]) -> Enum:
    """Text in the database, the domain's enumeration in Python."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


class Table(DeclarativeBase):
    """Shared conventions: names of constraints, and what Python types become."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        UUID: Uuid,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        str: Text,
        bytes: LargeBinary,
        Network: _enum(Network),
        DeliveryStatus: _enum(DeliveryStatus),
        PostStatus: _enum(PostStatus),
        AmbiguityPolicy: _enum(AmbiguityPolicy),
    }


def _one_of(column: str, values: type[StrEnum]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


class WorkspaceRow(Table):
    """A tenant."""

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    ambiguity_policy: Mapped[AmbiguityPolicy] = mapped_column(server_default=AmbiguityPolicy.HOLD)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(_one_of("ambiguity_policy", AmbiguityPolicy), name="ambiguity_policy"),
    )


class ApiKeyRow(Table):
    """A workspace's key to the API; the secret itself is not kept."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    """The key's public part: shown in lists, and by which it is found."""
    secret_hash: Mapped[bytes]
    """SHA-256 of the secret part, which has 256 random bits."""
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "workspace_id", "id"),)  # list a workspace's keys


class AccountRow(Table):
    """A workspace's connection to one profile or page on one network."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    network: Mapped[Network]
    remote_id: Mapped[str]
    handle: Mapped[str]
    display_name: Mapped[str]
    base_url: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="connected")
    """connected | reconnect | blocked | disconnected"""
    status_reason: Mapped[str | None]
    credentials: Mapped[bytes]
    """Encrypted; empty once disconnected."""
    credentials_version: Mapped[int] = mapped_column(Integer, server_default="1")
    """Counts up with each replacement: a refresh writes only over the version it read."""
    refresh_lease_until: Mapped[datetime | None]
    """One refresh at a time: held by whoever refreshes now."""
    expires_at: Mapped[datetime | None]
    limits: Mapped[dict[str, Any] | None]
    connected_at: Mapped[datetime] = mapped_column(server_default=func.now())
    checked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(_one_of("network", Network), name="network"),
        CheckConstraint(
            "status IN ('connected', 'reconnect', 'blocked', 'disconnected')", name="status"
        ),
        Index(None, "workspace_id", "id"),  # list a workspace's accounts
        Index(  # one profile is connected once in a workspace
            "uq_accounts_profile",
            "workspace_id",
            "network",
            "remote_id",
            "base_url",  # two Mastodon servers may both have an account 1
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("status <> 'disconnected'"),
        ),
    )


class MediaRow(Table):
    """An uploaded file; the bytes are in the media store."""

    __tablename__ = "media"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    storage_key: Mapped[str]
    file_name: Mapped[str]
    content_type: Mapped[str]
    sha256: Mapped[bytes]
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    alt_text: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "workspace_id", "id"),)  # list a workspace's media


class PostRow(Table):
    """What a user wants published; its text is in the current revision."""

    __tablename__ = "posts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    revision: Mapped[int] = mapped_column(server_default="1")
    status: Mapped[PostStatus]
    publish_at: Mapped[datetime | None]
    """UTC; null for a draft."""
    wall_time: Mapped[str | None]
    """The local time as it was asked for, when it was."""
    time_zone: Mapped[str | None]
    """IANA name that goes with wall_time."""
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(_one_of("status", PostStatus), name="status"),
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
        Index(None, "workspace_id", "id"),  # list by age
        Index(None, "workspace_id", "status", "id"),  # list by status
        Index(None, "workspace_id", "publish_at", "id"),  # the calendar
        Index(  # what is due, for the sweep
            "ix_posts_due",
            "publish_at",
            postgresql_where=text("status IN ('scheduled', 'publishing')"),
        ),
    )


class PostRevisionRow(Table):
    """One version of a post's content. Never changed, never deleted: nobody's text is lost."""

    __tablename__ = "post_revisions"

    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None]
    """The API key that wrote it."""


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
        CheckConstraint(_one_of("network", Network), name="network"),
        CheckConstraint(_one_of("status", DeliveryStatus), name="status"),
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
        Index(None, "workspace_id", "status", "id"),  # lists by status
        Index(  # posts going to a network
            "ix_deliveries_network",
            "workspace_id",
            "network",
            "post_id",
            postgresql_where=text("NOT superseded"),
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
    started_at: Mapped[datetime]
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


class OutboxRow(Table):
    """Something to do outside, decided in a transaction and done after it."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    workspace_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    """The post or delivery it is about; rows of one subject are done in order."""
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    """The publish time: the earliest goes first."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not before: a lease of a relay at work, or the wait after a failure."""
    tries: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]

    __table_args__ = (
        Index(None, "due_at", "id"),  # the relay: earliest publish time first
        Index(None, "subject_id", "id"),  # in order for one subject
    )


class IdempotencyKeyRow(Table):
    """The first answer to a request, for those who ask again with the same key."""

    __tablename__ = "idempotency_keys"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    """SHA-256 of method, path and canonical body."""
    status_code: Mapped[int] = mapped_column(SmallInteger)
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "created_at"),)  # removal of old ones


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
