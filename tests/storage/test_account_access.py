"""Accounts under many workers: one refreshes, nothing good is overwritten, broken is said once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, update

from domain.networks import Network
from runtime.resources import Resources
from storage.account_access import REFRESH_LEASE, AccountStore, FreshCredentials
from storage.database import Database
from storage.tables import AccountRow
from tests.activities.written_posts import Author
from tests.conftest import Tenant

FRESH = FreshCredentials(credentials=b"fresh", expires_at=datetime(2027, 1, 1, tzinfo=UTC))


@pytest.fixture
def store(database: Database) -> AccountStore:
    """What workers use."""
    return AccountStore(database)


@pytest.fixture
async def account_id(database: Database, workspace: Tenant, resources: Resources) -> UUID:
    """A connected account; its credentials are of version 1."""
    author = Author(database, workspace.id, resources.vault)
    return (await author.connect(Network.X)).account_id


async def test_of_two_who_would_refresh_one_does(store: AccountStore, account_id: UUID) -> None:
    won = await asyncio.gather(*(store.begin_refresh(account_id, 1) for _ in range(4)))
    assert sorted(won) == [False, False, False, True]


async def test_fresh_credentials_count_up_the_version(
    store: AccountStore, account_id: UUID
) -> None:
    assert await store.begin_refresh(account_id, 1)
    await store.finish_refresh(account_id, 1, FRESH)
    account = await store.read(account_id)
    assert (account.credentials, account.credentials_version) == (b"fresh", 2)
    assert not await store.begin_refresh(account_id, 1)
    assert await store.begin_refresh(account_id, 2)


async def test_a_refresh_that_failed_lets_the_next_one_try(
    store: AccountStore, account_id: UUID
) -> None:
    before = await store.read(account_id)
    assert await store.begin_refresh(account_id, 1)
    await store.finish_refresh(account_id, 1, None)
    assert await store.read(account_id) == before
    assert await store.begin_refresh(account_id, 1)


async def test_a_refresh_never_writes_over_newer_credentials(
    store: AccountStore, account_id: UUID, database: Database
) -> None:
    assert await store.begin_refresh(account_id, 1)
    async with database.transaction() as session:
        await session.execute(
            update(AccountRow).values(credentials=b"connected anew", credentials_version=2)
        )
    await store.finish_refresh(account_id, 1, FRESH)
    account = await store.read(account_id)
    assert (account.credentials, account.credentials_version) == (b"connected anew", 2)


async def test_a_refresh_whose_worker_died_is_taken_over(
    store: AccountStore, account_id: UUID, database: Database
) -> None:
    assert await store.begin_refresh(account_id, 1)
    for gone, is_free in ((REFRESH_LEASE - timedelta(seconds=5), False), (REFRESH_LEASE, True)):
        async with database.transaction() as session:
            lease = func.now() + REFRESH_LEASE - gone
            await session.execute(update(AccountRow).values(refresh_lease_until=lease))
        assert await store.begin_refresh(account_id, 1) is is_free


async def test_a_broken_account_says_why(
    store: AccountStore, account_id: UUID, database: Database
) -> None:
    await store.mark(account_id, "reconnect", "The app was removed.")
    await store.mark(account_id, "blocked", "A later one.")
    async with database.transaction() as session:
        row = await session.get(AccountRow, account_id)
    assert row is not None
    assert (row.status, row.status_reason) == ("reconnect", "The app was removed.")
    assert (await store.read(account_id)).status == "reconnect"


async def test_an_account_that_its_user_took_away_stays_away(
    store: AccountStore, account_id: UUID, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(update(AccountRow).values(status="disconnected"))
    await store.mark(account_id, "reconnect", "Too late to matter.")
    assert (await store.read(account_id)).status == "disconnected"
