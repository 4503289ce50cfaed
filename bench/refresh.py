"""What finding a refresh token costs: by its HMAC fingerprint, and by a slow hash beside it.

Both read the row by its index from a real PostgreSQL that holds many tokens. The slow way then
verifies argon2id at the cost that passwords have, as is done where refresh tokens are kept like
passwords. One at a time, in one process, in turns, so that a busy machine is busy for both.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Final
from uuid import UUID

from sqlalchemy import insert

from bench.machine import facts
from bench.results import bench_folder, keep
from domain.ids import new_id
from runtime.settings import Settings
from stack.errors import StackError
from stack.ports import Ports
from stack.running import running_stack
from storage.database import Database
from storage.tables import RefreshTokenRow
from storage.users import refresh_tokens, sessions, users
from storage.users.passwords import Passwords
from storage.users.refresh_tokens import RefreshTokens

TOKENS: Final = 50_000
ROUNDS: Final = 5
ROUND_SECONDS: Final = 1.0

Look = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Looked up in a second, one after another."""

    hmac: float
    argon2: float

    @property
    def ratio(self) -> float:
        """How many times as fast."""
        return self.hmac / self.argon2


async def measure(database: Database, passwords: Passwords) -> Figures:
    """Fill the table, then look tokens up in both ways."""
    tokens = RefreshTokens([secrets.token_urlsafe(32)])
    presented = [tokens.new() for _ in range(TOKENS)]
    await _fill(database, [tokens.fingerprint(token) for token in presented])
    slow_hash = await passwords.hash(presented[0])

    async def by_hmac() -> None:
        await _find(database, tokens.fingerprints(secrets.choice(presented)))

    async def by_argon2() -> None:
        await _find(database, tokens.fingerprints(presented[0]))
        if not await passwords.fits(slow_hash, presented[0]):
            raise RuntimeError("the hash does not fit its own token")

    rates = [(await _per_second(by_hmac), await _per_second(by_argon2)) for _ in range(ROUNDS)]
    return Figures(hmac=median(rate for rate, _ in rates), argon2=median(rate for _, rate in rates))


async def _fill(database: Database, fingerprints: list[bytes]) -> None:
    async with database.transaction() as session:
        user = await users.create(
            session, handle="bench", display_name="Bench", email=None, password_hash=None
        )
        if user is None:
            raise RuntimeError("the database is not a fresh one")
        session_id: UUID = await sessions.begin(
            session,
            user.id,
            fingerprint=new_id().bytes,
            device="bench",
            address="127.0.0.1",
            lifetime=timedelta(days=1),
        )
    for start in range(0, len(fingerprints), 5_000):
        rows = [
            {"fingerprint": fingerprint, "session_id": session_id}
            for fingerprint in fingerprints[start : start + 5_000]
        ]
        async with database.transaction() as session:
            await session.execute(insert(RefreshTokenRow), rows)


async def _find(database: Database, fingerprints: list[bytes]) -> None:
    async with database.transaction() as session:
        if await refresh_tokens.find_user(session, fingerprints) is None:
            raise RuntimeError("a token that was kept was not found")


async def _per_second(look: Look) -> float:
    began, looked = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < ROUND_SECONDS:
        await look()
        looked += 1
    return looked / elapsed


async def run() -> int:
    """Start PostgreSQL, measure, keep and print."""
    costs = Settings.model_fields
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(bench_folder())
        running = await stack.enter_async_context(
            running_stack(folder / "home", Ports.free(), only={"postgres", "migrations"})
        )
        database = Database(running.addresses.database, pool_size=1)
        stack.push_async_callback(database.close)
        passwords = Passwords(
            memory_kib=costs["password_hash_memory_kib"].default,
            passes=costs["password_hash_passes"].default,
            at_once=1,
        )
        stack.callback(passwords.close)
        machine = facts()
        figures = await measure(database, passwords)
    keep(
        "refresh",
        {
            "machine": machine,
            "tokens": TOKENS,
            "hmac_per_second": round(figures.hmac, 1),
            "argon2_per_second": round(figures.argon2, 1),
            "ratio": round(figures.ratio, 1),
        },
    )
    print(
        f"refresh: hmac={figures.hmac:.0f}/s argon2={figures.argon2:.0f}/s"
        f" ratio={figures.ratio:.1f}"
    )
    return 0


def main() -> int:
    """1 when the stack does not start."""
    try:
        return asyncio.run(run())
    except StackError as error:
        print(f"bench-refresh: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
