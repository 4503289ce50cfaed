"""The audit log: written in the transaction of the act itself, and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.moderation import Act
from storage.tables import AuditRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who does something to others' things."""

    user_id: UUID | None
    """None for who has a shell on the server."""
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One act that was done."""

    id: UUID
    at: datetime
    actor: Actor
    act: str
    subject_type: str
    subject_id: str
    reason: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFilter:
    """Which acts; what is None is not asked for."""

    actor_id: UUID | None = None
    act: Act | None = None
    subject_type: str | None = None
    subject_id: str | None = None
    """Asked for together with the subject's type."""


async def record(
    session: AsyncSession,
    actor: Actor,
    act: Act,
    *,
    subject_type: str,
    subject_id: object,
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write down what is done in the running transaction: both are there or neither.

    `before` and `after` are states, with no text of anybody's and no secret.
    """
    await session.execute(
        insert(AuditRow).values(
            id=new_id(),
            actor_id=actor.user_id,
            actor=actor.name,
            act=act,
            subject_type=subject_type,
            subject_id=str(subject_id),
            reason=reason,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
        )
    )


async def list_page(
    session: AsyncSession, chosen: AuditFilter, *, before: UUID | None, limit: int
) -> list[AuditEntry]:
    """Acts, the latest first."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    for column, wanted in (
        (AuditRow.actor_id, chosen.actor_id),
        (AuditRow.act, chosen.act),
        (AuditRow.subject_type, chosen.subject_type),
        (AuditRow.subject_id, chosen.subject_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return [
        AuditEntry(
            id=row.id,
            at=row.at,
            actor=Actor(user_id=row.actor_id, name=row.actor),
            act=row.act,
            subject_type=row.subject_type,
            subject_id=row.subject_id,
            reason=row.reason,
            before=row.before,
            after=row.after,
        )
        for row in (await session.scalars(query)).all()
    ]
