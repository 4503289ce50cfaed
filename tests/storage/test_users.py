"""Users: unique names, suspension, passwords that are kept."""

import asyncio
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from domain.roles import UserRole
from storage.database import Database
from storage.users import sessions, users
from storage.users.passwords import Passwords
from storage.users.users import User
from tests.patience import PATIENCE


async def create(database: Database, handle: str = "ada", email: str | None = None) -> User | None:
    async with database.transaction() as session:
        return await users.create(
            session,
            handle=handle,
            display_name="Ada",
            email=email or f"{handle.lower()}@example.org",
            password_hash="x",
        )


async def test_a_user_is_found_by_handle_in_any_case_and_by_address(database: Database) -> None:
    made = await create(database, "Ada_L")
    assert made is not None
    assert made.role is UserRole.USER
    async with database.transaction() as session:
        assert await users.find(session, made.id) == made
        assert await users.find_by_handle(session, "aDA_l") == made
        assert await users.find_by_email(session, "ada_l@example.org") == made
        assert await users.find_by_handle(session, "grace") is None


async def test_of_two_that_want_a_name_at_once_one_gets_it(database: Database) -> None:
    made = await asyncio.gather(*(create(database, name) for name in ("ada", "ADA", "Ada")))
    assert len([user for user in made if user is not None]) == 1


async def test_pages_have_no_address_and_there_may_be_many(database: Database) -> None:
    async with database.transaction() as session:
        for handle in ("bakery", "mill"):
            assert await users.create(
                session, handle=handle, display_name=handle, email=None, password_hash=None
            )


async def test_what_is_taken_is_told_apart(database: Database) -> None:
    await create(database, "ada")
    async with database.transaction() as session:
        for handle, email, expected in (
            ("ADA", "other@example.org", (True, False)),
            ("other", "ada@example.org", (False, True)),
            ("ada", "ada@example.org", (True, True)),
            ("other", "other@example.org", (False, False)),
        ):
            assert await users.taken(session, handle=handle, email=email) == expected


async def test_a_suspension_ends_every_session_and_keeps_its_first_moment(
    database: Database,
) -> None:
    made = await create(database)
    assert made is not None
    async with database.transaction() as session:
        for number in range(2):
            await sessions.begin(
                session,
                made.id,
                fingerprint=bytes([number]),
                device="tests",
                address="127.0.0.1",
                lifetime=timedelta(days=1),
            )
    moments = []
    for reason in ("spam", "spam, again"):
        async with database.transaction() as session:
            assert await users.suspend(session, made.id, reason=reason)
            found = await users.find(session, made.id)
            assert found is not None
            assert found.suspension_reason == reason
            moments.append(found.suspended_at)
            assert await sessions.list_open(session, made.id, before=None, limit=10) == []
    assert moments[0] is not None
    assert moments[0] == moments[1]
    async with database.transaction() as session:
        assert await users.restore(session, made.id)
        restored = await users.find(session, made.id)
    assert restored is not None
    assert (restored.suspended_at, restored.suspension_reason) == (None, None)


async def test_nobody_can_be_neither_suspended_nor_restored(database: Database) -> None:
    async with database.transaction() as session:
        assert not await users.suspend(session, uuid4(), reason="spam")
        assert not await users.restore(session, uuid4())


@pytest.fixture
def passwords() -> Passwords:
    """Cheap ones, two at once."""
    return Passwords(memory_kib=8, passes=1, at_once=2)


async def test_a_password_fits_its_own_hash_alone(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse")
    assert kept != await passwords.hash("correct horse"), "each has its own salt"
    assert await passwords.fits(kept, "correct horse")
    assert not await passwords.fits(kept, "correct horse ")
    assert not await passwords.fits(None, "correct horse")
    assert not await passwords.fits("no hash at all", "correct horse")
    assert not passwords.is_outdated(kept)
    assert Passwords(memory_kib=16, passes=1, at_once=1).is_outdated(kept)


async def test_hashing_leaves_the_loop_free_and_is_bounded(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop_thread, under_way, most = threading.get_ident(), 0, 0
    lock, together = threading.Lock(), threading.Barrier(2, timeout=PATIENCE)

    def hash_slowly(_: object, password: str) -> str:
        nonlocal under_way, most
        assert threading.get_ident() != loop_thread
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait()
        with lock:
            under_way -= 1
        return password

    monkeypatch.setattr(PasswordHasher, "hash", hash_slowly)
    assert await asyncio.gather(*(passwords.hash(str(n)) for n in range(6))) == list("012345")
    assert most == 2
