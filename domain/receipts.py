"""The proof that something is public."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """A network's proof that one part of a delivery is public."""

    remote_id: str
    permalink: str | None
    """None when the network did not tell; that never makes a published part unpublished."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What replies need besides the id (Bluesky's cid)."""
