"""Home feeds end somewhere: what is far down is removed, a little with each entry that comes in."""

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, delete, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.tables import HomeEntryRow
from storage.unnested import unnested

KEPT: Final = 1_000
"""Entries of one home feed: forty pages, below which nobody reads on."""

ONE_IN: Final = 64
"""Of so many entries that reach a home feed about one has it trimmed, so trimming costs little."""


def whose_turn(entry_id: UUID, user_ids: Iterable[UUID]) -> list[UUID]:
    """Those whose home feeds are trimmed when that entry is written to them.

    By the random ends of the ids: no two entries choose the same people, and nothing is kept.
    """
    return [user_id for user_id in user_ids if (user_id.int ^ entry_id.int) % ONE_IN == 0]


async def trim(session: AsyncSession, user_ids: Collection[UUID], *, kept: int = KEPT) -> None:
    """Remove what is below the latest `kept` entries of these home feeds."""
    if not user_ids:
        return
    theirs, home = unnested("theirs", user_id=(Uuid(), sorted(user_ids))), aliased(HomeEntryRow)
    last = (
        select(HomeEntryRow.entry_id)
        .where(HomeEntryRow.user_id == theirs.c.user_id)
        .order_by(HomeEntryRow.entry_id.desc())
        .offset(kept - 1)
        .limit(1)
        .lateral("last")
    )
    below = (
        select(home.user_id, home.entry_id)
        .select_from(theirs.join(last, true()))
        .join(home, (home.user_id == theirs.c.user_id) & (home.entry_id < last.c.entry_id))
        .with_for_update(of=home, skip_locked=True)  # another may be at the same rows
        .cte("below")  # looked for once, whatever the plan
    )
    await session.execute(
        delete(HomeEntryRow).where(
            tuple_(HomeEntryRow.user_id, HomeEntryRow.entry_id).in_(select(below))
        )
    )
