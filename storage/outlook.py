"""What accounts have sent, and what they are about to send: the ground of forecasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    TableValuedAlias,
    Uuid,
    case,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import LateralFromClause

from domain.deliveries import DeliveryStatus
from domain.limits import AccountLimits
from domain.networks import Network
from domain.quotas import COUNTED, Counted, Quota, of_account
from storage import sends
from storage.tables import (
    AccountLimitRow,
    AccountRow,
    AttemptRow,
    DeliveryRow,
    PostRevisionRow,
)
from storage.unnested import unnested

_NOTHING: Final = timedelta(0)
_LONG_AGO: Final = timedelta(days=365)

_PLANNED: Final = [
    # Spelt out, because a parameter would keep the planner from the partial index.
    literal(status, DeliveryRow.status.type, literal_execute=True)
    for status in (DeliveryStatus.SCHEDULED, DeliveryStatus.PREPARING, DeliveryStatus.ARMED)
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Which account to look at, and between when."""

    account_id: UUID
    network: Network
    quotas: tuple[Quota, ...]
    since: datetime
    """UTC: of the first moment that matters."""
    until: datetime
    """UTC: of the last one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A delivery that has yet to leave."""

    at: datetime
    """When it is to leave, UTC: its publish time, or the place that it was told."""
    costs: tuple[int, ...]
    """Of its parts, as `domain.quotas.costs_of` has them."""


@dataclass(kw_only=True, slots=True)
class Outlook:
    """One account's sends around a time."""

    sent: list[datetime] = field(default_factory=list)
    """Sorted, each as often as it costs."""
    waiting: list[Waiting] = field(default_factory=list)
    """By time."""
    quotas: tuple[Quota, ...] = ()
    """Its network's, or its own where the network told of it."""
    limited_until: datetime | None = None
    reason: Mapping[str, Any] | None = None
    """Why it is limited: {type, message, evidence}."""


async def look_ahead(
    session: AsyncSession, spans: Sequence[Span], *, now: datetime, without: UUID | None = None
) -> Mapping[UUID, Outlook]:
    """The outlook of each account, in one statement; `without` is a post to leave out.

    Of an account's plans, the latest that fill its quotas twice are read, from two windows before
    the span on: more of them could only show that it is late by more.
    """
    asked = _asked(spans, now)
    sent = (
        select(
            AttemptRow.account_id,
            AttemptRow.started_at.label("at"),
            sends.cost(asked.c.counts).label("cost"),
            literal("sent").label("kind"),
        )
        .join(asked, AttemptRow.account_id == asked.c.account_id)
        .where(AttemptRow.started_at > asked.c.sent_since)
    )
    known = (
        select(
            AccountRow.id,
            AccountLimitRow.limited_until.label("at"),
            literal(0).label("cost"),
            literal("account").label("kind"),
        )
        .join(asked, AccountRow.id == asked.c.account_id)
        .outerjoin(AccountLimitRow, AccountLimitRow.account_id == AccountRow.id)
    )
    found = union_all(sent, _waiting(asked, now, without), known).subquery()
    is_account = found.c.kind == "account"
    query = (
        select(found, AccountRow.limits, AccountLimitRow.reason)
        .outerjoin(AccountRow, (AccountRow.id == found.c.account_id) & is_account)
        .outerjoin(AccountLimitRow, AccountLimitRow.account_id == AccountRow.id)
        .order_by(found.c.at)
    )
    outlooks = {span.account_id: Outlook() for span in spans}
    spanned = {span.account_id: span for span in spans}
    for account_id, at, cost, kind, limits, reason in await session.execute(query):
        outlook, span = outlooks[account_id], spanned[account_id]
        if kind == "sent":
            outlook.sent += [at] * cost
        elif kind == "waiting":
            is_one = COUNTED[span.network] is Counted.CALLS
            outlook.waiting.append(Waiting(at=at, costs=(cost,) if is_one else (1,) * cost))
        else:
            told = AccountLimits(**limits) if limits else None
            outlook.quotas = of_account(span.network, span.quotas, told)
            if at is not None and at > now:
                outlook.limited_until, outlook.reason = at, reason
    return outlooks


def _waiting(asked: TableValuedAlias, now: datetime, without: UUID | None) -> Select[Any]:
    """The plans of each account: what is scheduled, and what was put off."""
    on_time = _latest(
        asked,
        without,
        DeliveryRow.publish_at,
        DeliveryRow.status.in_(_PLANNED),
        DeliveryRow.publish_at > asked.c.planned_since,
    )
    put_off = _latest(
        asked, without, DeliveryRow.deferred_until, DeliveryRow.status == DeliveryStatus.DEFERRED
    )
    plans = union_all(
        *(
            select(
                asked.c.account_id,
                func.greatest(plan.c.at, literal(now, DateTime(timezone=True))).label("at"),
                plan.c.cost,
                literal("waiting").label("kind"),
            ).select_from(asked.join(plan, true()))
            for plan in (on_time, put_off)
        )
    ).subquery()
    return select(plans)


def _latest(
    asked: TableValuedAlias,
    without: UUID | None,
    at: Any,
    *conditions: ColumnElement[bool],
) -> LateralFromClause:
    query = (
        select(at.label("at"), _cost(asked.c.counts).label("cost"))
        .join(
            PostRevisionRow,
            (PostRevisionRow.post_id == DeliveryRow.post_id)
            & (PostRevisionRow.revision == DeliveryRow.revision),
        )
        .where(
            DeliveryRow.account_id == asked.c.account_id,
            ~DeliveryRow.superseded,
            at <= asked.c.until,
            *conditions,
        )
        .order_by(at.desc())
        .limit(asked.c.most)
    )
    if without is not None:
        query = query.where(DeliveryRow.post_id != without)
    return query.lateral()


def _cost(counts: ColumnElement[str]) -> ColumnElement[int]:
    """What a whole delivery costs, in SQL, from its post's content."""

    def field_(name: str) -> ColumnElement[Any]:
        content = PostRevisionRow.content
        variant = content["variants"].op("->")(DeliveryRow.network.cast(String))
        return func.coalesce(variant.op("->")(name), content["base"].op("->")(name))

    comment = case((func.jsonb_typeof(field_("first_comment")) == "string", 1), else_=0)
    return case(
        (counts == Counted.POSTS.value, 1),
        (
            counts == Counted.CALLS.value,
            2 + func.jsonb_array_length(field_("media")) + comment,
        ),
        else_=1 + func.jsonb_array_length(field_("thread")),
    )


def _asked(spans: Sequence[Span], now: datetime) -> TableValuedAlias:
    when = DateTime(timezone=True)
    longest = [max((one.window for one in span.quotas), default=_NOTHING) for span in spans]
    early = [span.since - 2 * window for span, window in zip(spans, longest, strict=True)]
    return unnested(
        "asked",
        account_id=(Uuid(), [span.account_id for span in spans]),
        counts=(String(), [COUNTED[span.network].value for span in spans]),
        sent_since=(when, [s.since - window for s, window in zip(spans, longest, strict=True)]),
        # What should have left already leaves now, whenever that should have been.
        planned_since=(when, [at if at > now else now - _LONG_AGO for at in early]),
        until=(when, [span.until for span in spans]),
        most=(Integer(), [2 * max((q.limit for q in s.quotas), default=0) for s in spans]),
    )
