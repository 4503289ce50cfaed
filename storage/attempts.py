"""Attempt rows: written ahead of a send, changed while it is open, closed once."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.receipts import Receipt
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outcomes import AttemptOutcome, IllegalTransition, Reason
from storage.tables import AttemptRow


async def next_number(session: AsyncSession, delivery_id: UUID, part: int) -> int:
    """1 for the part's first try."""
    query = select(func.count()).where(
        AttemptRow.delivery_id == delivery_id, AttemptRow.part == part
    )
    return (await session.execute(query)).scalar_one() + 1


async def add(session: AsyncSession, state: DeliveryState, attempt: OpenAttempt) -> int:
    """Write an attempt down, open; its number."""
    number = await next_number(session, state.delivery_id, attempt.part)
    await session.execute(
        insert(AttemptRow).values(
            id=attempt.attempt_id,
            delivery_id=state.delivery_id,
            root_id=state.root_id,
            account_id=state.account.account_id,
            part=attempt.part,
            number=number,
            revision=attempt.revision,
            evidence=dict(attempt.evidence),
            started_at=attempt.started_at,
        )
    )
    return number


async def close(
    session: AsyncSession,
    attempt: OpenAttempt,
    outcome: AttemptOutcome,
    *,
    receipt: Receipt | None = None,
    error: Reason | None = None,
    counted: bool = True,
) -> None:
    """Write down what became of it. Raises IllegalTransition when that is written already."""
    values: dict[str, Any] = {"outcome": outcome, "ended_at": func.now(), "counted": counted}
    if receipt is not None:
        values |= {
            "remote_id": receipt.remote_id,
            "permalink": receipt.permalink,
            "details": dict(receipt.details),
            "error": None,
        }
    if error is not None:
        values["error"] = error.as_json()
    fenced = outcome is not AttemptOutcome.PUBLISHED
    await write_open(session, attempt, fenced=fenced, **values)


async def write_open(
    session: AsyncSession, attempt: OpenAttempt, *, fenced: bool = False, **values: Any
) -> None:
    """Change an attempt that has no outcome; `fenced`: nor was sent again by another meanwhile."""
    conditions = [AttemptRow.id == attempt.attempt_id, AttemptRow.outcome.is_(None)]
    if fenced:
        conditions.append(AttemptRow.resends == attempt.resends)
    statement = update(AttemptRow).where(*conditions).values(**values).returning(AttemptRow.id)
    if (await session.execute(statement)).scalar_one_or_none() is None:
        raise IllegalTransition(f"attempt {attempt.attempt_id} was moved on by another")
