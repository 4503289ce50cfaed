"""What keeps an account from sending."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class AccountLimitRow(Table):
    """One account whose sends are counted; whoever counts them locks it, so one at a time does.

    How many there were stands in the attempts alone.
    """

    __tablename__ = "account_limits"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    limited_until: Mapped[datetime | None]
    """When the network takes something from it again, UTC, by the network's own word."""
    reason: Mapped[dict[str, Any] | None]
    """Why it waits until then: {type, message, evidence}."""
