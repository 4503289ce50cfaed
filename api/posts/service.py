"""Posts accepted and shown. Each method is one transaction; nothing outside is called.

What has to happen in Temporal is put into the outbox in the same transaction.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.service import Caller
from api.idempotency import KeyTaken, fingerprint_of, first_answer, once
from api.pagination import PageRequest
from api.posts.forecast import Forecast
from api.posts.planning import PostPlan, draw_up, plan_post, publish_time_of
from api.posts.schemas import PostAccepted, PostWanted, WarningShown
from api.problems import NotFound
from storage import posts, timeline
from storage.database import Database
from storage.posts import Post, PostFilter
from storage.timeline import TimelineEvent

TIMELINE_LIMIT = 1000


class PostService:
    """Accepts and shows posts."""

    def __init__(self, database: Database, forecast: Forecast) -> None:
        """Everything it does is in that database; `forecast` says what will be late."""
        self._database = database
        self._forecast = forecast

    async def create(
        self, caller: Caller, wanted: PostWanted, idempotency_key: str | None
    ) -> PostAccepted:
        """Accept a post, or give the first answer again for a key that was used before.

        Raises InvalidRequest, IdempotencyKeyReused.
        """
        if idempotency_key is None:
            async with self._database.transaction() as session:
                post = await _drawn_up(session, caller, wanted)
                accepted = await self._answer(session, post)
                await posts.accept(session, [post], created_by=caller.actor_id)
            return accepted
        key = idempotency_key
        fingerprint = fingerprint_of(wanted.model_dump(mode="json", exclude_unset=True))

        async def accept() -> Mapping[str, Any]:
            async with self._database.transaction() as session:
                post = await _drawn_up(session, caller, wanted)
                answer = (await self._answer(session, post)).model_dump(mode="json")
                first = first_answer(key, fingerprint, HTTPStatus.CREATED, answer)
                kept = await posts.accept(
                    session, [post], created_by=caller.actor_id, first_answer=first
                )
                if kept is None:
                    raise KeyTaken
                return kept

        answer = await once(self._database, caller.workspace_id, key, fingerprint, accept)
        return PostAccepted.model_validate(answer)

    async def _answer(self, session: AsyncSession, post: Post) -> PostAccepted:
        warnings = await self._forecast.of_post(session, post)
        return PostAccepted.of(post).model_copy(update={"warnings": warnings})

    async def validate(
        self, caller: Caller, wanted: PostWanted
    ) -> tuple[PostPlan, list[WarningShown]]:
        """The same checks without saving anything. Raises InvalidRequest for what is unknown."""
        time = publish_time_of(wanted, datetime.now(UTC))
        async with self._database.transaction() as session:
            plan = await plan_post(session, caller.workspace_id, wanted)
            at = time.at if time else None
            return plan, await self._forecast.of(session, plan.content, plan.targets, at)

    async def read(self, caller: Caller, post_id: UUID) -> Post:
        """One post. Raises NotFound."""
        async with self._database.transaction() as session:
            post = await posts.get(session, caller.workspace_id, post_id)
        if post is None:
            raise NotFound("post", post_id)
        return post

    async def list_page(
        self, caller: Caller, chosen: PostFilter, wanted: PageRequest
    ) -> list[Post]:
        """The workspace's posts, newest first."""
        async with self._database.transaction() as session:
            return await posts.list_by_workspace(
                session, caller.workspace_id, chosen, before=wanted.before, limit=wanted.fetch
            )

    async def events(self, caller: Caller, post_id: UUID) -> list[TimelineEvent]:
        """Everything that happened to a post, in order. Raises NotFound."""
        await self.read(caller, post_id)
        async with self._database.transaction() as session:
            return await timeline.list_by_post(session, post_id, limit=TIMELINE_LIMIT)


async def _drawn_up(session: AsyncSession, caller: Caller, wanted: PostWanted) -> Post:
    now = datetime.now(UTC)
    publish_time = publish_time_of(wanted, now)
    plan = await plan_post(session, caller.workspace_id, wanted)
    return draw_up(caller, wanted, plan, publish_time, now=now)
