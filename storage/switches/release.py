"""What was held is let go again: at its network's pace, turn by turn, unless it is still held."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.lateness import LatePolicy
from domain.networks import Network
from domain.switches import HoldRules, Reach
from storage import lateness, timeline
from storage.lateness import LateDelivery, late_deliveries, late_delivery
from storage.outbox import OutboxKind
from storage.outcomes import Reason
from storage.switches import board, circuits, turns
from storage.switches.circuits import KnownCircuit
from storage.switches.holding import HELD
from storage.tables import DeliveryRow, DrainRow, HeldDeliveryRow, PostRow
from storage.timeline import Event, NewEvent

RELEASED: Final = "released"
"""The type of the reason of what was let go and was not armed yet."""

BURST: Final = timedelta(seconds=1)
"""How much of its pace a drain that could not keep it makes up for."""

PROBE_PAUSE: Final = timedelta(seconds=5)
"""Between two times that held deliveries are let go to probe a circuit: they need a moment."""

LATE_AT_ONCE: Final = 100
"""Late deliveries that one release settles besides: they send nothing, and need no pace."""

ACCOUNTS_AT_ONCE: Final = 10
"""Accounts whose circuits one release probes."""


async def release(
    session: AsyncSession, network: Network, now: datetime, *, rules: HoldRules, pace: float
) -> int:
    """Let go of as much as its time has come for, `pace` a second; how many turns are over.

    Whoever releases for the network has it for the transaction; everybody else releases nothing.
    """
    begin = await _own_drain(session, network, now, pace)
    if begin is None:
        return 0
    room = int((now - begin).total_seconds() * pace)
    chosen = await _choose(session, network, now, rules, room) if room > 0 else []
    gone = [one for one in chosen if not _is_held(one)]
    verdicts = {one: one.verdict(now) for one in chosen if one not in gone}
    leaving = [one for one, verdict in verdicts.items() if verdict is LatePolicy.PUBLISH][:room]
    late = {one: verdict for one, verdict in verdicts.items() if verdict is not LatePolicy.PUBLISH}
    await lateness.apply(session, late, now, why="It was held until now.")
    await let_go(session, leaving, now, "Nothing holds it any more; it goes out now.")
    over = [one.delivery_id for one in (*gone, *late, *leaving)]
    await turns.give_up(session, over)
    # A drain that found less than its room keeps no right to the rest.
    spent = begin + timedelta(seconds=len(leaving) / pace)
    await _set_drain(session, network, spent if len(leaving) == room else now)
    return len(over)


async def let_go(
    session: AsyncSession, deliveries: Sequence[LateDelivery], now: datetime, why: str
) -> None:
    """Have them tried now, whatever they waited for; their posts are locked."""
    reason = Reason(type=RELEASED, message=why, evidence={})
    reasons = dict.fromkeys(deliveries, reason)
    released = await lateness.move(session, reasons, DeliveryStatus.DEFERRED, until=now)
    events = [
        NewEvent(post_id=one.post_id, event=Event.RELEASED, delivery_id=one.delivery_id)
        for one in released
    ]
    await timeline.append_many(session, events)
    await lateness.tell(session, OutboxKind.RESUME_DELIVERIES, released, now)


def _is_held(delivery: LateDelivery) -> bool:
    """Not stopped or moved meanwhile, and not waiting for something else by now."""
    return delivery.status is DeliveryStatus.DEFERRED and delivery.reason_type == HELD


async def _own_drain(
    session: AsyncSession, network: Network, now: datetime, pace: float
) -> datetime | None:
    """From when on releases have room; None while another drains the network."""
    query = select(DrainRow.next_at).where(DrainRow.network == network)
    next_at = (await session.scalars(query.with_for_update(skip_locked=True))).one_or_none()
    if next_at is None:
        first = insert(DrainRow).values(network=network, next_at=now).on_conflict_do_nothing()
        await session.execute(first)
        return None
    return max(next_at, now - max(BURST, timedelta(seconds=1 / pace)))


async def _set_drain(session: AsyncSession, network: Network, next_at: datetime) -> None:
    await session.execute(
        update(DrainRow).where(DrainRow.network == network).values(next_at=next_at)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Obstacles:
    """What still holds deliveries to a network."""

    workspaces: Collection[UUID]
    accounts: Collection[UUID]
    """By switches."""
    network_circuit: KnownCircuit | None
    account_circuits: Sequence[KnownCircuit]


async def _choose(
    session: AsyncSession, network: Network, now: datetime, rules: HoldRules, room: int
) -> list[LateDelivery]:
    """Whose turn it is; their posts are locked, and those that somebody else changes left out."""
    obstacles = await _obstacles(session, network, now, rules)
    if obstacles is None:
        return []
    held = HeldDeliveryRow
    free = [
        held.network == network,
        held.workspace_id.not_in(obstacles.workspaces),
        held.account_id.not_in(obstacles.accounts),
    ]
    shut = [one.account_id for one in obstacles.account_circuits if one.account_id is not None]
    open_to_all = [*free, held.account_id.not_in(shut)]
    if obstacles.network_circuit is not None:
        return await _probes(session, obstacles.network_circuit, open_to_all, now, rules)
    chosen: list[LateDelivery] = []
    # Those that waited longest for a look come first, so that each has one.
    by_turn = sorted(
        obstacles.account_circuits, key=lambda one: one.drained_at or one.circuit.since
    )
    for known in by_turn[:ACCOUNTS_AT_ONCE]:
        of_account = [*free, held.account_id == known.account_id]
        chosen += await _probes(session, known, of_account, now, rules)
    return chosen + await _next(session, open_to_all, room + LATE_AT_ONCE)


async def _obstacles(
    session: AsyncSession, network: Network, now: datetime, rules: HoldRules
) -> _Obstacles | None:
    """None when the network is held as a whole."""
    if network in rules.held_networks:
        return None
    switches = await board.standing(session, now, networks=[network])
    if any(one.reach in {Reach.EVERYTHING, Reach.NETWORK} for one in switches):
        return None
    disturbed = await circuits.read(session, networks=[network])
    return _Obstacles(
        workspaces=[UUID(one.subject) for one in switches if one.reach is Reach.WORKSPACE],
        accounts=[UUID(one.subject) for one in switches if one.reach is Reach.ACCOUNT],
        network_circuit=next((one for one in disturbed if one.account_id is None), None),
        account_circuits=[one for one in disturbed if one.account_id is not None],
    )


async def _probes(
    session: AsyncSession,
    known: KnownCircuit,
    conditions: Sequence[ColumnElement[bool]],
    now: datetime,
    rules: HoldRules,
) -> list[LateDelivery]:
    """As many as the circuit wants for finding out, unless it was given some a moment ago."""
    wanted = known.circuit.probes_due(now, rules.circuits)
    if not wanted or (known.drained_at is not None and known.drained_at > now - PROBE_PAUSE):
        return []
    await circuits.note_drained(session, known.subject, now)
    return await _next(session, conditions, wanted)


async def _next(
    session: AsyncSession, conditions: Sequence[ColumnElement[bool]], limit: int
) -> list[LateDelivery]:
    held = HeldDeliveryRow
    query: Select[Any] = (
        late_deliveries()
        .join(held, held.delivery_id == DeliveryRow.id)
        .where(
            *conditions,
            # What was refused a moment ago is left alone until it is deferred.
            DeliveryRow.status.not_in([DeliveryStatus.ARMED, DeliveryStatus.SENDING]),
        )
        .order_by(held.priority, held.turn, held.delivery_id)
        .limit(limit)
        .with_for_update(of=PostRow, key_share=True, skip_locked=True)
    )
    return [late_delivery(row) for row in await session.execute(query)]
