"""What somebody reads: entries of those whom they follow, newest first, each post once.

Two sources are merged by the entries' ids: what was written to the reader's home feed, and what
those published whose entries are looked up. Whether an entry still shows is asked of each row while
the page is gathered, so that a page is full although somebody was muted, and what was taken back
is gone everywhere at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    lateral,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from storage.feed import people
from storage.feed.people import FeedPerson
from storage.feed.visibility import Viewer, can_meet, follows, together, wants
from storage.tables import FeedEntryRow, FeedProfileRow, FollowRow, HomeEntryRow

Before = BindParameter[UUID] | None
Limit = ColumnElement[int]

_VIEWER: Final = bindparam("viewer", type_=Uuid())
_BEFORE: Final = bindparam("before", type_=Uuid())


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEntry:
    """One appearance of a post in a feed."""

    id: UUID
    post_id: UUID
    reposted_by: FeedPerson | None
    """None where it is the publication itself."""


async def list_home(
    session: AsyncSession, viewer: UUID, *, before: UUID | None, limit: int
) -> list[FeedEntry]:
    """The reader's home feed, newest first."""
    query = _home(paged=before is not None, limit=limit)
    rows = await session.execute(query, {"viewer": viewer, "before": before})
    return await _entries(session, rows.all())


async def list_profile(
    session: AsyncSession, viewer: UUID | None, user_id: UUID, *, before: UUID | None, limit: int
) -> list[FeedEntry]:
    """What one person published and reposted, newest first."""
    entry = FeedEntryRow
    query = (
        select(entry.id, entry.post_id, entry.actor_id)
        .where(
            entry.actor_id == user_id,
            can_meet(viewer, entry.actor_id),
            or_(entry.author_id == entry.actor_id, can_meet(viewer, entry.author_id)),
            _older(entry.id, before),
        )
        .order_by(entry.id.desc())
        .limit(limit)
    )
    return await _entries(session, (await session.execute(query)).all())


async def _entries(session: AsyncSession, rows: Iterable[Any]) -> list[FeedEntry]:
    """Rows of (entry, post, actor) with the people who reposted."""
    found = [(entry_id, post_id, actor_id) for entry_id, post_id, actor_id in rows]
    reposters = {actor for entry_id, post_id, actor in found if entry_id != post_id}
    known = await people.load(session, reposters)
    return [
        FeedEntry(
            id=entry_id,
            post_id=post_id,
            reposted_by=None if entry_id == post_id else known[actor],
        )
        for entry_id, post_id, actor in found
    ]


@lru_cache
def _home(*, paged: bool, limit: int) -> Select[UUID, UUID, UUID]:
    """The statement, made once: it is long, and making it takes longer than carrying it out.

    The limit stands in it: PostgreSQL plans for a tenth of all rows where it is filled in later.
    """
    before = _BEFORE if paged else None
    rows = literal_column(str(limit), Integer)
    written = _written(_VIEWER, before, rows).subquery("written")
    looked_up = _looked_up(_VIEWER, before, rows)
    merged = union_all(select(written), looked_up).subquery("merged")
    return (
        select(merged.c.id, merged.c.post_id, merged.c.actor_id)
        .order_by(merged.c.id.desc())
        .limit(rows)
    )


def _written(viewer: Viewer, before: Before, limit: Limit) -> Select[UUID, UUID, UUID]:
    """What was written to the reader's home feed and still shows."""
    entry, home = aliased(FeedEntryRow), HomeEntryRow
    return (
        select(entry.id, entry.post_id, entry.actor_id)
        .join_from(home, entry, entry.id == home.entry_id)
        .where(
            home.user_id == viewer,
            _older(home.entry_id, before),
            or_(home.actor_id == viewer, follows(viewer, home.actor_id)),
            _shows(viewer, entry),
        )
        .order_by(home.entry_id.desc())
        .limit(limit)
    )


def _looked_up(viewer: Viewer, before: Before, limit: Limit) -> Select[UUID, UUID, UUID]:
    """What those published whose entries are not written to anybody.

    A page needs no more people than entries: those with the latest entry that shows.
    """
    head, entry = aliased(FeedEntryRow), aliased(FeedEntryRow)
    busy = (
        select(FollowRow.followee_id)
        .join(FeedProfileRow, FeedProfileRow.user_id == FollowRow.followee_id)
        .where(FollowRow.follower_id == viewer, FeedProfileRow.on_read)
        .cte("busy")
        .prefix_with("MATERIALIZED")
    )
    latest = lateral(
        select(head.id)
        .where(
            head.actor_id == busy.c.followee_id,
            head.on_read,
            _older(head.id, before),
            _shows(viewer, head),
        )
        .order_by(head.id.desc())
        .limit(1)
    )
    heads = (
        select(busy.c.followee_id, latest.c.id)
        .join_from(busy, latest, true())
        .order_by(latest.c.id.desc())
        .limit(limit)
        .subquery("heads")
    )
    theirs = lateral(
        select(entry.id, entry.post_id, entry.actor_id)
        .where(
            entry.actor_id == heads.c.followee_id,
            entry.on_read,
            entry.id <= heads.c.id,
            _shows(viewer, entry),
        )
        .order_by(entry.id.desc())
        .limit(limit)
    )
    return select(theirs.c.id, theirs.c.post_id, theirs.c.actor_id).join_from(heads, theirs, true())


def _shows(viewer: Viewer, entry: type[FeedEntryRow]) -> ColumnElement[bool]:
    """The reader can see actor and author, wants to, and did not have the post already."""
    return together(
        can_meet(viewer, entry.actor_id),
        wants(viewer, entry.actor_id),
        or_(
            entry.id == entry.post_id,
            and_(
                can_meet(viewer, entry.author_id),
                wants(viewer, entry.author_id),
                ~_repeats(viewer, entry),
            ),
        ),
    )


def _repeats(viewer: Viewer, entry: type[FeedEntryRow]) -> ColumnElement[bool]:
    """The post is in the reader's feed further down: by its author, or an earlier repost."""
    home, still, looked_up = aliased(HomeEntryRow), aliased(FeedEntryRow), aliased(FeedEntryRow)
    written_before = (
        select(literal(1))
        .join_from(home, still, still.id == home.entry_id)
        .where(
            home.user_id == viewer,
            home.post_id == entry.post_id,
            home.entry_id < entry.id,
            or_(home.actor_id == viewer, follows(viewer, home.actor_id)),
            wants(viewer, home.actor_id),
        )
        .correlate(entry)
        .exists()
    )
    looked_up_before = (
        select(literal(1))
        .where(
            looked_up.post_id == entry.post_id,
            looked_up.on_read,
            looked_up.id < entry.id,
            follows(viewer, looked_up.actor_id),
            wants(viewer, looked_up.actor_id),
        )
        .correlate(entry)
        .exists()
    )
    return or_(
        entry.author_id == viewer,
        follows(viewer, entry.author_id),
        written_before,
        looked_up_before,
    )


def _older(entry_id: InstrumentedAttribute[UUID], before: Before | UUID) -> ColumnElement[bool]:
    return true() if before is None else entry_id < before
