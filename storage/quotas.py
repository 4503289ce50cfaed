"""Whether an account may send now: asked for many at once, in the transaction that claims them.

Exact across workers and restarts: whoever asks holds the accounts' rows until its attempts are
written, so the next one counts them.
"""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.limits import RULES
from domain.networks import Network
from domain.quotas import COUNTED, Counted, Quota, binding, next_free, of_account, used
from storage import account_limits, sends
from storage.account_limits import AccountLimit, Hold
from storage.admission import Candidate, Refusal
from storage.outcomes import Reason
from storage.sends import Stretch
from storage.tables import DeliveryRow
from storage.unnested import is_among

MOST_MEDIA = max(rules.media.max_items for rules in RULES.values())

Quotas = Mapping[Network, tuple[Quota, ...]]
"""Accounts of networks that are not in it are never asked about; none in it honours holds alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """One account's candidates, in the order in which they may leave."""

    account_id: UUID
    network: Network
    quotas: tuple[Quota, ...]
    limit: AccountLimit
    candidates: Sequence[Candidate]

    @property
    def earliest(self) -> datetime:
        return min(one.leaves_at for one in self.candidates)

    @property
    def is_held(self) -> bool:
        until = self.limit.limited_until
        return until is not None and self.earliest < until

    def stretches(self) -> list[Stretch]:
        return [
            Stretch(account_id=self.account_id, quota=one, since=self.earliest - one.window)
            for one in self.quotas
        ]


async def exhausted(
    session: AsyncSession, candidates: Sequence[Candidate], quotas: Quotas
) -> Mapping[UUID, Refusal]:
    """Those, by delivery, that their account has no room for, with the time when it has.

    The posts are locked already. Who comes first in `candidates` is admitted first. What is refused
    gets the time of its own place in the line, so that not all of them come back at once.
    """
    by_account: dict[UUID, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.network in quotas:
            by_account.setdefault(candidate.account_id, []).append(candidate)
    if not by_account:
        return {}
    limits = await account_limits.lock(session, by_account)
    lines = [
        _Line(
            account_id=account_id,
            network=waiting[0].network,
            quotas=of_account(
                waiting[0].network, quotas[waiting[0].network], limits[account_id].told
            ),
            limit=limits[account_id],
            candidates=waiting,
        )
        for account_id, waiting in by_account.items()
    ]
    crowded = await _crowded(session, lines)
    if not crowded:
        return {}
    longest = [
        max(line.stretches(), key=lambda one: one.quota.window) for line in crowded if line.quotas
    ]
    sent = await sends.times(session, longest)
    promised = await _promised(session, crowded)
    media = await _uploaded(session, crowded)
    return {
        delivery_id: refusal
        for line in crowded
        for delivery_id, refusal in _refusals(
            line, sent.get(line.account_id, []), promised[line.account_id], media
        )
    }


async def hold_account(
    session: AsyncSession, account_id: UUID, until: datetime, reason: Reason
) -> None:
    """Let nothing of the account out before `until`, UTC: its network said so. Only ever later."""
    await account_limits.hold(session, [Hold(account_id=account_id, until=until, reason=reason)])


def allowance_spent(network: Network, until: datetime) -> Reason:
    """Why an account is held whose last send was taken, and answered with nothing left."""
    return Reason(
        type="rate_limited",
        message=f"{RULES[network].name} takes nothing more from it for now.",
        evidence={"until": until.isoformat()},
    )


async def _crowded(session: AsyncSession, lines: Sequence[_Line]) -> list[_Line]:
    """The lines that have to be looked at closely: held, or perhaps without room for all."""
    stretches = [stretch for line in lines for stretch in line.stretches()]
    held = iter(await sends.amounts(session, stretches) if stretches else ())
    crowded = []
    for line in lines:
        most = [
            next(held) + sum(quota.counts.cost(one.part, MOST_MEDIA) for one in line.candidates)
            for quota in line.quotas
        ]
        if line.is_held or any(
            amount > quota.limit for amount, quota in zip(most, line.quotas, strict=True)
        ):
            crowded.append(line)
    return crowded


async def _promised(session: AsyncSession, lines: Sequence[_Line]) -> Mapping[UUID, list[datetime]]:
    """The places in the accounts' lines that other deliveries have been told, sorted."""
    query = (
        select(DeliveryRow.id, DeliveryRow.account_id, DeliveryRow.deferred_until)
        .where(
            is_among(DeliveryRow.account_id, [line.account_id for line in lines]),
            DeliveryRow.status == DeliveryStatus.DEFERRED,
            DeliveryRow.deferred_until > func.now(),
        )
        .order_by(DeliveryRow.deferred_until)
    )
    asking = {candidate.delivery_id for line in lines for candidate in line.candidates}
    price = {line.account_id: COUNTED[line.network].cost(0, 0) for line in lines}
    found: dict[UUID, list[datetime]] = {line.account_id: [] for line in lines}
    for delivery_id, account_id, until in await session.execute(query):
        if until is not None and delivery_id not in asking:
            found[account_id] += [until] * price[account_id]
    return found


async def _uploaded(session: AsyncSession, lines: Sequence[_Line]) -> Mapping[UUID, int]:
    """How many uploads the candidates' first parts took, where the network counts those."""
    first_parts = [
        candidate.delivery_id
        for line in lines
        if COUNTED[line.network] is Counted.CALLS
        for candidate in line.candidates
        if candidate.part == 0
    ]
    if not first_parts:
        return {}
    photos = func.jsonb_array_length(DeliveryRow.prepared["0"]["photos"])
    query = select(DeliveryRow.id, photos).where(is_among(DeliveryRow.id, first_parts))
    return {delivery_id: number for delivery_id, number in await session.execute(query) if number}


def _refusals(
    line: _Line,
    sent: Sequence[datetime],
    promised: Sequence[datetime],
    media: Mapping[UUID, int],
) -> Iterator[tuple[UUID, Refusal]]:
    """Admit in order while there is room; everybody else gets a place in the line."""
    taken = list(sent)
    queue = sorted([*sent, *promised])
    last = line.limit.limited_until or line.earliest
    for candidate in line.candidates:
        at = candidate.leaves_at
        cost = COUNTED[line.network].cost(candidate.part, media.get(candidate.delivery_id, 0))
        held = line.limit.limited_until is not None and at < line.limit.limited_until
        if not held and next_free(taken, line.quotas, at, cost=cost) == at:
            _take(taken, at, cost)
            _take(queue, at, cost)
            continue
        # Whoever comes later leaves later: else each place in a long line would be sought anew.
        last = next_free(queue, line.quotas, max(at, last), cost=cost)
        _take(queue, last, cost)
        reason = _held(line, last) if held else _full(line, taken, at, last, cost)
        yield candidate.delivery_id, Refusal(until=last, reason=reason)


def _take(times: list[datetime], at: datetime, cost: int) -> None:
    for _ in range(cost):
        insort(times, at)


def _held(line: _Line, until: datetime) -> Reason:
    told = line.limit.reason or {}
    name = RULES[line.network].name
    return Reason(
        type="rate_limited",
        message=f"{name} wants {line.limit.handle} to wait: {told.get('message')} This one is to"
        f" leave at {until:%Y-%m-%d %H:%M:%S} UTC.",
        evidence={"until": until.isoformat(), "told": dict(told)},
    )


def _full(
    line: _Line, taken: Sequence[datetime], at: datetime, until: datetime, cost: int
) -> Reason:
    quota = binding(taken, line.quotas, at, cost=cost)
    if quota is None:
        raise ValueError("a send that breaks no quota is not refused")
    name = RULES[line.network].name
    return Reason(
        type="quota_exhausted",
        message=f"{name} takes {quota} from {line.limit.handle}, and has had them. This one is to"
        f" leave at {until:%Y-%m-%d %H:%M:%S} UTC.",
        evidence={
            "limit": quota.limit,
            "counts": quota.counts.value,
            "window_seconds": int(quota.window.total_seconds()),
            "used": used(taken, quota, at),
            "until": until.isoformat(),
        },
    )
