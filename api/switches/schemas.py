"""How switches are set and shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.texts import require_plain
from domain.circuits import CircuitState
from domain.networks import Network
from domain.switches import Reach
from storage.switches.board import Switch
from storage.switches.circuits import KnownCircuit

Why = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(require_plain),
    Field(examples=["The account was hacked; we look into it."]),
]


class SwitchWanted(BaseModel):
    """Hold, or hold no longer."""

    model_config = ConfigDict(extra="forbid")

    held: bool
    reason: Annotated[Why | None, Field(description="Why; needed to hold.")] = None
    until: Annotated[
        Annotated[str, Field(max_length=64, examples=["2027-03-01T09:00:00+01:00"])] | None,
        Field(description="RFC 3339. When it lifts itself; left out, somebody has to."),
    ] = None


class SwitchShown(BaseModel):
    """What holds publishing, and who may change that."""

    reach: Annotated[Reach, Field(description="How far it reaches.")]
    network: Network | None
    workspace_id: UUID | None
    account_id: UUID | None
    reason: str
    held_by: Annotated[str, Field(examples=["settings"])]
    held_since: Annotated[datetime | None, Field(description="UTC; null when by settings.")]
    until: Annotated[datetime | None, Field(description="UTC; null until it is lifted.")]
    liftable: Annotated[bool, Field(description="Whether this API can lift it.")]

    @classmethod
    def of(cls, switch: Switch, *, liftable: bool) -> Self:
        """As it is shown."""
        subject = switch.subject
        return cls(
            reach=switch.reach,
            network=Network(subject) if switch.reach is Reach.NETWORK else None,
            workspace_id=UUID(subject) if switch.reach is Reach.WORKSPACE else None,
            account_id=UUID(subject) if switch.reach is Reach.ACCOUNT else None,
            reason=switch.reason,
            held_by=switch.held_by,
            held_since=switch.held_since,
            until=switch.until,
            liftable=liftable,
        )

    @classmethod
    def by_settings(cls, network: Network) -> Self:
        """One that only whoever installed this can lift."""
        return cls(
            reach=Reach.NETWORK,
            network=network,
            workspace_id=None,
            account_id=None,
            reason="The setting HELD_NETWORKS names it.",
            held_by="settings",
            held_since=None,
            until=None,
            liftable=False,
        )


class SwitchSet(BaseModel):
    """What came of setting a switch."""

    held: Annotated[
        bool, Field(description="Whether anything holds it now; perhaps another switch still does.")
    ]
    switches: Annotated[list[SwitchShown], Field(description="All that hold it, widest first.")]


class CircuitShown(BaseModel):
    """How sending to a network, or to one account on it, goes."""

    network: Network
    account_id: Annotated[UUID | None, Field(description="Null for the whole network.")]
    state: CircuitState
    since: datetime
    failures: Annotated[int, Field(description="In the window that led to this state.")]
    sends: Annotated[int, Field(description="In the same window, failures included.")]
    next_probe_at: Annotated[datetime | None, Field(description="UTC; null while closed.")]

    @classmethod
    def of(cls, known: KnownCircuit) -> Self:
        """As it is shown."""
        circuit = known.circuit
        return cls(
            network=known.network,
            account_id=known.account_id,
            state=circuit.state,
            since=circuit.since,
            failures=circuit.failures,
            sends=circuit.sends,
            next_probe_at=None if circuit.state is CircuitState.CLOSED else circuit.until,
        )


class HeldShown(BaseModel):
    """What waits to be let go."""

    network: Network
    deliveries: int


class SwitchboardShown(BaseModel):
    """Everything that holds publishing, or may soon."""

    switches: Annotated[list[SwitchShown], Field(description="Widest first.")]
    circuits: Sequence[CircuitShown]
    held: Annotated[
        list[HeldShown], Field(description="Deliveries that are held, or wait for their turn.")
    ]
