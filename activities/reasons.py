"""How a network's refusal is told to users and operators."""

from dataclasses import asdict

from networks.errors import NetworkError
from storage.publishing import Reason


def reason_of(error: NetworkError) -> Reason:
    """The error's class, its sentence and the network's answer as evidence."""
    evidence = {name: value for name, value in asdict(error.answer).items() if value}
    return Reason(type=_snake(type(error).__name__), message=error.detail, evidence=evidence)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
