"""Posts accepted and shown. Each method is one transaction; nothing outside is called.

What has to happen in Temporal is put into the outbox in the same transaction.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.auth.service import Caller
from api.idempotency import Once, fingerprint_of, once
from api.pagination import PageRequest
from api.posts.accepting import Accepting, Asked
from api.posts.forecast import Forecast
from api.posts.planning import PostPlan, as_post, plan_post, publish_time_of
from api.posts.schemas import PostAccepted, WarningShown
from api.posts.wanted_schemas import PostWanted
from api.problems import NotFound
from storage import posts, timeline
from storage.database import Database
from storage.posts import Post, PostFilter
from storage.timeline import TimelineEvent

TIMELINE_LIMIT = 1000


class PostService:
    """Accepts and shows posts."""

    def __init__(self, database: Database, forecast: Forecast, accepting: Accepting) -> None:
        """Everything it does is in that database; `accepting` is shared by all requests."""
        self._database = database
        self._forecast = forecast
        self._accepting = accepting

    async def create(
        self, caller: Caller, wanted: PostWanted, idempotency_key: str | None
    ) -> PostAccepted:
        """Accept a post, or give the first answer again for a key that was used before.

        Raises InvalidRequest, IdempotencyKeyReused.
        """
        if idempotency_key is None:
            return (await self._accepting.take(Asked(caller=caller, wanted=wanted))).post
        fingerprint = fingerprint_of(wanted.model_dump(mode="json", exclude_unset=True))
        asked = Asked(
            caller=caller,
            wanted=wanted,
            once=Once(key=idempotency_key, fingerprint=fingerprint),
        )

        async def accept() -> Mapping[str, Any]:
            return (await self._accepting.take(asked)).answer or {}

        answer = await once(
            self._database, caller.workspace_id, idempotency_key, fingerprint, accept
        )
        return PostAccepted.model_validate(answer)

    async def validate(
        self, caller: Caller, wanted: PostWanted
    ) -> tuple[PostPlan, list[WarningShown]]:
        """The same checks without saving anything. Raises InvalidRequest for what is unknown."""
        now = datetime.now(UTC)
        time = publish_time_of(wanted, now)
        async with self._database.transaction() as session:
            plan = await plan_post(session, caller.workspace_id, wanted)
            post = as_post(caller.workspace_id, wanted, plan, time, now=now)
            [warnings] = await self._forecast.of_posts(session, [post])
        return plan, warnings

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
