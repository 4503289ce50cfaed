"""The statements behind outlooks. Made once: each request that schedules a post runs one."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    case,
    column,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import LateralFromClause
from sqlalchemy.types import TypeEngine

from domain.deliveries import DeliveryStatus
from domain.quotas import Counted
from storage import sends
from storage.tables import (
    AccountLimitRow,
    AccountRow,
    AttemptRow,
    DeliveryRow,
    PostRevisionRow,
)

_WHEN: Final = DateTime(timezone=True)

_COLUMNS: Final[dict[str, TypeEngine[Any]]] = {
    "number": Integer(),
    "account_id": Uuid(),
    "counts": String(),
    "sent_since": _WHEN,
    "planned_since": _WHEN,
    "until": _WHEN,
    "most": Integer(),
}
"""Of what is asked; each is a parameter of that name, an array."""

_ASKED: Final = (
    func.unnest(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()))
    .table_valued(*(column(name, kind) for name, kind in _COLUMNS.items()), name="asked")
    .render_derived()
)

_PLANNED: Final = [
    # Spelt out, because a parameter would keep the planner from the partial index.
    literal(status, DeliveryRow.status.type, literal_execute=True)
    for status in (DeliveryStatus.SCHEDULED, DeliveryStatus.PREPARING, DeliveryStatus.ARMED)
]


def _sent() -> Select[Any]:
    """What each account sent, or is about to send by a claim."""
    return (
        select(
            _ASKED.c.number,
            AttemptRow.started_at.label("at"),
            sends.cost(_ASKED.c.counts).label("cost"),
            literal("sent").label("kind"),
        )
        .join(_ASKED, AttemptRow.account_id == _ASKED.c.account_id)
        .where(AttemptRow.started_at > _ASKED.c.sent_since)
    )


def _waiting() -> Select[Any]:
    """The plans of each account: what is scheduled, and what was put off."""
    on_time = _latest(
        DeliveryRow.publish_at,
        DeliveryRow.status.in_(_PLANNED),
        DeliveryRow.publish_at > _ASKED.c.planned_since,
    )
    put_off = _latest(DeliveryRow.deferred_until, DeliveryRow.status == DeliveryStatus.DEFERRED)
    plans = union_all(
        *(
            select(
                _ASKED.c.number,
                func.greatest(plan.c.at, bindparam("now", type_=_WHEN)).label("at"),
                plan.c.cost,
                literal("waiting").label("kind"),
            ).select_from(_ASKED.join(plan, true()))
            for plan in (on_time, put_off)
        )
    ).subquery()
    return select(plans)


def _latest(at: Any, *conditions: ColumnElement[bool]) -> LateralFromClause:
    query = (
        select(at.label("at"), _cost(_ASKED.c.counts).label("cost"))
        .join(
            PostRevisionRow,
            (PostRevisionRow.post_id == DeliveryRow.post_id)
            & (PostRevisionRow.revision == DeliveryRow.revision),
        )
        .where(
            DeliveryRow.account_id == _ASKED.c.account_id,
            ~DeliveryRow.superseded,
            at <= _ASKED.c.until,
            DeliveryRow.post_id.is_distinct_from(bindparam("without", type_=Uuid())),
            *conditions,
        )
        .order_by(at.desc())
        .limit(_ASKED.c.most)
    )
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


def _weigh() -> Select[Any]:
    counted = union_all(_sent(), _waiting()).subquery()
    total = (
        select(counted.c.number, func.sum(counted.c.cost).label("cost"))
        .group_by(counted.c.number)
        .subquery()
    )
    return (
        select(_ASKED.c.number, total.c.cost, AccountRow.limits, AccountLimitRow.limited_until)
        .select_from(_ASKED)
        .join(AccountRow, AccountRow.id == _ASKED.c.account_id)
        .outerjoin(AccountLimitRow, AccountLimitRow.account_id == _ASKED.c.account_id)
        .outerjoin(total, total.c.number == _ASKED.c.number)
    )


def _look_ahead() -> Select[Any]:
    known = (
        select(
            _ASKED.c.number,
            AccountLimitRow.limited_until.label("at"),
            literal(0).label("cost"),
            literal("account").label("kind"),
        )
        .select_from(_ASKED)
        .join(AccountRow, AccountRow.id == _ASKED.c.account_id)
        .outerjoin(AccountLimitRow, AccountLimitRow.account_id == AccountRow.id)
    )
    found = union_all(_sent(), _waiting(), known).subquery()
    is_account = found.c.kind == "account"
    return (
        select(found, AccountRow.limits, AccountLimitRow.reason)
        .select_from(found.join(_ASKED, _ASKED.c.number == found.c.number))
        .outerjoin(AccountRow, (AccountRow.id == _ASKED.c.account_id) & is_account)
        .outerjoin(AccountLimitRow, AccountLimitRow.account_id == AccountRow.id)
        .order_by(found.c.at)
    )


WEIGH: Final = _weigh()
"""number, cost, limits, limited_until of each that is asked."""

LOOK_AHEAD: Final = _look_ahead()
"""number, at, cost, kind (sent | waiting | account), limits, reason; by time."""
