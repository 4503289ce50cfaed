"""Posts accepted and shown. Each method is one transaction; nothing outside is called.

What has to happen in Temporal is put into the outbox in the same transaction.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from api.auth.service import Caller
from api.pagination import PageRequest
from api.posts.planning import PostPlan, plan_post, publish_time_of, require_publishable
from api.posts.problems import IdempotencyKeyReused
from api.posts.schemas import PostShown, PostWanted
from api.problems import NotFound
from storage import idempotency, outbox, posts, timeline
from storage.database import Database
from storage.idempotency import KeptAnswer
from storage.outbox import OutboxKind
from storage.posts import Post, PostFilter
from storage.timeline import Event, TimelineEvent

TIMELINE_LIMIT = 1000


class _KeyTaken(Exception):
    """Another request with the same Idempotency-Key was first; this one is rolled back."""


class PostService:
    """Accepts and shows posts."""

    def __init__(self, database: Database) -> None:
        """Everything it does is in that database."""
        self._database = database

    async def create(
        self, caller: Caller, wanted: PostWanted, idempotency_key: str | None
    ) -> dict[str, Any]:
        """Accept a post, or give the first answer again for a key that was used before.

        Raises InvalidRequest, IdempotencyKeyReused.
        """
        if idempotency_key is None:
            return await self._create(caller, wanted, None, b"")
        fingerprint = _fingerprint(wanted)
        try:
            return await self._create(caller, wanted, idempotency_key, fingerprint)
        except _KeyTaken:
            async with self._database.transaction() as session:
                kept = await idempotency.find(session, caller.workspace_id, idempotency_key)
            if kept is None:
                raise
            return _first_answer(kept, fingerprint)

    async def _create(
        self, caller: Caller, wanted: PostWanted, key: str | None, fingerprint: bytes
    ) -> dict[str, Any]:
        async with self._database.transaction() as session:
            if key is not None:
                kept = await idempotency.find(session, caller.workspace_id, key)
                if kept is not None:
                    return _first_answer(kept, fingerprint)
            publish_time = publish_time_of(wanted, datetime.now(UTC))
            plan = await plan_post(session, caller.workspace_id, wanted)
            if publish_time is not None:
                require_publishable(plan)
            post_id = await posts.create(
                session,
                workspace_id=caller.workspace_id,
                content=plan.content,
                targets=plan.targets,
                publish_time=publish_time,
                priority=wanted.priority,
                created_by=caller.key_id,
            )
            await timeline.append(session, post_id, Event.CREATED)
            if publish_time is not None:
                await timeline.append(
                    session, post_id, Event.SCHEDULED, details={"publish_at": publish_time.at}
                )
                await outbox.put(
                    session,
                    OutboxKind.START_POST,
                    workspace_id=caller.workspace_id,
                    post_id=post_id,
                    due_at=publish_time.at,
                )
            post = await posts.get(session, caller.workspace_id, post_id)
            if post is None:
                raise LookupError(f"post {post_id} vanished while it was created")
            answer = PostShown.of(post).model_dump(mode="json")
            if key is None:
                return answer
            first = KeptAnswer(fingerprint=fingerprint, status_code=201, answer=answer)
            kept_answer = await idempotency.keep(session, caller.workspace_id, key, first)
            if kept_answer is None:
                raise _KeyTaken
            return kept_answer

    async def validate(self, caller: Caller, wanted: PostWanted) -> PostPlan:
        """The same checks without saving anything. Raises InvalidRequest for what is unknown."""
        publish_time_of(wanted, datetime.now(UTC))
        async with self._database.transaction() as session:
            return await plan_post(session, caller.workspace_id, wanted)

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


def _fingerprint(wanted: PostWanted) -> bytes:
    """The same for the same request, however its JSON was written."""
    asked = wanted.model_dump(mode="json", exclude_unset=True)
    return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).digest()


def _first_answer(kept: KeptAnswer, fingerprint: bytes) -> dict[str, Any]:
    if kept.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return kept.answer
