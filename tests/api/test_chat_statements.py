"""What conversations cost the database: few statements, and an index for each list."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import asyncpg
import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from storage.chat import events, members
from storage.database import Database
from tests.api.chats import Chat
from tests.api.conftest import NewPerson, Person
from tests.sent_statements import generic_plan

Statement = tuple[str, tuple[Any, ...]]

BY_INDEX = frozenset({"Index Scan", "Index Only Scan", "Bitmap Heap Scan"})
GROWING = frozenset(
    {"conversations", "conversation_members", "messages", "chat_events", "message_reactions"}
)

NEIGHBOURS = """
WITH people AS (
  INSERT INTO users (id, handle, display_name, email)
  SELECT gen_random_uuid(), 'neighbour' || n, 'Neighbour', 'neighbour' || n || '@example.org'
  FROM generate_series(1, 100) n RETURNING id
), rooms AS (
  INSERT INTO conversations (id, kind, title, created_by, member_count, last_seq)
  SELECT gen_random_uuid(), 'group', 'Neighbours', id, 2, 40 FROM people, generate_series(1, 4)
  RETURNING id, created_by
), members AS (
  INSERT INTO conversation_members (conversation_id, user_id, role)
  SELECT id, created_by, 'owner' FROM rooms
), said AS (
  INSERT INTO messages (id, conversation_id, seq, sender_id, client_id, text, changed_seq)
  SELECT gen_random_uuid(), id, n, created_by, n::text, 'bread number ' || n, n
  FROM rooms, generate_series(1, 40) n RETURNING id, conversation_id, seq, sender_id
), reacted AS (
  INSERT INTO message_reactions (message_id, emoji, user_id)
  SELECT id, '🥖', sender_id FROM said
)
INSERT INTO chat_events (conversation_id, seq, kind, actor_id, message_id)
SELECT conversation_id, seq, 'message_sent', sender_id, id FROM said
"""


@pytest.fixture
def chat(client: httpx.AsyncClient) -> Chat:
    """People talking."""
    return Chat(client)


@contextmanager
def statements_of(database: Database) -> Iterator[list[Statement]]:
    """Every statement that is sent to the database meanwhile."""
    sent: list[Statement] = []

    def note(
        connection: Connection,
        cursor: DBAPICursor,
        statement: str,
        parameters: tuple[Any, ...],
        context: ExecutionContext,
        executemany: bool,
    ) -> None:
        sent.append((statement, parameters))

    async def note_row(connection: asyncpg.Connection, statement: str, *parameters: Any) -> Any:
        sent.append((statement, parameters))
        return await fetchrow(connection, statement, *parameters)

    engine, fetchrow = database._engine.sync_engine, asyncpg.Connection.fetchrow
    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(asyncpg.Connection, "fetchrow", note_row):
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def cost(chat: Chat, database: Database, path: str, who: Person, **query: Any) -> int:
    """How many statements reading that takes, the session being known."""
    await chat.read("/unread", who)
    with statements_of(database) as sent:
        await chat.read(path, who, **query)
    return len(sent)


async def test_a_page_costs_the_same_however_much_is_on_it(
    chat: Chat, user: Person, other_user: Person, new_user: NewPerson, database: Database
) -> None:
    conversation = await chat.direct(user, other_user)
    first = await chat.send(user, conversation, "Bread")
    reaction = f"/conversations/{conversation}/messages/{first['id']}/reactions/👍"
    await chat.ask("PUT", reaction, other_user)
    paths = {
        "/conversations": 5,  # the list, last messages, reactions, the others
        f"/conversations/{conversation}/messages": 4,
        f"/conversations/{conversation}/events": 5,
        f"/conversations/{conversation}/members": 3,
        "/changes": 3,
        "/unread": 2,
    }
    few = {path: await cost(chat, database, path, user) for path in paths}
    for number in range(10):
        there = await chat.direct(user, await new_user(f"person{number}"))
        for one in (there, conversation):
            sent = await chat.send(user, one, "Bread")
            await chat.ask("PUT", f"/conversations/{one}/messages/{sent['id']}/reactions/👍", user)
    many = {path: await cost(chat, database, path, user) for path in paths}
    assert many == few
    assert all(few[path] <= most for path, most in paths.items()), few


async def test_sending_is_one_statement_and_waits_for_nothing_else(
    chat: Chat, user: Person, other_user: Person, database: Database
) -> None:
    conversation = await chat.direct(user, other_user)
    await chat.send(user, conversation, "One")
    with statements_of(database) as sent:
        await chat.send(user, conversation, "Two")
    assert len(sent) == 1, "the message with all that goes with it, the notification too"


async def test_sending_reads_thousands_of_rows_by_an_index(
    chat: Chat, user: Person, database: Database, explainer: asyncpg.Connection, full: str
) -> None:
    with statements_of(database) as sent:
        await chat.send(user, full, "Ours")
    ((statement, parameters),) = sent
    plan = await explainer.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
    for known in (json.loads(plan)[0]["Plan"], await generic_plan(explainer, sent[0])):
        read = {(how, table) for how, table in scans(known) if table in GROWING}
        assert {table for how, table in read if how in BY_INDEX} >= {"conversations", "messages"}
        assert "Seq Scan" not in {how for how, _ in read}, read


@pytest.fixture
async def explainer(database_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that asks for plans."""
    connection = await asyncpg.connect(database_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def full(chat: Chat, user: Person, other_user: Person, database: Database) -> str:
    """A conversation among thousands of others."""
    conversation = await chat.direct(user, other_user)
    sent = await chat.send(other_user, conversation, "Our bread")
    await chat.ask("PUT", f"/conversations/{conversation}/messages/{sent['id']}/reactions/👍", user)
    async with database.transaction() as session:
        await session.execute(text(NEIGHBOURS))
        await session.execute(text("ANALYZE"))
    return conversation


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How each table of a plan is read."""
    if "Relation Name" in plan:
        yield plan["Node Type"], plan["Relation Name"]
    for inner in plan.get("Plans", []):
        yield from scans(inner)


async def read_by(explainer: asyncpg.Connection, sent: list[Statement]) -> set[tuple[str, str]]:
    """How the statements read the tables that grow with what is said."""
    found: set[tuple[str, str]] = set()
    for statement, parameters in sent:
        if statement.startswith("SELECT"):
            plan = await explainer.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
            found |= set(scans(json.loads(plan)[0]["Plan"]))
    return {(how, table) for how, table in found if table in GROWING}


async def test_every_list_reads_thousands_of_rows_by_an_index(
    chat: Chat, user: Person, database: Database, explainer: asyncpg.Connection, full: str
) -> None:
    for path, query in (
        ("/conversations", {}),
        (f"/conversations/{full}", {}),
        (f"/conversations/{full}/messages", {}),
        (f"/conversations/{full}/members", {}),
        (f"/conversations/{full}/events", {}),
        ("/changes", {}),
        ("/search", {"q": "bread"}),
        ("/search", {"q": "bread", "conversation_id": full}),
        ("/unread", {}),
        ("/presence", {"user_ids": [str(user.user_id)]}),
    ):
        with statements_of(database) as sent:
            await chat.read(path, user, **query)
        read = await read_by(explainer, sent)
        assert read, path
        assert {how for how, _ in read} <= BY_INDEX, (path, query, read)


async def test_what_sockets_missed_is_found_by_an_index(
    user: Person, database: Database, explainer: asyncpg.Connection, full: str
) -> None:
    async with database.transaction() as session:
        cursor = await events.read_cursor(session)
    with statements_of(database) as sent:
        async with database.transaction() as session:
            await events.changed_since(session, cursor, limit=100)
            await members.moves_since(session, cursor, [user.user_id])
            await members.conversation_ids(session, user.user_id, limit=100)
    read = await read_by(explainer, sent)
    assert {table for _, table in read} == {"conversations", "conversation_members"}
    assert {how for how, _ in read} <= BY_INDEX, read
