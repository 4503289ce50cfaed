"""Who may do something in a conversation."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.chat.problems import NoSuchConversation, NotReachable
from storage.chat import conversations
from storage.chat.conversations import Membership


async def member(session: AsyncSession, user_id: UUID, conversation_id: UUID) -> Membership:
    """Who reads there. Raises NoSuchConversation."""
    found = await conversations.membership(session, conversation_id, user_id)
    if found is None:
        raise NoSuchConversation(conversation_id)
    return found


async def holder(session: AsyncSession, user_id: UUID, conversation_id: UUID) -> Membership:
    """Who changes something there; nobody else does until the transaction ends.

    Raises NoSuchConversation.
    """
    found = await conversations.lock(session, conversation_id, user_id)
    if found is None:
        raise NoSuchConversation(conversation_id)
    return found


async def writer(session: AsyncSession, user_id: UUID, conversation_id: UUID) -> Membership:
    """The same, of somebody who may say something. Raises NoSuchConversation, NotReachable."""
    found = await holder(session, user_id, conversation_id)
    if found.blocked:
        raise NotReachable
    return found
