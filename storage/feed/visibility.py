"""Who gets to see whom: conditions that every list of the feed asks before it counts its rows.

They are written for PostgreSQL's planner. Whom the viewer follows, blocks and mutes is read once
and hashed; the person is looked up by key. An EXISTS might become a hash of everybody who is
suspended, or a walk along all that the viewer follows, for each row. What has to hold together is
one question to the planner, of which it takes every second row to pass; of each more it would halve
that again, think that no page can be filled, and read and sort all there is.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, case, false, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from storage.tables import BlockRow, FollowRow, MuteRow, UserRow

PersonColumn = ColumnElement[UUID] | InstrumentedAttribute[UUID]

Viewer = UUID | BindParameter[UUID]
"""Who reads: an id, or where it is filled in."""

# Made once: for every condition anew they cost more than the statement that it stands in.
_USER: Final = aliased(UserRow)
_BLOCK: Final = aliased(BlockRow)


def can_meet(viewer: Viewer | None, person: PersonColumn) -> ColumnElement[bool]:
    """The person is not suspended, and neither of the two blocks the other.

    `viewer` is None for somebody who is not signed in.
    """
    user, block = _USER, _BLOCK
    welcome = _looked_up(user, select(user.suspended_at.is_(None)).where(user.id == person))
    if viewer is None:
        return welcome
    blocked = select(BlockRow.blocked_id).where(BlockRow.blocker_id == viewer)
    is_blocked = select(true()).where(block.blocked_id == viewer, block.blocker_id == person)
    return together(welcome, person.not_in(blocked), ~_looked_up(block, is_blocked))


def wants(viewer: Viewer | None, person: PersonColumn) -> ColumnElement[bool]:
    """The viewer has not muted the person."""
    if viewer is None:
        return true()
    return person.not_in(select(MuteRow.muted_id).where(MuteRow.muter_id == viewer))


def follows(viewer: Viewer, person: PersonColumn) -> ColumnElement[bool]:
    """The viewer follows the person."""
    return person.in_(select(FollowRow.followee_id).where(FollowRow.follower_id == viewer))


def together(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """All of them, as one question to PostgreSQL's planner."""
    return case((and_(*conditions), true()), else_=false())


def _looked_up(table: Any, answer: Select[bool]) -> ColumnElement[bool]:
    """What the one row says; false when there is none."""
    return func.coalesce(answer.correlate_except(table).scalar_subquery(), false())
