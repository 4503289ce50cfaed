"""The first answer to a request with an Idempotency-Key, kept with what was asked."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import IdempotencyKeyRow


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """What was answered, and to what."""

    fingerprint: bytes
    status_code: int
    answer: dict[str, Any]


async def find(session: AsyncSession, workspace_id: UUID, key: str) -> KeptAnswer | None:
    """The answer that was given under that key."""
    row = await session.get(IdempotencyKeyRow, (workspace_id, key))
    if row is None:
        return None
    return KeptAnswer(fingerprint=row.fingerprint, status_code=row.status_code, answer=row.answer)


async def keep(
    session: AsyncSession, workspace_id: UUID, key: str, kept: KeptAnswer
) -> dict[str, Any] | None:
    """Keep the answer; None when another request with the key was first: roll back.

    Returned as it will be found again: jsonb has an order of keys of its own. Waits while that
    other request's transaction is still open.
    """
    statement = (
        insert(IdempotencyKeyRow)
        .values(
            workspace_id=workspace_id,
            key=key,
            fingerprint=kept.fingerprint,
            status_code=kept.status_code,
            answer=kept.answer,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKeyRow.answer)
    )
    return (await session.execute(statement)).scalar_one_or_none()
