"""Profiles, and who follows, blocks and mutes whom. Each method is one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.feed.problems import NoSuchHandle, no_such_person, no_such_post, oneself
from api.pagination import PageRequest
from storage.database import Database
from storage.feed import people, posts
from storage.feed.people import ListedPerson, Profile

Relate = Callable[[AsyncSession, UUID, UUID], Awaitable[bool]]
Part = Callable[[AsyncSession, UUID, UUID], Awaitable[None]]


class PublicList(Protocol):
    """People around a post or a person, as a viewer may see them."""

    async def __call__(
        self,
        session: AsyncSession,
        viewer: UUID | None,
        subject_id: UUID,
        /,
        *,
        before: UUID | None,
        limit: int,
    ) -> list[ListedPerson]:
        """Newest first."""


class FeedPeople:
    """What people do with each other."""

    def __init__(self, database: Database) -> None:
        """Everything it does is in that database."""
        self._database = database

    async def profile(self, viewer: UUID | None, handle: str) -> Profile:
        """Whoever has that handle. Raises NoSuchHandle."""
        async with self._database.transaction() as session:
            found = await people.find_profile(session, viewer, handle.removeprefix("@"))
        if found is None:
            raise NoSuchHandle
        return found

    async def relate(self, user_id: UUID, other_id: UUID, relate: Relate) -> None:
        """Follow, block or mute somebody. Raises NotFound, Conflict for oneself."""
        if user_id == other_id:
            raise oneself()
        async with self._database.transaction() as session:
            if not await relate(session, user_id, other_id):
                raise no_such_person(other_id)

    async def part(self, user_id: UUID, other_id: UUID, part: Part) -> None:
        """Follow, block or mute somebody no more; fine for those whom one never did."""
        async with self._database.transaction() as session:
            await part(session, user_id, other_id)

    async def around_person(
        self, listed: PublicList, viewer: UUID | None, user_id: UUID, wanted: PageRequest
    ) -> Sequence[ListedPerson]:
        """Followers of somebody, or whom they follow, newest first. Raises NotFound."""
        async with self._database.transaction() as session:
            if await people.find_profile(session, viewer, user_id) is None:
                raise no_such_person(user_id)
            return await listed(session, viewer, user_id, before=wanted.before, limit=wanted.fetch)

    async def around_post(
        self, listed: PublicList, viewer: UUID | None, post_id: UUID, wanted: PageRequest
    ) -> Sequence[ListedPerson]:
        """Who likes or reposted a post, newest first. Raises NotFound."""
        async with self._database.transaction() as session:
            if await posts.find(session, viewer, post_id) is None:
                raise no_such_post(post_id)
            return await listed(session, viewer, post_id, before=wanted.before, limit=wanted.fetch)

    async def blocked(self, user_id: UUID, wanted: PageRequest) -> Sequence[ListedPerson]:
        """Whom somebody blocks, newest first."""
        async with self._database.transaction() as session:
            return await people.list_blocked(
                session, user_id, before=wanted.before, limit=wanted.fetch
            )

    async def muted(self, user_id: UUID, wanted: PageRequest) -> Sequence[ListedPerson]:
        """Whom somebody mutes, newest first."""
        async with self._database.transaction() as session:
            return await people.list_muted(
                session, user_id, before=wanted.before, limit=wanted.fetch
            )
