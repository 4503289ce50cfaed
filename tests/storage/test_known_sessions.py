"""Which sessions count, in every process, with the database asked seldom."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from runtime.settings import Settings
from storage.database import Database
from storage.users import sessions, users
from storage.users.known_sessions import KnownSessions, SessionChange
from storage.users.sessions import EndReason, SessionOwner
from tests.patience import PATIENCE

Holds = Callable[[], Awaitable[bool]]


async def until(holds: Holds) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.005)


@pytest.fixture
async def ada(database: Database) -> tuple[UUID, UUID]:
    """A user and a session of theirs."""
    async with database.transaction() as session:
        user = await users.create(
            session, handle="ada", display_name="Ada", email="ada@example.org", password_hash="x"
        )
        assert user is not None
        session_id = await sessions.begin(
            session,
            user.id,
            fingerprint=b"1",
            device="tests",
            address="127.0.0.1",
            lifetime=timedelta(days=1),
        )
    return user.id, session_id


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Which sessions were read from the database."""
    read: list[UUID] = []
    find_owner = sessions.find_owner

    async def noted(session: object, user_id: UUID, session_id: UUID) -> SessionOwner | None:
        read.append(session_id)
        return await find_owner(session, user_id, session_id)  # type: ignore[arg-type]

    monkeypatch.setattr(sessions, "find_owner", noted)
    return read


@pytest.fixture
async def processes(
    settings: Settings, database: Database
) -> AsyncIterator[tuple[KnownSessions, KnownSessions]]:
    """What two API processes know; `database` is that of the first."""
    url = str(settings.database_url)
    other = Database(url)
    one, two = (KnownSessions(of, database_url=url) for of in (database, other))
    yield one, two
    await one.close()
    await two.close()
    await other.close()


async def remembered(known: KnownSessions, whose: tuple[UUID, UUID], reads: list[UUID]) -> None:
    """Ask until the answer comes from memory."""

    async def from_memory() -> bool:
        before = len(reads)
        owner = await known.find(*whose)
        assert owner is not None
        return len(reads) == before

    await until(from_memory)


async def test_a_session_is_read_once_and_then_remembered(
    processes: tuple[KnownSessions, KnownSessions], ada: tuple[UUID, UUID], reads: list[UUID]
) -> None:
    await remembered(processes[0], ada, reads)
    before = len(reads)
    for _ in range(50):
        owner = await processes[0].find(*ada)
        assert owner is not None
        assert (owner.handle, owner.ended, owner.suspended) == ("ada", False, False)
    assert len(reads) == before


async def test_what_ends_a_session_is_heard_in_every_process(
    processes: tuple[KnownSessions, KnownSessions],
    ada: tuple[UUID, UUID],
    reads: list[UUID],
    database: Database,
) -> None:
    for each in processes:
        await remembered(each, ada, reads)
    async with database.transaction() as session:
        assert await sessions.end(session, *ada, reason=EndReason.LOGOUT)

    async def ended_everywhere() -> bool:
        owners = [await each.find(*ada) for each in processes]
        return all(owner is not None and owner.ended for owner in owners)

    await until(ended_everywhere)


async def test_what_this_process_commits_counts_at_once(
    processes: tuple[KnownSessions, KnownSessions],
    ada: tuple[UUID, UUID],
    reads: list[UUID],
    database: Database,
) -> None:
    here = processes[0]
    await remembered(here, ada, reads)

    async def suspend(*, then: type[Exception] | None = None) -> None:
        async with database.transaction() as session:
            await users.suspend(session, ada[0], reason="spam")
            if then is not None:
                raise then

    with pytest.raises(LookupError):
        await suspend(then=LookupError)
    assert here.remembered(*ada), "what is undone is told to nobody"
    await suspend()
    assert here.remembered(*ada) is None, "before anything is heard from PostgreSQL"


async def test_a_suspension_is_heard_in_every_process_and_by_watchers(
    processes: tuple[KnownSessions, KnownSessions],
    ada: tuple[UUID, UUID],
    reads: list[UUID],
    database: Database,
) -> None:
    told: list[SessionChange] = []
    processes[1].watch(told.append)
    for each in processes:
        await remembered(each, ada, reads)
    async with database.transaction() as session:
        assert await users.suspend(session, ada[0], reason="spam")

    async def suspended_everywhere() -> bool:
        owners = [await each.find(*ada) for each in processes]
        return all(owner is not None and owner.suspended for owner in owners)

    await until(suspended_everywhere)
    assert SessionChange(user_id=ada[0], session_id=None) in told


async def test_without_a_connection_that_listens_nothing_is_remembered(
    database: Database, ada: tuple[UUID, UUID], reads: list[UUID]
) -> None:
    deaf = KnownSessions(database, database_url="postgresql://nobody@127.0.0.1:9/nothing")
    try:
        for _ in range(3):
            assert await deaf.find(*ada)
        assert len(reads) == 3
        async with database.transaction() as session:
            await sessions.end(session, *ada, reason=EndReason.LOGOUT)
        owner = await deaf.find(*ada)
        assert owner is not None
        assert owner.ended
    finally:
        await deaf.close()


async def test_a_change_that_is_told_while_a_session_is_read_is_not_overwritten(
    processes: tuple[KnownSessions, KnownSessions],
    ada: tuple[UUID, UUID],
    reads: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = processes[0]
    await remembered(known, ada, reads)
    known.changed(SessionChange(user_id=ada[0], session_id=None))
    find_owner = sessions.find_owner

    async def overtaken(session: object, user_id: UUID, session_id: UUID) -> SessionOwner | None:
        owner = await find_owner(session, user_id, session_id)  # type: ignore[arg-type]
        known.changed(SessionChange(user_id=user_id, session_id=session_id))
        return owner

    with monkeypatch.context() as patched:
        patched.setattr(sessions, "find_owner", overtaken)
        assert await known.find(*ada)
    before = len(reads)
    assert await known.find(*ada)
    assert len(reads) == before + 1


async def test_nobody_has_another_users_session(
    processes: tuple[KnownSessions, KnownSessions], ada: tuple[UUID, UUID], reads: list[UUID]
) -> None:
    await remembered(processes[0], ada, reads)
    assert await processes[0].find(uuid4(), ada[1]) is None
    assert await processes[0].find(ada[0], uuid4()) is None
