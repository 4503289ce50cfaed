"""Who is there, said again and again by each process for all of its sockets."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.conversations import Presence
from domain.ids import new_id
from storage import presence
from storage.database import Database
from storage.users import users
from tests.sent_statements import sent_to

LEASE = timedelta(minutes=1)


async def people(database: Database, number: int) -> list[UUID]:
    made = []
    async with database.transaction() as session:
        for index in range(number):
            user = await users.create(
                session,
                handle=f"ada{index}",
                display_name="Ada",
                email=f"ada{index}@example.org",
                password_hash="x",
            )
            assert user is not None
            made.append(user.id)
    return made


@pytest.fixture
async def process_id(database: Database) -> UUID:
    made = new_id()
    async with database.transaction() as session:
        await presence.keep_alive(session, made, LEASE)
    return made


async def put(database: Database, process_id: UUID, states: Mapping[UUID, Presence]) -> None:
    async with database.transaction() as session:
        await presence.put(session, process_id, states, only_news=True)


async def writes(database: Database) -> dict[UUID, int]:
    """Which transaction wrote or locked the presence of each last."""
    query = text("SELECT user_id, greatest(xmin::text::bigint, xmax::text::bigint) FROM presence")
    async with database.transaction() as session:
        return {row[0]: row[1] for row in await session.execute(query)}


async def states_of(database: Database, user_ids: list[UUID]) -> list[Presence]:
    async with database.transaction() as session:
        seen = {one.user_id: one.state for one in await presence.look(session, user_ids)}
    return [seen[user_id] for user_id in user_ids]


async def test_what_is_said_again_is_not_written_again(
    database: Database, process_id: UUID
) -> None:
    ada, grace = await people(database, 2)
    said = {ada: Presence.ONLINE, grace: Presence.ONLINE}
    await put(database, process_id, said)
    before = await writes(database)
    await put(database, process_id, said)
    assert await writes(database) == before
    await put(database, process_id, said | {grace: Presence.AWAY})
    after = await writes(database)
    assert after[ada] == before[ada]
    assert after[grace] > before[grace]
    assert await states_of(database, [ada, grace]) == [Presence.ONLINE, Presence.AWAY]


async def test_what_somebody_removed_is_said_again(database: Database, process_id: UUID) -> None:
    ada, grace = await people(database, 2)
    said = {ada: Presence.ONLINE, grace: Presence.AWAY}
    await put(database, process_id, said)
    async with database.transaction() as session:
        await presence.remove(session, process_id, [ada])
    assert await states_of(database, [ada, grace]) == [Presence.OFFLINE, Presence.AWAY]
    await put(database, process_id, said)
    assert await states_of(database, [ada, grace]) == [Presence.ONLINE, Presence.AWAY]


async def test_a_crowd_is_one_statement_of_the_same_shape(
    database: Database, process_id: UUID
) -> None:
    """A shape of its own would be compiled anew for each size, which holds up every socket."""
    crowd = await people(database, 30)
    shapes = []
    for number in (2, 30):
        said = dict.fromkeys(crowd[:number], Presence.ONLINE)
        with sent_to(database) as sent:
            await put(database, process_id, said)
            async with database.transaction() as session:
                await presence.look(session, list(said))
                await presence.remove(session, process_id, list(said))
        shapes.append([statement for statement, _ in sent])
    assert shapes[0] == shapes[1]
