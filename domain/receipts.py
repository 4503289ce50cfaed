"""The proof that something is public."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """A network's proof that one part of a delivery is public."""

    remote_id: str
    permalink: str | None
    """None when the network did not tell; that never makes a published part unpublished."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What replies need besides the id (Bluesky's cid)."""
    wait_until: datetime | None = None
    """When the account may send again, UTC, where the answer to this send says that it has used up
    what it may; it is no part of the proof, and is not kept with it."""
