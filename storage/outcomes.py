"""What can come of a delivery's dispatch, in words that are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class IllegalTransition(Exception):
    """The delivery is not in a state from which this move is legal."""


class AttemptOutcome(StrEnum):
    """What became of a try."""

    PUBLISHED = "published"
    NOT_SENT = "not_sent"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a delivery waits, failed or is unconfirmed: machine word, sentence, evidence."""

    type: str
    message: str
    evidence: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return {"type": self.type, "message": self.message, "evidence": dict(self.evidence)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Try again then, holding nothing meanwhile."""

    until: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Give up for good."""


@dataclass(frozen=True, slots=True)
class WithoutComment:
    """The post is public and stays so; what should have hung under it did not make it."""


Aftermath = Wait | Fail | WithoutComment
"""What happens to a delivery after a try that did not publish."""
