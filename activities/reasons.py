"""How a network's refusal is told to users and operators."""

from dataclasses import asdict
from typing import Any

from networks.errors import NetworkError
from storage.delivery_state import OpenAttempt
from storage.outcomes import Reason


def reason_of(error: NetworkError) -> Reason:
    """The error's class, its sentence and the network's answer as evidence."""
    evidence = {name: value for name, value in asdict(error.answer).items() if value}
    return Reason(type=type_of(type(error)), message=error.detail, evidence=evidence)


def evidence_of(attempt: OpenAttempt) -> dict[str, Any]:
    """What a person needs to look for a send of unknown fate: when it left, what was answered."""
    return {
        "sent_at": attempt.started_at.isoformat(),
        "lookups": attempt.lookups,
        "send": dict(attempt.error or {}),
    }


def type_of(error: type[NetworkError]) -> str:
    """The machine word for an error."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in error.__name__).lstrip("_")
