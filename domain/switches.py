"""Who can be stopped from publishing, and by which standing rules."""

from dataclasses import dataclass
from enum import StrEnum

from domain.circuits import CircuitPlan
from domain.networks import Network


class Reach(StrEnum):
    """How far a switch reaches: widest first."""

    EVERYTHING = "everything"
    NETWORK = "network"
    WORKSPACE = "workspace"
    ACCOUNT = "account"


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldRules:
    """What the installation decided about holding."""

    held_networks: frozenset[Network]
    """Held by the settings: no switch lifts that."""
    circuits: CircuitPlan
