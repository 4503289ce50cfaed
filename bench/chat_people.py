"""The people of the chat benchmark: signed in, and in conversations of ten."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, text

from domain.conversations import ConversationKind, MemberRole
from domain.ids import new_id
from domain.roles import UserRole
from stack.ports import HOST
from stack.running import Stack
from storage.database import Database
from storage.tables import ConversationMemberRow, ConversationRow, SessionRow, UserRow
from storage.users.access_tokens import AccessTokens

MEMBERS: Final = 10
"""Of each conversation: half on one server, half on the other."""

_NODE_TABLES: Final = (
    "CREATE TABLE node_conversations (id uuid PRIMARY KEY, last_seq bigint DEFAULT 0 NOT NULL)",
    "CREATE TABLE node_messages (conversation_id uuid REFERENCES node_conversations, seq bigint,"
    " client_id text NOT NULL, text text NOT NULL, PRIMARY KEY (conversation_id, seq))",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Who one socket belongs to."""

    user_id: UUID
    conversation_id: UUID
    token: str


async def seat_people(base: Stack, sockets: int) -> list[Member]:
    """One person a socket, in a fresh database; the tables of the Node contender, too."""
    tokens = AccessTokens(
        base.settings["AUTH_SIGNING_KEYS"].split(","), lifetime=timedelta(hours=2)
    )
    database = Database(base.addresses.database)
    members: list[Member] = []
    conversations: list[dict[str, Any]] = []
    users, sessions = [], []
    for number in range(sockets):
        user_id, session_id = new_id(), new_id()
        users.append(_user(user_id, number))
        sessions.append(_session(session_id, user_id))
        if number % MEMBERS == 0:
            conversations.append(_conversation(new_id(), user_id))
        token = tokens.issue(user_id=user_id, session_id=session_id, role=UserRole.USER)
        conversation_id = conversations[-1]["id"]
        members.append(Member(user_id=user_id, conversation_id=conversation_id, token=token))
    try:
        async with database.transaction() as session:
            for statement in _NODE_TABLES:
                await session.execute(text(statement))
            await session.execute(insert(UserRow), users)
            await session.execute(insert(SessionRow), sessions)
            await session.execute(insert(ConversationRow), conversations)
            await session.execute(
                insert(ConversationMemberRow), [_membership(member) for member in members]
            )
            await session.execute(
                text("INSERT INTO node_conversations (id) SELECT id FROM conversations")
            )
    finally:
        await database.close()
    return members


def _user(user_id: UUID, number: int) -> dict[str, Any]:
    return {
        "id": user_id,
        "handle": f"person{number}",
        "display_name": f"Person {number}",
        "email": f"person{number}@example.org",
    }


def _session(session_id: UUID, user_id: UUID) -> dict[str, Any]:
    return {
        "id": session_id,
        "user_id": user_id,
        "device": "bench",
        "address": HOST,
        "expires_at": datetime.now(UTC) + timedelta(days=1),
    }


def _conversation(conversation_id: UUID, user_id: UUID) -> dict[str, Any]:
    return {
        "id": conversation_id,
        "kind": ConversationKind.GROUP,
        "title": "Bench",
        "created_by": user_id,
        "member_count": MEMBERS,
    }


def _membership(member: Member) -> dict[str, Any]:
    return {
        "conversation_id": member.conversation_id,
        "user_id": member.user_id,
        "role": MemberRole.MEMBER,
    }
