"""The switches: put in place, lifted, read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.networks import Network
from domain.switches import Reach
from storage.tables import AccountRow, SwitchRow, WorkspaceRow

EVERYTHING: Final = ""
"""The subject of a switch that reaches everything."""

_EXPIRED: Final = "its time was over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Switch:
    """A hold that stands."""

    reach: Reach
    subject: str
    """The network, or the id of the workspace or account; empty for everything."""
    owner_id: UUID | None
    """The workspace that may lift it; None when only an operator may."""
    reason: str
    held_by: str
    held_since: datetime
    until: datetime | None
    """UTC; None when it holds until it is lifted."""

    @property
    def key(self) -> tuple[Reach, str]:
        """What it holds."""
        return self.reach, self.subject


async def hold(
    session: AsyncSession,
    reach: Reach,
    subject: str,
    *,
    owner_id: UUID | None,
    reason: str,
    held_by: str,
    now: datetime,
    until: datetime | None,
) -> Switch:
    """Hold the subject; who holds it already changes the reason and the end, and not the beginning.

    What was claimed before the transaction commits still goes out.
    """
    await session.execute(
        update(SwitchRow)
        .where(_is(reach, subject, owner_id), SwitchRow.until <= now)
        .values(lifted_at=SwitchRow.until, lifted_by=_EXPIRED)
    )
    current = {"reason": reason, "held_by": held_by, "until": until}
    statement = (
        insert(SwitchRow)
        .values(
            id=new_id(),
            reach=reach,
            subject=subject,
            owner_id=owner_id,
            held_since=now,
            **current,
        )
        .on_conflict_do_update(
            index_elements=["reach", "subject", "owner_id"],
            index_where=SwitchRow.lifted_at.is_(None),
            set_=current,
        )
        .returning(SwitchRow)
    )
    answer = await session.scalars(statement, execution_options={"populate_existing": True})
    return _switch(answer.one())


async def lift(
    session: AsyncSession,
    reach: Reach,
    subject: str,
    *,
    owner_id: UUID | None,
    lifted_by: str,
    now: datetime,
) -> bool:
    """Take the owner's hold away; False when there was none. The drain does the rest."""
    lifted = await session.scalars(
        update(SwitchRow)
        .where(_is(reach, subject, owner_id), is_standing(now))
        .values(lifted_at=now, lifted_by=lifted_by)
        .returning(SwitchRow.id)
    )
    return lifted.one_or_none() is not None


async def standing(
    session: AsyncSession,
    now: datetime,
    *,
    networks: Collection[Network],
    workspaces: Collection[UUID] | None = None,
    accounts: Collection[UUID] | None = None,
) -> list[Switch]:
    """The switches that hold any of these now, widest first; None stands for all of them."""
    query = select(SwitchRow).where(
        is_standing(now),
        or_(
            SwitchRow.reach == Reach.EVERYTHING,
            _reaches(Reach.NETWORK, [str(network) for network in networks]),
            _reaches(Reach.WORKSPACE, _texts(workspaces)),
            _reaches(Reach.ACCOUNT, _texts(accounts)),
        ),
    )
    found = [_switch(row) for row in await session.scalars(query)]
    return sorted(found, key=lambda one: (list(Reach).index(one.reach), one.subject))


async def is_known(session: AsyncSession, reach: Reach, subject: str) -> bool:
    """Whether there is such a network, workspace or account."""
    match reach:
        case Reach.EVERYTHING:
            return subject == EVERYTHING
        case Reach.NETWORK:
            return subject in set(Network)
        case Reach.WORKSPACE | Reach.ACCOUNT:
            table = WorkspaceRow if reach is Reach.WORKSPACE else AccountRow
            try:
                found = await session.scalar(select(table.id).where(table.id == UUID(subject)))
            except ValueError:
                return False
            return found is not None


async def owned_accounts(session: AsyncSession, workspace_id: UUID) -> list[UUID]:
    """A workspace's accounts, whose switches and circuits concern it."""
    query = select(AccountRow.id).where(AccountRow.workspace_id == workspace_id)
    return list((await session.scalars(query)).all())


def is_standing(now: datetime) -> ColumnElement[bool]:
    """Whether a switch holds at that moment."""
    return and_(
        SwitchRow.lifted_at.is_(None), or_(SwitchRow.until.is_(None), SwitchRow.until > now)
    )


def _is(reach: Reach, subject: str, owner_id: UUID | None) -> ColumnElement[bool]:
    return and_(
        SwitchRow.reach == reach,
        SwitchRow.subject == subject,
        SwitchRow.owner_id.is_not_distinct_from(owner_id),
        SwitchRow.lifted_at.is_(None),
    )


def _reaches(reach: Reach, subjects: Sequence[str] | None) -> ColumnElement[bool]:
    reached: ColumnElement[bool] = SwitchRow.reach == reach
    if subjects is None:
        return reached
    return and_(reached, SwitchRow.subject.in_(subjects))


def _texts(ids: Collection[UUID] | None) -> list[str] | None:
    return None if ids is None else [str(one) for one in ids]


def _switch(row: SwitchRow) -> Switch:
    return Switch(
        reach=Reach(row.reach),
        subject=row.subject,
        owner_id=row.owner_id,
        reason=row.reason,
        held_by=row.held_by,
        held_since=row.held_since,
        until=row.until,
    )
