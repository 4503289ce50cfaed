"""Identifiers that sort by the time they were made."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUID version 7: its first 48 bits are the millisecond, so indexes stay compact."""
    return uuid7()


def made_at(made: UUID) -> datetime:
    """When an id of `new_id` was made, to the millisecond, UTC."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def least_id_at(moment: datetime) -> UUID:
    """Below every id that is made at that moment or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
