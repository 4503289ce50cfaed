"""Whether what is about to be claimed is held: asked for many at once, before they are claimed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, literal, null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from domain.circuits import CircuitState
from domain.switches import HoldRules, Reach
from storage.admission import Candidate, Refusal
from storage.outcomes import Reason
from storage.switches import circuits, turns
from storage.switches.board import EVERYTHING, Switch, is_standing
from storage.tables import CircuitRow, HeldDeliveryRow, SwitchRow
from storage.unnested import is_among

LOOKED_AFTER: Final = timedelta(hours=1)
"""When a held delivery asks again by itself; the drain wakes it long before."""

SPREAD: Final = timedelta(minutes=30)
"""Over which those that ask by themselves are spread."""

HELD: Final = "held"
"""The type of the reason."""

_CIRCUIT: Final = "circuit"
_TURN: Final = "turn"


async def held(
    session: AsyncSession, candidates: Sequence[Candidate], now: datetime, rules: HoldRules
) -> dict[UUID, Refusal]:
    """Those of the candidates that may not be sent now, by delivery; they take their turns.

    One statement when nothing is held. Of a circuit that is probed it takes the probes, counted
    over all workers: ask only for what is sent when it is not refused. Whoever is refused has to
    become `deferred`; the drain lets it go when nothing holds it any more, and nobody goes before.
    """
    if not candidates:
        return {}
    found = await _look(session, candidates, now)
    holders: dict[UUID, _Holder] = {}
    for candidate in candidates:
        holder = _holder(candidate, found, rules)
        if holder is not None:
            holders[candidate.delivery_id] = holder
    if found.circuits:
        free = [one for one in candidates if one.delivery_id not in holders]
        holders |= await _probe(session, free, now, rules)
    refused = [one for one in candidates if one.delivery_id in holders]
    await turns.take(session, refused, now)
    return {one.delivery_id: _refusal(one, holders[one.delivery_id], now) for one in refused}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Holder:
    """What holds one delivery, in words."""

    message: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What stands in the way of any of the candidates."""

    switches: dict[tuple[Reach, str], Switch] = field(default_factory=dict)
    circuits: set[str] = field(default_factory=set)
    waiting: set[UUID] = field(default_factory=set)
    """Deliveries that were held before and were not let go yet."""


async def _look(session: AsyncSession, candidates: Sequence[Candidate], now: datetime) -> _Found:
    """One statement for all three."""
    networks = {str(one.network) for one in candidates}
    workspaces = {str(one.workspace_id) for one in candidates}
    accounts = {str(one.account_id) for one in candidates}
    switches = select(
        SwitchRow.reach,
        SwitchRow.subject,
        SwitchRow.owner_id,
        SwitchRow.reason,
        SwitchRow.held_by,
        SwitchRow.held_since,
        SwitchRow.until,
    ).where(
        is_standing(now),
        or_(
            SwitchRow.reach == Reach.EVERYTHING,
            (SwitchRow.reach == Reach.NETWORK) & is_among(SwitchRow.subject, networks),
            (SwitchRow.reach == Reach.WORKSPACE) & is_among(SwitchRow.subject, workspaces),
            (SwitchRow.reach == Reach.ACCOUNT) & is_among(SwitchRow.subject, accounts),
        ),
    )
    nothing = (null(), null(), null(), null(), null())
    disturbed = select(literal(_CIRCUIT), CircuitRow.subject, *nothing).where(
        CircuitRow.state != CircuitState.CLOSED, is_among(CircuitRow.subject, networks | accounts)
    )
    waiting = select(literal(_TURN), HeldDeliveryRow.delivery_id.cast(Text), *nothing).where(
        is_among(HeldDeliveryRow.delivery_id, [one.delivery_id for one in candidates])
    )
    found = _Found()
    for row in await session.execute(union_all(switches, disturbed, waiting)):
        if row.reach == _CIRCUIT:
            found.circuits.add(row.subject)
        elif row.reach == _TURN:
            found.waiting.add(UUID(row.subject))
        else:
            switch = Switch(
                reach=Reach(row.reach),
                subject=row.subject,
                owner_id=row.owner_id,
                reason=row.reason,
                held_by=row.held_by,
                held_since=row.held_since,
                until=row.until,
            )
            found.switches[switch.key] = switch
    return found


def _holder(candidate: Candidate, found: _Found, rules: HoldRules) -> _Holder | None:
    """The widest that holds it; circuits come after all of these."""
    if candidate.network in rules.held_networks:
        return _Holder(
            message=f"Publishing to {candidate.network} is held by the installation's settings.",
            evidence={"reach": Reach.NETWORK, "subject": candidate.network, "by": "settings"},
        )
    for key in (
        (Reach.EVERYTHING, EVERYTHING),
        (Reach.NETWORK, str(candidate.network)),
        (Reach.WORKSPACE, str(candidate.workspace_id)),
        (Reach.ACCOUNT, str(candidate.account_id)),
    ):
        if key in found.switches:
            return _of_switch(found.switches[key], candidate)
    if candidate.delivery_id in found.waiting:
        return _Holder(
            message="It was held, and goes out when its turn has come.", evidence={"by": "turn"}
        )
    return None


async def _probe(
    session: AsyncSession, candidates: Sequence[Candidate], now: datetime, rules: HoldRules
) -> dict[UUID, _Holder]:
    """Let as many through as the circuits want to be probed with; what holds the others."""
    wanted = {key for one in candidates for key in _subjects(one)}
    known = await circuits.lock(session, wanted)
    plan = rules.circuits
    after = {subject: one.circuit for subject, one in known.items()}
    holders: dict[UUID, _Holder] = {}
    for candidate in sorted(candidates, key=lambda one: one.leaves_at):
        of_it = [subject for subject in _subjects(candidate) if subject in after]
        shut = [subject for subject in of_it if after[subject].is_shut(now, plan)]
        if shut:
            holders[candidate.delivery_id] = _of_circuit(known[shut[0]])
            continue
        for subject in of_it:
            after[subject] = after[subject].take_probe(now, plan)
    changed = {key: one for key, one in after.items() if one != known[key].circuit}
    await circuits.write(session, changed, now)
    return holders


def _subjects(candidate: Candidate) -> tuple[str, str]:
    return str(candidate.network), str(candidate.account_id)


def _of_switch(switch: Switch, candidate: Candidate) -> _Holder:
    what = {
        Reach.EVERYTHING: "All publishing",
        Reach.NETWORK: f"Publishing to {candidate.network}",
        Reach.WORKSPACE: "Publishing of this workspace",
        Reach.ACCOUNT: f"Publishing to this {candidate.network} account",
    }[switch.reach]
    return _Holder(
        message=f"{what} is held by {switch.held_by} since"
        f" {switch.held_since:%Y-%m-%d %H:%M} UTC: {switch.reason}",
        evidence={
            "reach": switch.reach,
            "subject": switch.subject,
            "by": switch.held_by,
            "since": switch.held_since.isoformat(),
            "until": switch.until.isoformat() if switch.until else None,
        },
    )


def _of_circuit(known: circuits.KnownCircuit) -> _Holder:
    what = known.network if known.account_id is None else f"this {known.network} account"
    circuit = known.circuit
    probed = f" It is tried again at {circuit.until:%H:%M:%S} UTC." if circuit.until else ""
    return _Holder(
        message=f"Sending to {what} fails since {circuit.since:%Y-%m-%d %H:%M:%S} UTC"
        f" ({circuit.failures} of {circuit.sends} sends).{probed}",
        evidence={
            "reach": Reach.NETWORK if known.account_id is None else Reach.ACCOUNT,
            "subject": known.subject,
            "by": "circuit",
            "since": circuit.since.isoformat(),
            "until": circuit.until.isoformat() if circuit.until else None,
        },
    )


def _refusal(candidate: Candidate, holder: _Holder, now: datetime) -> Refusal:
    share = (candidate.delivery_id.int & 0xFFFF) / 0x10000
    return Refusal(
        until=now + LOOKED_AFTER + SPREAD * share,
        reason=Reason(type=HELD, message=holder.message, evidence=holder.evidence),
    )
