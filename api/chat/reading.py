"""What is read of conversations: history, search, and what was missed."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from api.chat.problems import NoSuchConversation
from api.pagination import PageRequest
from storage import presence
from storage.chat import (
    catching_up,
    conversations,
    events,
    messages,
    reach,
    receipts,
    searching,
)
from storage.chat.catching_up import CaughtUp
from storage.chat.events import Changes
from storage.chat.messages import Message
from storage.database import Database
from storage.presence import Seen

CHANGES_AT_MOST: Final = 1000
"""Conversations told of at once; who has missed more reads the list anew."""


class ReadingService:
    """What members may read. Nothing is changed."""

    def __init__(self, database: Database) -> None:
        """Everything it reads is in that database."""
        self._database = database

    async def history(
        self, user_id: UUID, conversation_id: UUID, wanted: PageRequest
    ) -> list[Message]:
        """Messages since the user joined, newest first. Raises NoSuchConversation."""
        async with self._database.transaction() as session:
            member = await conversations.membership(session, conversation_id, user_id)
            if member is None:
                raise NoSuchConversation(conversation_id)
            return await messages.list_page(
                session,
                conversation_id,
                after_seq=member.joined_seq,
                before=wanted.before,
                limit=wanted.fetch,
            )

    async def search(
        self, user_id: UUID, words: str, conversation_id: UUID | None, wanted: PageRequest
    ) -> list[Message]:
        """Messages with the words, newest first, in one conversation or in all the user's."""
        async with self._database.transaction() as session:
            return await searching.search(
                session,
                user_id,
                words,
                conversation_id=conversation_id,
                before=wanted.before,
                limit=wanted.fetch,
            )

    async def events(
        self, user_id: UUID, conversation_id: UUID, *, after: int, limit: int
    ) -> CaughtUp:
        """What happened in one conversation. Raises NoSuchConversation."""
        found = await self.catch_up(user_id, {conversation_id: after}, limit=limit)
        if not found:
            raise NoSuchConversation(conversation_id)
        return found[0]

    async def catch_up(
        self, user_id: UUID, positions: Mapping[UUID, int], *, limit: int
    ) -> list[CaughtUp]:
        """What happened in those of the conversations that the user is in."""
        async with self._database.transaction() as session:
            return await catching_up.catch_up(session, user_id, positions, limit=limit)

    async def changes(self, user_id: UUID, cursor: int) -> Changes:
        """Which of the user's conversations changed since the cursor."""
        async with self._database.transaction() as session:
            return await events.changes_for(session, user_id, cursor, limit=CHANGES_AT_MOST)

    async def presence(self, user_id: UUID, others: Collection[UUID]) -> list[Seen]:
        """Whether those are there with whom the user shares a conversation, and no block."""
        async with self._database.transaction() as session:
            known = await presence.acquaintances(session, user_id, others)
            known -= await reach.blocks_between(session, user_id, known)
            return await presence.look(session, known)

    async def unread(self, user_id: UUID) -> tuple[int, int]:
        """(conversations, messages) that the user has not read."""
        async with self._database.transaction() as session:
            return await receipts.count_unread(session, user_id)
