"""How large PostgreSQL's tables are, and how long it takes to commit."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import asyncpg

SIZES = """
SELECT relname AS name, pg_table_size(oid) AS rows, pg_indexes_size(oid) AS indexes
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
COMMITS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSize:
    """Bytes on the disk, with what is dead in them."""

    rows: int
    indexes: int

    @property
    def whole(self) -> int:
        """Both."""
        return self.rows + self.indexes

    def __sub__(self, before: "TableSize") -> "TableSize":
        return TableSize(rows=self.rows - before.rows, indexes=self.indexes - before.indexes)


async def table_sizes(database_url: str) -> Mapping[str, TableSize]:
    """Of every table of ours, by name."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        return {
            row["name"]: TableSize(rows=row["rows"], indexes=row["indexes"])
            for row in await pool.fetch(SIZES)
        }


async def pack(database_url: str) -> None:
    """Write every table anew, without what is dead."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await pool.execute("VACUUM (FULL)")


async def written_bytes(database_url: str) -> int:
    """Of the write-ahead log, since the database was made."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        return int(await pool.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))


async def commit_ms(database_url: str) -> float:
    """The median of transactions that change one row, one after the other."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await pool.execute("CREATE TABLE commits AS SELECT 0 AS number")
        took = []
        for _ in range(COMMITS):
            began = time.perf_counter()
            await pool.execute("UPDATE commits SET number = number + 1")
            took.append((time.perf_counter() - began) * 1000)
        await pool.execute("DROP TABLE commits")
    return median(took)
