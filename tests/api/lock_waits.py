"""Requests that are made to meet: they stand at a lock until a test lets them go on."""

import asyncio

from sqlalchemy import text

from storage.database import Database
from tests.patience import PATIENCE


async def waiting_for_a_lock(database: Database, wanted: int) -> None:
    """Returns once that many transactions of this test's database stand at the same lock."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.transaction() as session:
                found = await session.execute(
                    text(
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                )
                if found.scalar_one() == wanted:
                    return
            await asyncio.sleep(0.01)
