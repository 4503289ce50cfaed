"""What tells a cached home feed from one that is still right.

A home feed changes at once when its reader does something, when an entry is written to it, and when
somebody whom they look up publishes. All three are in the database, so that they count in every
process from the moment they are committed. What others do to the posts in it (likes, edits of a
profile, a deletion) is seen when the cached one is past its time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, bindparam, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import least_id_at
from storage.database import Database
from storage.group_commit import GroupCommit
from storage.tables import FeedEntryRow, FeedProfileRow, FollowRow, HomeEntryRow

_CLOCKS_APART: Final = timedelta(seconds=5)
"""By which the clocks of processes may differ."""


async def note_own_write(session: AsyncSession, *user_ids: UUID) -> None:
    """These users did something that shows in what they read."""
    statement = insert(FeedProfileRow).values(
        [{"user_id": user_id, "version": 1} for user_id in sorted(user_ids)]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id"], set_={"version": FeedProfileRow.version + 1}
        )
    )


class FeedVersions:
    """Tells the version of users' home feeds; those who ask at the same time share a statement."""

    def __init__(self, database: Database, *, cached_for: timedelta) -> None:
        """`cached_for` is how long anything is shown under one version."""
        self._looked_up_within = cached_for + _CLOCKS_APART
        self._together = GroupCommit[UUID, str](database, self._read)

    async def of(self, user_id: UUID) -> str:
        """The version right now: another one after anything that changes the feed at once."""
        return await self._together(user_id)

    async def _read(self, session: AsyncSession, user_ids: Sequence[UUID]) -> list[str]:
        # Older ones are in every cached feed that is still shown.
        since = least_id_at(datetime.now(UTC) - self._looked_up_within)
        rows = await session.execute(_VERSIONS, {"users": sorted(set(user_ids)), "since": since})
        found = {
            user_id: f"{version}:{_short(entry)}:{_short(latest)}"
            for user_id, version, entry, latest in rows.all()
        }
        return [found[user_id] for user_id in user_ids]


def _versions() -> Select[*tuple[Any, ...]]:
    """For each of the users: what they did, and the latest entries that they can read."""
    users = func.unnest(bindparam("users", type_=ARRAY(Uuid)))
    asked = users.table_valued(column("user_id", Uuid()), name="asked").render_derived()
    written = (
        select(HomeEntryRow.entry_id)
        .where(HomeEntryRow.user_id == asked.c.user_id)
        .order_by(HomeEntryRow.entry_id.desc())
        .limit(literal_column("1", Integer))
        .scalar_subquery()
    )
    looked_up = (
        select(FeedEntryRow.id)
        .join(
            FollowRow,
            (FollowRow.follower_id == asked.c.user_id)
            & (FollowRow.followee_id == FeedEntryRow.actor_id),
        )
        .where(FeedEntryRow.on_read, FeedEntryRow.id > bindparam("since", type_=Uuid()))
        .order_by(FeedEntryRow.id.desc())
        .limit(literal_column("1", Integer))
        .scalar_subquery()
    )
    return select(
        asked.c.user_id, func.coalesce(FeedProfileRow.version, 0), written, looked_up
    ).select_from(asked.outerjoin(FeedProfileRow, FeedProfileRow.user_id == asked.c.user_id))


_VERSIONS: Final = _versions()
"""Made once: making it takes longer than carrying it out."""


def _short(entry: UUID | None) -> str:
    return "" if entry is None else entry.hex
