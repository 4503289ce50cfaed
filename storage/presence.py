"""Who is there: the sockets of people, over all processes that hold some."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, Uuid, case, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.conversations import Presence
from storage.tables import ConversationMemberRow, LastSeenRow, PresenceRow, SocketProcessRow
from storage.unnested import is_among, unnested


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Whether somebody is there, and since when not."""

    user_id: UUID
    state: Presence
    last_seen_at: datetime | None
    """Null while they are there, and when they never were."""


async def keep_alive(session: AsyncSession, process_id: UUID, lease: timedelta) -> None:
    """Say that the process is there; who is in it counts as gone when this was not said again."""
    statement = insert(SocketProcessRow).values(id=process_id, alive_until=func.now() + lease)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"alive_until": statement.excluded.alive_until}
        )
    )


async def put(
    session: AsyncSession,
    process_id: UUID,
    states: Mapping[UUID, Presence],
    *,
    only_news: bool = False,
) -> None:
    """What those people's sockets in the process say.

    With `only_news` what is known already is not written: cheaper for all of them at once, but it
    does not wait for who is removing one of them meanwhile.
    """
    people = sorted(states)
    said = unnested(
        "said", user_id=(Uuid(), people), state=(Text(), [states[one].value for one in people])
    )
    rows = select(said.c.user_id, literal(process_id, Uuid()), said.c.state)
    if only_news:
        known = select(PresenceRow.user_id).where(
            PresenceRow.user_id == said.c.user_id,
            PresenceRow.process_id == process_id,
            PresenceRow.state == said.c.state,
        )
        rows = rows.where(~known.exists())
    statement = insert(PresenceRow).from_select(["user_id", "process_id", "state"], rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id", "process_id"], set_={"state": statement.excluded.state}
        )
    )


async def remove(session: AsyncSession, process_id: UUID, user_ids: Collection[UUID]) -> None:
    """Those people's last sockets in the process went now."""
    await session.execute(
        delete(PresenceRow).where(
            PresenceRow.process_id == process_id, is_among(PresenceRow.user_id, user_ids)
        )
    )
    await _seen_now(session, user_ids)


async def bury(session: AsyncSession) -> Sequence[UUID]:
    """Forget processes that died without a word; the people who were in them."""
    dead = (
        select(SocketProcessRow.id)
        .where(SocketProcessRow.alive_until < func.now())
        .with_for_update(skip_locked=True)
    )
    process_ids = (await session.scalars(dead)).all()
    if not process_ids:
        return ()
    gone = await session.scalars(
        delete(PresenceRow)
        .where(PresenceRow.process_id.in_(process_ids))
        .returning(PresenceRow.user_id)
    )
    user_ids = sorted(set(gone))
    await session.execute(delete(SocketProcessRow).where(SocketProcessRow.id.in_(process_ids)))
    await _seen_now(session, user_ids)
    return user_ids


async def end(session: AsyncSession, process_id: UUID) -> Sequence[UUID]:
    """The process stops; the people whose sockets it held."""
    gone = await session.scalars(
        delete(PresenceRow)
        .where(PresenceRow.process_id == process_id)
        .returning(PresenceRow.user_id)
    )
    user_ids = sorted(gone)
    await session.execute(delete(SocketProcessRow).where(SocketProcessRow.id == process_id))
    await _seen_now(session, user_ids)
    return user_ids


async def look(session: AsyncSession, user_ids: Collection[UUID]) -> list[Seen]:
    """Whether those people are there."""
    best = func.max(case((PresenceRow.state == Presence.ONLINE, 2), else_=1))
    there = (
        select(PresenceRow.user_id, best)
        .join(SocketProcessRow, SocketProcessRow.id == PresenceRow.process_id)
        .where(is_among(PresenceRow.user_id, user_ids), SocketProcessRow.alive_until > func.now())
        .group_by(PresenceRow.user_id)
    )
    states = {row[0]: row[1] for row in await session.execute(there)}
    seen = select(LastSeenRow).where(is_among(LastSeenRow.user_id, user_ids))
    seen_at = {row.user_id: row.seen_at for row in await session.scalars(seen)}
    named = {None: Presence.OFFLINE, 1: Presence.AWAY, 2: Presence.ONLINE}
    return [
        Seen(
            user_id=user_id,
            state=named[states.get(user_id)],
            last_seen_at=None if user_id in states else seen_at.get(user_id),
        )
        for user_id in sorted(user_ids)
    ]


async def acquaintances(
    session: AsyncSession, user_id: UUID, others: Collection[UUID]
) -> set[UUID]:
    """Those of the others who are in a conversation with the user."""
    mine = select(literal(1)).where(
        ConversationMemberRow.user_id == user_id,
        ConversationMemberRow.left_at.is_(None),
    )
    theirs = ConversationMemberRow.__table__.alias("theirs")
    query = (
        select(theirs.c.user_id)
        .where(
            theirs.c.user_id.in_(others),
            theirs.c.left_at.is_(None),
            mine.where(ConversationMemberRow.conversation_id == theirs.c.conversation_id).exists(),
        )
        .distinct()
    )
    return set(await session.scalars(query))


async def _seen_now(session: AsyncSession, user_ids: Collection[UUID]) -> None:
    if not user_ids:
        return
    gone = unnested("gone", user_id=(Uuid(), sorted(user_ids)))
    statement = insert(LastSeenRow).from_select(
        ["user_id", "seen_at"], select(gone.c.user_id, func.now())
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id"], set_={"seen_at": statement.excluded.seen_at}
        )
    )
