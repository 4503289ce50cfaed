"""What tells a cached home feed from one that is still right.

A home feed changes at once when its reader does something, when an entry is written to it, when
somebody whom they look up publishes, and when a moderator removes a post, suspends an author or
restores one. All four are in the database, so that they count in every process from the moment they
are committed. What others do to the posts in it (likes, edits of a profile, a deletion) is seen
when the cached one is past its time.
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
from storage.grouped_reads import GroupedReads
from storage.reading import FixedRead, Reader
from storage.tables import (
    FeedEntryRow,
    FeedModerationRow,
    FeedProfileRow,
    FollowRow,
    HomeEntryRow,
)

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


async def note_moderation(session: AsyncSession) -> None:
    """Something was taken from everybody's feeds, or came back: nothing kept before is shown.

    Such acts wait for one another here, so the count says which of them a reader saw.
    """
    statement = insert(FeedModerationRow).values(id=1, version=1)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"version": FeedModerationRow.version + 1}
        )
    )


class FeedVersions:
    """Tells the versions of what people read; those who ask at the same time share a statement."""

    def __init__(self, database: Database, *, cached_for: timedelta) -> None:
        """`cached_for` is how long anything is shown under one version."""
        self._looked_up_within = cached_for + _CLOCKS_APART
        self._together = GroupedReads[UUID | None, str](database, self._read)

    async def of(self, user_id: UUID) -> str:
        """The version right now: another one after anything that changes the feed at once."""
        return await self._together(user_id)

    async def for_everybody(self) -> str:
        """The version of what everybody reads alike: another one after each act of a moderator."""
        return await self._together(None)

    async def _read(self, reader: Reader, user_ids: Sequence[UUID | None]) -> list[str]:
        """Those of the users' feeds; None asks for what everybody reads."""
        # Older ones are in every cached feed that is still shown.
        since = least_id_at(datetime.now(UTC) - self._looked_up_within)
        rows = await reader.rows(_VERSIONS, users=list(user_ids), since=since)
        found = {
            user_id: f"{moderated}:{version}:{_short(entry)}:{_short(latest)}"
            for user_id, moderated, version, entry, latest in rows
        }
        return [found[user_id] for user_id in user_ids]


def _versions() -> Select[*tuple[Any, ...]]:
    """For each of the users: what they did, and the latest entries that they can read.

    Each part is looked up by the user's id. Those who publish now and then to many are few at any
    moment, so they are gathered once and each user is asked about them: the other way round,
    somebody who follows thousands would have each of these looked for.
    """
    users = func.unnest(bindparam("users", type_=ARRAY(Uuid)))
    asked = users.table_valued(column("user_id", Uuid()), name="asked").render_derived()
    recent = (
        select(FeedEntryRow.id, FeedEntryRow.actor_id)
        .where(FeedEntryRow.on_read, FeedEntryRow.id > bindparam("since", type_=Uuid()))
        .cte("recent")
        .prefix_with("MATERIALIZED")
    )
    moderated = select(FeedModerationRow.version)
    did = select(FeedProfileRow.version).where(FeedProfileRow.user_id == asked.c.user_id)
    written = (
        select(HomeEntryRow.entry_id)
        .where(HomeEntryRow.user_id == asked.c.user_id)
        .order_by(HomeEntryRow.entry_id.desc())
        .limit(literal_column("1", Integer))
    )
    looked_up = (
        select(recent.c.id)
        .join(
            FollowRow,
            (FollowRow.follower_id == asked.c.user_id)
            & (FollowRow.followee_id == recent.c.actor_id),
        )
        .order_by(recent.c.id.desc())
        .limit(literal_column("1", Integer))
    )
    nothing = literal_column("0", Integer)
    return select(
        asked.c.user_id,
        func.coalesce(moderated.scalar_subquery(), nothing),
        func.coalesce(did.scalar_subquery(), nothing),
        written.scalar_subquery(),
        looked_up.scalar_subquery(),
    )


_VERSIONS: Final = FixedRead(_versions())


def _short(entry: UUID | None) -> str:
    return "" if entry is None else entry.hex
