"""Refresh tokens: what is kept of them, rotation of keys, and what finds them."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from domain.ids import new_id
from storage.database import Database
from storage.tables import RefreshTokenRow
from storage.users import refresh_tokens, sessions, users
from storage.users.refresh_tokens import Exchange, RefreshTokens

KEY, OLD_KEY = "a" * 32, "b" * 32


def test_tokens_are_random_and_have_one_shape() -> None:
    tokens = RefreshTokens([KEY])
    made = {tokens.new() for _ in range(100)}
    assert len(made) == 100
    assert all(tokens.fingerprints(token) for token in made)
    assert all(tokens.fingerprints(tokens.successor(token)) for token in made)


def test_a_successor_follows_from_the_token_and_the_key_alone() -> None:
    token = RefreshTokens([KEY]).new()
    one, two = RefreshTokens([KEY]), RefreshTokens([KEY, OLD_KEY])
    assert one.successor(token) == two.successor(token) != token
    assert RefreshTokens([OLD_KEY]).successor(token) != one.successor(token)


def test_what_is_kept_says_nothing_without_the_key() -> None:
    token = RefreshTokens([KEY]).new()
    kept = RefreshTokens([KEY]).fingerprint(token)
    assert kept != RefreshTokens([OLD_KEY]).fingerprint(token)
    assert len(kept) == 32


def test_a_new_key_in_front_finds_what_the_old_one_kept() -> None:
    token = RefreshTokens([OLD_KEY]).new()
    kept = RefreshTokens([OLD_KEY]).fingerprint(token)
    assert kept in RefreshTokens([KEY, OLD_KEY]).fingerprints(token)
    assert kept not in RefreshTokens([KEY]).fingerprints(token)


@pytest.mark.parametrize("text", ["", "rt_", "rt_" + "x" * 42, "rt_" + "x" * 44, "x" * 46])
def test_what_has_another_shape_is_not_looked_for(text: str) -> None:
    assert RefreshTokens([KEY]).fingerprints(text) == []


async def test_a_session_survives_the_rotation_of_keys(database: Database) -> None:
    old, both = RefreshTokens([OLD_KEY]), RefreshTokens([KEY, OLD_KEY])
    token = old.new()
    async with database.transaction() as session:
        user = await users.create(
            session, handle="ada", display_name="Ada", email=None, password_hash=None
        )
        assert user is not None
        await sessions.begin(
            session,
            user.id,
            fingerprint=old.fingerprint(token),
            device="tests",
            address="127.0.0.1",
            lifetime=timedelta(days=1),
        )
    for _ in range(3):
        successor = both.successor(token)
        async with database.transaction() as session:
            refreshed = await refresh_tokens.exchange(
                session,
                both.fingerprints(token),
                successor=both.fingerprint(successor),
                address="127.0.0.1",
                lifetime=timedelta(days=1),
                grace=timedelta(seconds=10),
            )
        assert refreshed is not None
        assert refreshed.exchange is Exchange.ROTATED
        token = successor


async def test_a_token_is_found_by_its_index(database: Database) -> None:
    async with database.transaction() as session:
        user = await users.create(
            session, handle="ada", display_name="Ada", email=None, password_hash=None
        )
        assert user is not None
        session_id = await sessions.begin(
            session,
            user.id,
            fingerprint=b"first",
            device="tests",
            address="127.0.0.1",
            lifetime=timedelta(days=1),
        )
        rows = [{"fingerprint": new_id().bytes * 2, "session_id": session_id} for _ in range(5_000)]
        await session.execute(insert(RefreshTokenRow), rows)
        await session.execute(text("ANALYZE refresh_tokens"))
        plan = await session.execute(
            text("EXPLAIN SELECT session_id FROM refresh_tokens WHERE fingerprint IN ('a', 'b')")
        )
        told = "\n".join(row[0] for row in plan)
    assert "pk_refresh_tokens" in told
    assert "Seq Scan" not in told
