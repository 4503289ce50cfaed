"""Conversations: begun, named, joined and left."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.chat.problems import (
    NoGroup,
    NoSuchConversation,
    NotReachable,
    NotYours,
    TooManyMembers,
    cannot_be_added,
)
from api.chat.telling import Telling
from api.idempotency import Once, claim_id
from api.problems import NotFound
from domain.conversations import (
    MEMBERS_AT_MOST,
    ChatEventKind,
    ConversationKind,
    MemberRole,
)
from storage.chat import conversations, events, listing, members, reach
from storage.chat.conversations import Membership
from storage.chat.listing import Conversation, ListCursor
from storage.chat.members import Member
from storage.database import Database


class ConversationService:
    """What people do with conversations. Each act is one transaction, and is told after it."""

    def __init__(self, database: Database, telling: Telling) -> None:
        """`telling` reaches sockets."""
        self._database = database
        self._telling = telling

    async def open_direct(self, user_id: UUID, other_id: UUID) -> tuple[Conversation, bool]:
        """The direct conversation with somebody, and whether it is new. Raises NotReachable."""
        async with self._database.transaction() as session:
            if user_id == other_id or await self._unreachable(session, user_id, [other_id]):
                raise NotReachable
            conversation_id, new = await conversations.open_direct(session, user_id, other_id)
            opened = await self._listed(session, user_id, conversation_id)
        if new:
            await self._telling.joined(conversation_id, [user_id, other_id])
        return opened, new

    async def create_group(
        self, user_id: UUID, title: str, user_ids: Sequence[UUID], once: Once | None
    ) -> Conversation:
        """A group that the user owns, or the one that was made with the key before.

        Raises InvalidRequest, TooManyMembers, IdempotencyKeyReused; NoSuchConversation when the
        user has left that one.
        """
        others = list(dict.fromkeys(one for one in user_ids if one != user_id))
        async with self._database.transaction() as session:
            conversation_id, new = await claim_id(session, user_id, once)
            if not new:
                return await self._listed(session, user_id, conversation_id)
            await self._require_reachable(session, user_id, user_ids, others)
            await conversations.create_group(
                session, conversation_id, user_id, title=title, user_ids=others
            )
            await events.append(
                session,
                conversation_id,
                ChatEventKind.MEMBERS_ADDED,
                actor_id=user_id,
                details={"user_ids": [str(one) for one in [user_id, *others]]},
            )
            created = await self._listed(session, user_id, conversation_id)
        await self._telling.joined(conversation_id, [user_id, *others])
        return created

    async def read(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        """One of the user's conversations. Raises NoSuchConversation."""
        async with self._database.transaction() as session:
            return await self._listed(session, user_id, conversation_id)

    async def list_page(
        self, user_id: UUID, *, before: ListCursor | None, limit: int
    ) -> list[Conversation]:
        """The user's conversations, last message first."""
        async with self._database.transaction() as session:
            return await listing.list_page(session, user_id, before=before, limit=limit)

    async def list_members(
        self, user_id: UUID, conversation_id: UUID, *, after: UUID | None, limit: int
    ) -> list[Member]:
        """Who is in it. Raises NoSuchConversation."""
        async with self._database.transaction() as session:
            if await conversations.membership(session, conversation_id, user_id) is None:
                raise NoSuchConversation(conversation_id)
            return await members.list_members(session, conversation_id, after=after, limit=limit)

    async def rename(self, user_id: UUID, conversation_id: UUID, title: str) -> Conversation:
        """Name a group. Raises NoSuchConversation, NoGroup, NotYours."""
        async with self._database.transaction() as session:
            member = await self._owner(session, user_id, conversation_id)
            if member.title == title:
                return await self._listed(session, user_id, conversation_id)
            await conversations.rename(session, conversation_id, title)
            event = await events.append(
                session,
                conversation_id,
                ChatEventKind.RENAMED,
                actor_id=user_id,
                details={"title": title},
            )
            renamed = await self._listed(session, user_id, conversation_id)
        await self._telling.event(event)
        return renamed

    async def add_members(
        self, user_id: UUID, conversation_id: UUID, user_ids: Sequence[UUID]
    ) -> Conversation:
        """Let people into a group; who is in it already stays.

        Raises NoSuchConversation, NoGroup, NotYours, TooManyMembers, InvalidRequest.
        """
        async with self._database.transaction() as session:
            member = await self._owner(session, user_id, conversation_id)
            there = set(await members.member_ids(session, conversation_id))
            new = [one for one in dict.fromkeys(user_ids) if one not in there]
            if not new:
                return await self._listed(session, user_id, conversation_id)
            if member.member_count + len(new) > MEMBERS_AT_MOST:
                raise TooManyMembers(MEMBERS_AT_MOST, member.member_count + len(new))
            await self._require_reachable(session, user_id, user_ids, new)
            event = await events.append(
                session,
                conversation_id,
                ChatEventKind.MEMBERS_ADDED,
                actor_id=user_id,
                details={"user_ids": [str(one) for one in new]},
            )
            await members.add_members(session, conversation_id, new, seq=event.seq)
            changed = await self._listed(session, user_id, conversation_id)
        await self._telling.joined(conversation_id, new)
        await self._telling.event(event)
        return changed

    async def remove_member(self, user_id: UUID, conversation_id: UUID, leaving: UUID) -> None:
        """Leave a group, or as its owner put somebody out.

        Raises NoSuchConversation, NoGroup, NotYours, NotFound.
        """
        async with self._database.transaction() as session:
            member = await self._of_group(session, user_id, conversation_id)
            if leaving != user_id:
                if member.role is not MemberRole.OWNER:
                    raise NotYours("Only an owner of the group may put others out.")
                if await conversations.membership(session, conversation_id, leaving) is None:
                    raise NotFound("member", leaving, place="in this conversation")
            event = await events.append(
                session,
                conversation_id,
                ChatEventKind.MEMBER_LEFT,
                actor_id=user_id,
                details={"user_ids": [str(leaving)]},
            )
            await members.remove_member(session, conversation_id, leaving)
        await self._telling.event(event)
        await self._telling.left(conversation_id, leaving)

    async def _listed(
        self, session: AsyncSession, user_id: UUID, conversation_id: UUID
    ) -> Conversation:
        found = await listing.find(session, user_id, conversation_id)
        if found is None:
            raise NoSuchConversation(conversation_id)
        return found

    async def _of_group(
        self, session: AsyncSession, user_id: UUID, conversation_id: UUID
    ) -> Membership:
        member = await conversations.lock(session, conversation_id, user_id)
        if member is None:
            raise NoSuchConversation(conversation_id)
        if member.kind is not ConversationKind.GROUP:
            raise NoGroup
        return member

    async def _owner(
        self, session: AsyncSession, user_id: UUID, conversation_id: UUID
    ) -> Membership:
        member = await self._of_group(session, user_id, conversation_id)
        if member.role is not MemberRole.OWNER:
            raise NotYours("Only an owner of the group may do that.")
        return member

    async def _require_reachable(
        self,
        session: AsyncSession,
        user_id: UUID,
        asked: Sequence[UUID],
        wanted: Sequence[UUID],
    ) -> None:
        wrong = await self._unreachable(session, user_id, wanted)
        if wrong:
            raise cannot_be_added([place for place, one in enumerate(asked) if one in wrong])

    async def _unreachable(
        self, session: AsyncSession, user_id: UUID, wanted: Sequence[UUID]
    ) -> set[UUID]:
        people = await reach.existing_people(session, wanted)
        blocked = await reach.blocks_between(session, user_id, wanted)
        return (set(wanted) - people) | blocked
