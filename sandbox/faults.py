"""Faults that a test or a person orders: which call they meet, how often, and what they do."""

import itertools
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NetworkName = Literal["facebook", "instagram", "x", "bluesky", "mastodon"]
Operation = Literal[
    "any",
    "publish",
    "comment",
    "reply",
    "upload",
    "container",
    "alt_text",
    "publish_status",
    "lookup",
    "profile",
    "token",
    "delete",
]
FaultKind = Literal[
    "answer",
    "rate_limited",
    "latency",
    "drop_before_commit",
    "drop_after_commit",
    "error_after_commit",
    "late_answer",
    "malformed_json",
    "media_processing",
    "media_failed",
    "token_expired",
    "token_revoked",
    "quota_exhausted",
]
MEDIA_KINDS: frozenset[FaultKind] = frozenset({"media_processing", "media_failed"})
AFTER_COMMIT_KINDS: frozenset[FaultKind] = frozenset(
    {"drop_after_commit", "error_after_commit", "late_answer", "malformed_json"}
)


class FaultOrder(BaseModel):
    """One ordered fault.

    The first `skip` matching calls pass untouched, the next `times` are met; null meets them all.
    Without an operation a media fault meets uploads and containers, any other meets any call.
    """

    model_config = ConfigDict(extra="forbid")

    network: NetworkName
    kind: FaultKind
    account: str | None = None
    operation: Operation = "any"
    times: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    status: int = Field(default=500, ge=200, le=599)
    body: Any = None
    headers: dict[str, str] = Field(default_factory=dict)
    retry_after_seconds: int = Field(default=60, ge=0)
    seconds: float = Field(default=1.0, ge=0)
    polls: int | None = Field(default=None, ge=0)


class Fault(FaultOrder):
    """An order with its number and what has become of it: `skip` and `times` count down."""

    id: int
    met: int = 0


class Faults:
    """The open orders, oldest first."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: list[Fault] = []

    def order(self, order: FaultOrder) -> Fault:
        fault = Fault(id=next(self._numbers), **order.model_dump())
        self._open.append(fault)
        return fault

    def open(self) -> list[Fault]:
        return list(self._open)

    def clear(self) -> None:
        self._open.clear()

    def take(
        self, network: str, names: frozenset[str], operations: tuple[str, ...]
    ) -> Fault | None:
        """The fault that meets this call, counted down; `names` are the account's id and handle."""
        for fault in self._open:
            if fault.network != network or not _meets(fault, operations):
                continue
            if fault.account is not None and fault.account not in names:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.met += 1
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._open.remove(fault)
            return fault
        return None

    def give_back(self, fault: Fault) -> None:
        """Undo a take: the call was refused on its own, so there was nothing to spoil."""
        fault.met -= 1
        if fault.times is not None:
            fault.times += 1
            if fault not in self._open:
                self._open.append(fault)
                self._open.sort(key=lambda each: each.id)


def _meets(fault: Fault, operations: tuple[str, ...]) -> bool:
    if fault.operation != "any":
        return fault.operation in operations
    if fault.kind in MEDIA_KINDS:
        return "upload" in operations or "container" in operations
    return True
