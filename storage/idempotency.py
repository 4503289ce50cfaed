"""What came of requests with an Idempotency-Key, kept with what was asked.

A workspace's keys have the first answer; a user's name the thing that was made.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import IdempotencyKeyRow, UserIdempotencyKeyRow


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """Something that a user asked for with a key."""

    id: UUID
    fingerprint: bytes


async def first_made(session: AsyncSession, user_id: UUID, key: str, new: Made) -> Made:
    """What the user made with that key; `new` when nothing was, which is to be made then.

    Waits while another request with the key is under way.
    """
    table = UserIdempotencyKeyRow
    keep = (
        insert(table)
        .values(user_id=user_id, key=key, fingerprint=new.fingerprint, made_id=new.id)
        .on_conflict_do_nothing()
        .returning(table.key)
    )
    query = select(table).where(table.user_id == user_id, table.key == key)
    while (await session.execute(keep)).one_or_none() is None:
        if row := (await session.scalars(query)).one_or_none():
            return Made(id=row.made_id, fingerprint=row.fingerprint)
        # An old key, forgotten between the two.
    return new


async def forget_keys(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Remove keys that nobody asks with again, some of each kind; how many."""
    removed = 0
    for table, owner_id in (
        (IdempotencyKeyRow, IdempotencyKeyRow.workspace_id),
        (UserIdempotencyKeyRow, UserIdempotencyKeyRow.user_id),
    ):
        old = select(owner_id, table.key).where(table.created_at < before).limit(limit)
        gone = delete(table).where(tuple_(owner_id, table.key).in_(old)).returning(table.key)
        removed += len((await session.scalars(gone)).all())
    return removed
