"""What holds publishing: switches and circuits; what is held, and how it drains."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.circuits import CircuitState
from domain.networks import Network
from domain.switches import Reach
from storage.tables.base import Table, one_of


class SwitchRow(Table):
    """One hold that somebody put in place; kept after it was lifted, to tell who and why."""

    __tablename__ = "switches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reach: Mapped[str]
    subject: Mapped[str]
    """The network, or the id of the workspace or account; empty for everything."""
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    """The workspace that may lift it; null when only an operator may."""
    reason: Mapped[str]
    held_by: Mapped[str]
    held_since: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime | None]
    """UTC; null when it holds until it is lifted."""
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(one_of("reach", Reach), name="reach"),
        Index(  # one at a time for each subject and owner; every claim asks for those that hold
            "uq_switches_standing",
            "reach",
            "subject",
            "owner_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )


class CircuitRow(Table):
    """How sending to a network, or to one account on it, goes: see domain/circuits.py."""

    __tablename__ = "circuits"

    subject: Mapped[str] = mapped_column(primary_key=True)
    """The network, or the account's id."""
    network: Mapped[Network]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    """Null in a network's own circuit."""
    state: Mapped[str] = mapped_column(server_default=CircuitState.CLOSED)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    trips: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    probes_left: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    probes_succeeded: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    tallies: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    """The sliding window, oldest first: {begins, failures, successes}."""
    drained_at: Mapped[datetime | None]
    """When held deliveries were last let go to probe it."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("network", Network), name="network"),
        CheckConstraint(one_of("state", CircuitState), name="state"),
    )


class HeldDeliveryRow(Table):
    """A delivery that is held, and its turn; gone as soon as it is released."""

    __tablename__ = "held_deliveries"

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    network: Mapped[Network]
    workspace_id: Mapped[UUID]
    account_id: Mapped[UUID]
    priority: Mapped[int] = mapped_column(SmallInteger)
    """The post's."""
    turn: Mapped[int] = mapped_column(BigInteger)
    """Counts within its workspace, so that turn by turn every workspace has one go."""
    held_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(one_of("network", Network), name="network"),
        Index(  # the next to be released; the holders are filtered without a look at the table
            "ix_held_deliveries_next",
            "network",
            "priority",
            "turn",
            "delivery_id",
            postgresql_include=["workspace_id", "account_id"],
        ),
        Index(None, "workspace_id", "network", "priority", "turn"),  # a workspace's last turn
        Index(None, "account_id", "priority", "turn"),  # an account's next probes
    )


class DrainRow(Table):
    """How far a network's held deliveries were let go: one drain at a time, at one pace."""

    __tablename__ = "drains"

    network: Mapped[Network] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
    """The first moment that no released delivery has yet, UTC."""

    __table_args__ = (CheckConstraint(one_of("network", Network), name="network"),)
