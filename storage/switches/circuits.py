"""The circuits of networks and accounts: kept where all workers see the same."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.circuits import Circuit, CircuitPlan, CircuitState, Sends, Tally
from domain.networks import Network
from storage.tables import CircuitRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How sends to one account went."""

    network: Network
    account_id: UUID
    sends: Sends


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownCircuit:
    """A circuit with what it is about."""

    subject: str
    """The network, or the account's id."""
    network: Network
    account_id: UUID | None
    """None in a network's own circuit."""
    circuit: Circuit
    drained_at: datetime | None
    """When held deliveries were last let go to probe it, UTC."""


async def report(
    session: AsyncSession, outcomes: Sequence[Outcome], now: datetime, plan: CircuitPlan
) -> None:
    """Count what a worker saw of the networks: failures, with the successes of the same time.

    Where nothing failed lately it writes nothing.
    """
    await _begin(session, [one for one in outcomes if one.sends.failures], now)
    by_account: defaultdict[UUID, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_account[outcome.account_id].append(outcome)
    known = await lock(session, {*map(str, by_account), *(str(one.network) for one in outcomes)})
    before = {subject: one.circuit for subject, one in known.items()}
    after: dict[str, Circuit] = {}
    of_network: defaultdict[Network, list[Sends]] = defaultdict(list)
    for account_id, seen in by_account.items():
        network = before.get(seen[0].network)
        if network is None:
            continue
        account = before.get(str(account_id))
        of_network[seen[0].network] += _weighed(network, account, seen, plan)
        if account is not None and _speaks_of_account(network, account):
            sends = [one.sends for one in seen]
            after[str(account_id)] = account.after(sends, now, plan.for_account())
    for name, sends in of_network.items():
        after[name] = before[name].after(sends, now, plan)
    await write(session, {key: one for key, one in after.items() if one != before[key]}, now)


async def read(
    session: AsyncSession,
    *,
    networks: Collection[Network],
    accounts: Collection[UUID] | None = None,
    only_disturbing: bool = True,
) -> list[KnownCircuit]:
    """The circuits of these networks and accounts, by default those that are not closed.

    `accounts` of None stands for all of the networks' accounts.
    """
    query = select(CircuitRow).where(
        CircuitRow.network.in_(networks)
        if accounts is None
        else CircuitRow.subject.in_([*map(str, networks), *map(str, accounts)])
    )
    if only_disturbing:
        query = query.where(CircuitRow.state != CircuitState.CLOSED)
    return [_known(row) for row in await session.scalars(query.order_by(CircuitRow.subject))]


async def disturbed_networks(
    session: AsyncSession, now: datetime, plan: CircuitPlan
) -> frozenset[Network]:
    """The networks of which successes matter now too."""
    query = select(CircuitRow).where(
        or_(CircuitRow.state != CircuitState.CLOSED, CircuitRow.updated_at > now - plan.window)
    )
    known = [_known(row) for row in await session.scalars(query)]
    return frozenset(one.network for one in known if one.circuit.is_disturbed(now, plan))


async def lock(session: AsyncSession, subjects: Collection[str]) -> dict[str, KnownCircuit]:
    """Those of the circuits, by subject; nobody else changes them meanwhile."""
    query = (
        select(CircuitRow)
        .where(CircuitRow.subject.in_(subjects))
        .order_by(CircuitRow.subject)  # one order of locking for all
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.subject: _known(row) for row in await session.scalars(query)}


async def write(session: AsyncSession, circuits: Mapping[str, Circuit], now: datetime) -> None:
    """Keep what became of locked circuits, by subject."""
    if not circuits:
        return
    rows = [
        {**asdict(circuit), "subject": subject, "tallies": _to_json(circuit), "updated_at": now}
        for subject, circuit in circuits.items()
    ]
    await session.execute(update(CircuitRow), rows)


async def note_drained(session: AsyncSession, subject: str, now: datetime) -> None:
    """Keep that held deliveries were let go to probe a circuit."""
    await session.execute(
        update(CircuitRow).where(CircuitRow.subject == subject).values(drained_at=now)
    )


async def forget_quiet(session: AsyncSession, before: datetime) -> None:
    """Remove closed circuits that nobody reported to since then: they are as good as none."""
    await session.execute(
        delete(CircuitRow).where(
            CircuitRow.state == CircuitState.CLOSED, CircuitRow.updated_at < before
        )
    )


async def _begin(session: AsyncSession, failed: Sequence[Outcome], now: datetime) -> None:
    """See to it that what failed has a circuit."""
    networks = {str(one.network): (one.network, None) for one in failed}
    accounts = {str(one.account_id): (one.network, one.account_id) for one in failed}
    rows = [
        {"subject": subject, "network": network, "account_id": account_id, "since": now}
        for subject, (network, account_id) in sorted({**networks, **accounts}.items())
    ]
    if rows:
        await session.execute(insert(CircuitRow).on_conflict_do_nothing(), rows)


def _speaks_of_account(network: Circuit, account: Circuit) -> bool:
    """While all of its network fails, a failure says nothing of one account."""
    return network.state is CircuitState.CLOSED or account.state is not CircuitState.CLOSED


def _weighed(
    network: Circuit, account: Circuit | None, seen: Sequence[Outcome], plan: CircuitPlan
) -> list[Sends]:
    """What an account's sends tell of its network; one that fails alone must not stop the rest."""
    sends = [one.sends for one in seen]
    if account is None or network.state is not CircuitState.CLOSED:
        return sends
    if account.state is not CircuitState.CLOSED:
        return [replace(one, failures=0) for one in sends]
    room = max(plan.account_min_failures - account.failures, 0)
    weighed = []
    for one in sends:
        weighed.append(replace(one, failures=min(one.failures, room)))
        room -= weighed[-1].failures
    return weighed


def _known(row: CircuitRow) -> KnownCircuit:
    return KnownCircuit(
        subject=row.subject,
        network=row.network,
        account_id=row.account_id,
        circuit=Circuit(
            state=CircuitState(row.state),
            since=row.since,
            until=row.until,
            trips=row.trips,
            probes_left=row.probes_left,
            probes_succeeded=row.probes_succeeded,
            tallies=tuple(
                Tally(**{**tally, "begins": datetime.fromisoformat(tally["begins"])})
                for tally in row.tallies
            ),
        ),
        drained_at=row.drained_at,
    )


def _to_json(circuit: Circuit) -> list[dict[str, Any]]:
    return [{**asdict(one), "begins": one.begins.isoformat()} for one in circuit.tallies]
