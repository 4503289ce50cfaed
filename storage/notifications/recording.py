"""Writes news down: grouped while it is unread, nobody counted twice, nothing told twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    Uuid,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from storage.tables import (
    BlockRow,
    MuteRow,
    NotificationActorRow,
    NotificationCauseRow,
    NotificationPreferenceRow,
    NotificationRow,
    UserRow,
)
from storage.unnested import unnested

ACTORS_SHOWN: Final = 3
"""People named by a notification; the others are counted."""

Group = tuple[UUID, str, UUID]
"""Whose news, of which kind, about what."""


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """One person is to hear of one thing."""

    user_id: UUID
    kind: NotificationKind
    subject_type: SubjectType
    subject_id: UUID
    cause_id: UUID
    """What they are never told of again."""
    actor_id: UUID | None

    @property
    def group(self) -> Group:
        """What is one notification while it is unread."""
        return (self.user_id, str(self.kind), self.subject_id)


async def record(session: AsyncSession, news: Sequence[News]) -> list[UUID]:
    """Write down what people want to hear and were not told before; the notifications it changed.

    Six statements at most, however much it is. Left out are people who do not want to hear of the
    kind, who blocked or muted the actor or are blocked by them, and pages that nobody signs in to.
    """
    fresh = await _claim_causes(session, news)
    if not fresh:
        return []
    groups: defaultdict[Group, list[News]] = defaultdict(list)
    for one in fresh:
        groups[one.group].append(one)
    rows = await _join_unread(session, groups)
    await _count_actors(session, rows, groups)
    return [row.id for row in rows.values()]


async def _claim_causes(session: AsyncSession, news: Sequence[News]) -> list[News]:
    """Those that nobody claimed before. Of two who claim at once the second waits, and loses."""
    by_key = {(*one.group, one.cause_id): one for one in news}
    # In one order everywhere, so that two who write down the same wait for each other only once.
    ordered = [by_key[key] for key in sorted(by_key)]
    told = unnested(
        "told",
        user_id=(Uuid(), [one.user_id for one in ordered]),
        kind=(Text(), [str(one.kind) for one in ordered]),
        subject_id=(Uuid(), [one.subject_id for one in ordered]),
        cause_id=(Uuid(), [one.cause_id for one in ordered]),
        actor_id=(Uuid(), [one.actor_id for one in ordered]),
    )
    user_id, actor_id = told.c.user_id, told.c.actor_id
    wanted = (
        select(user_id, told.c.kind, told.c.subject_id, told.c.cause_id)
        .join(UserRow, UserRow.id == user_id)
        .where(
            UserRow.email.is_not(None),
            ~_declined(user_id, told.c.kind),
            ~_kept_apart(user_id, actor_id),
        )
    )
    statement = (
        insert(NotificationCauseRow)
        .from_select(["user_id", "kind", "subject_id", "cause_id"], wanted)
        .on_conflict_do_nothing()
        .returning(
            NotificationCauseRow.user_id,
            NotificationCauseRow.kind,
            NotificationCauseRow.subject_id,
            NotificationCauseRow.cause_id,
        )
    )
    claimed = {tuple(row) for row in (await session.execute(statement)).all()}
    return [one for key, one in by_key.items() if key in claimed]


def _declined(user_id: ColumnElement[UUID], kind: ColumnElement[str]) -> ColumnElement[bool]:
    preference = NotificationPreferenceRow
    return exists().where(
        preference.user_id == user_id, preference.kind == kind, ~preference.in_app
    )


def _kept_apart(user_id: ColumnElement[UUID], actor_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    return or_(
        exists().where(BlockRow.blocker_id == user_id, BlockRow.blocked_id == actor_id),
        exists().where(BlockRow.blocker_id == actor_id, BlockRow.blocked_id == user_id),
        exists().where(MuteRow.muter_id == user_id, MuteRow.muted_id == actor_id),
    )


async def _join_unread(
    session: AsyncSession, groups: Mapping[Group, Sequence[News]]
) -> dict[Group, NotificationRow]:
    """The unread notification of each group, made where there is none; moved to the top."""
    ordered = sorted(groups)
    told = unnested(
        "told",
        id=(Uuid(), [new_id() for _ in ordered]),
        user_id=(Uuid(), [user_id for user_id, _, _ in ordered]),
        kind=(Text(), [kind for _, kind, _ in ordered]),
        subject_type=(Text(), [str(groups[group][0].subject_type) for group in ordered]),
        subject_id=(Uuid(), [subject_id for _, _, subject_id in ordered]),
        position=(Uuid(), [new_id() for _ in ordered]),
        event_count=(Integer(), [len(groups[group]) for group in ordered]),
    )
    names = [column.name for column in told.c]
    new = insert(NotificationRow).from_select(
        [*names, "actor_count", "latest_actors"],
        select(told, literal(0), literal([], NotificationRow.latest_actors.type)),
    )
    statement = new.on_conflict_do_update(
        index_elements=["user_id", "kind", "subject_id"],
        index_where=text("read_at IS NULL"),
        set_={
            "event_count": NotificationRow.event_count + new.excluded.event_count,
            "position": new.excluded.position,
            "updated_at": func.now(),
        },
    ).returning(NotificationRow)
    rows = await session.scalars(statement, execution_options={"populate_existing": True})
    return {(row.user_id, row.kind, row.subject_id): row for row in rows.all()}


async def _count_actors(
    session: AsyncSession,
    rows: Mapping[Group, NotificationRow],
    groups: Mapping[Group, Sequence[News]],
) -> None:
    """Count those who are new in their notification, and put the latest in front."""
    acted = {
        rows[group].id: [one.actor_id for one in reversed(of) if one.actor_id is not None]
        for group, of in groups.items()
    }
    pairs = [(row_id, actor_id) for row_id, actors in acted.items() for actor_id in actors]
    if not pairs:
        return
    told = unnested(
        "told",
        notification_id=(Uuid(), [row_id for row_id, _ in pairs]),
        actor_id=(Uuid(), [actor_id for _, actor_id in pairs]),
    )
    statement = (
        insert(NotificationActorRow)
        .from_select(["notification_id", "actor_id"], select(told))
        .on_conflict_do_nothing()
        .returning(NotificationActorRow.notification_id)
    )
    added: defaultdict[UUID, int] = defaultdict(int)
    for notification_id in (await session.scalars(statement)).all():
        added[notification_id] += 1
    await session.execute(
        update(NotificationRow),
        [
            {
                "id": row.id,
                "actor_count": row.actor_count + added[row.id],
                "latest_actors": _latest(acted[row.id], row.latest_actors),
            }
            for row in rows.values()
            if acted[row.id]
        ],
    )


def _latest(now: Sequence[UUID], before: Sequence[UUID]) -> list[UUID]:
    return list(dict.fromkeys([*now, *before]))[:ACTORS_SHOWN]
