"""Many posts accepted at once, and stopped as one. Each method is one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from api.auth.service import Caller
from api.batches.rows import CheckedRow, RowWanted, check_rows, places_of
from api.batches.schemas import (
    BatchCancelled,
    BatchCounted,
    BulkMode,
    BulkResult,
    NotCancelled,
    RowResult,
)
from api.idempotency import KeyTaken, Undone, first_answer, once
from api.pagination import PageRequest
from api.posts.forecast import Forecast
from api.posts.problems import TooLate
from api.posts.schemas import WarningShown
from api.problems import InvalidRequest, NotFound
from domain.deliveries import PostStatus
from domain.ids import new_id
from storage import batches, outbox, posts, timeline
from storage.batches import Batch, BatchSource
from storage.database import Database
from storage.outbox import NewItem, OutboxKind
from storage.posts import KeyIsTaken, NewPosts, Post
from storage.timeline import Event, NewEvent

ERRORS_TOLD: Final = 100
"""Of a request that is refused as a whole; a dry run tells those of every row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """Rows to be accepted."""

    source: BatchSource
    rows: Sequence[RowWanted]
    mode: BulkMode
    dry_run: bool


class _NothingAccepted(Undone):
    """Every row was refused, or none was to be saved."""

    def __init__(self, result: BulkResult) -> None:
        super().__init__()
        self.result = result


class BatchService:
    """Accepts, shows and stops batches."""

    def __init__(self, database: Database, forecast: Forecast) -> None:
        """Everything it does is in that database; `forecast` says what will be late."""
        self._database = database
        self._forecast = forecast

    async def submit(
        self, caller: Caller, submitted: Submission, key: str | None, fingerprint: bytes
    ) -> BulkResult:
        """Accept the rows, or give the first answer again for a key that was used before.

        A dry run saves nothing and leaves the key free. Raises InvalidRequest when a row keeps the
        others from being accepted, IdempotencyKeyReused.
        """

        async def accept() -> Mapping[str, Any]:
            return await self._accept(caller, submitted, key, fingerprint)

        try:
            if key is None or submitted.dry_run:
                answer = await accept()
            else:
                answer = await once(self._database, caller.workspace_id, key, fingerprint, accept)
        except _NothingAccepted as nothing:
            return nothing.result
        return BulkResult.model_validate(answer)

    async def _accept(
        self, caller: Caller, submitted: Submission, key: str | None, fingerprint: bytes
    ) -> Mapping[str, Any]:
        now = datetime.now(UTC)
        batch_id = new_id()
        async with self._database.transaction() as session:
            checked = await check_rows(session, caller, submitted.rows, now=now, batch_id=batch_id)
            accepted = [one.post for one in checked if one.post is not None]
            whole = submitted.mode is BulkMode.ALL_OR_NOTHING and not submitted.dry_run
            if whole and len(accepted) < len(checked):
                raise InvalidRequest(*places_of(checked, limit=ERRORS_TOLD))
            warnings = await self._forecast.of_posts(session, accepted)
            told = {post.id: of_it for post, of_it in zip(accepted, warnings, strict=True)}
            if submitted.dry_run or not accepted:
                raise _NothingAccepted(_result(submitted, None, checked, told))
            batch = Batch(
                id=batch_id,
                workspace_id=caller.workspace_id,
                source=submitted.source,
                size=len(accepted),
                created_at=now,
                cancelled_at=None,
            )
            await batches.create(session, batch, created_by=caller.actor_id)
            answer = _result(submitted, batch, checked, told).model_dump(mode="json")
            first = first_answer(key, fingerprint, HTTPStatus.CREATED, answer) if key else None
            new = NewPosts(posts=accepted, created_by=caller.actor_id, first_answer=first)
            [written] = await posts.accept(session, [new])
            if isinstance(written, KeyIsTaken):
                raise KeyTaken
            return answer if written.answer is None else written.answer

    async def list_page(self, caller: Caller, wanted: PageRequest) -> Sequence[Batch]:
        """The workspace's batches, newest first."""
        async with self._database.transaction() as session:
            return await batches.list_page(
                session, caller.workspace_id, before=wanted.before, limit=wanted.fetch
            )

    async def read(self, caller: Caller, batch_id: UUID) -> BatchCounted:
        """One batch, and how far its posts are. Raises NotFound."""
        async with self._database.transaction() as session:
            batch = await batches.find(session, caller.workspace_id, batch_id)
            if batch is None:
                raise NotFound("batch", batch_id)
            counts = await batches.count_posts(session, batch_id)
        return BatchCounted.with_counts(batch, counts)

    async def cancel(self, caller: Caller, batch_id: UUID) -> BatchCancelled:
        """Stop every post of which nothing was sent: after this they are never published.

        Doing it again stops what could not be stopped before, if it can be now. Raises NotFound.
        """
        async with self._database.transaction() as session:
            batch = await batches.find(session, caller.workspace_id, batch_id)
            if batch is None:
                raise NotFound("batch", batch_id)
            found = await posts.lock_batch(session, caller.workspace_id, batch_id, limit=batch.size)
            too_late = {post.id: late for post in found if (late := _too_late(post))}
            stopping = [
                post
                for post in found
                if post.id not in too_late and post.status is not PostStatus.CANCELLED
            ]
            await posts.cancel_many(
                session,
                {post.id: [one.id for one in post.standing_deliveries] for post in stopping},
            )
            await timeline.append_many(
                session, [NewEvent(post_id=post.id, event=Event.CANCELLED) for post in stopping]
            )
            await outbox.put_many(session, [_told(post) for post in stopping if post.publish_time])
            await batches.note_cancelled(session, batch_id)
        return BatchCancelled(
            batch_id=batch_id,
            cancelled=[post.id for post in found if post.id not in too_late],
            not_cancelled=list(too_late.values()),
        )


def _result(
    submitted: Submission,
    batch: Batch | None,
    checked: Sequence[CheckedRow],
    warnings: Mapping[UUID, list[WarningShown]],
) -> BulkResult:
    accepted = sum(1 for one in checked if one.post is not None)
    return BulkResult(
        batch_id=batch.id if batch else None,
        mode=submitted.mode,
        dry_run=submitted.dry_run,
        accepted=accepted,
        refused=len(checked) - accepted,
        rows=[
            RowResult.of(
                index,
                one.row.line,
                one.post.id if batch and one.post else None,
                one.problems,
                warnings[one.post.id] if one.post else [],
            )
            for index, one in enumerate(checked)
        ],
    )


def _too_late(post: Post) -> NotCancelled | None:
    under_way = [delivery for delivery in post.standing_deliveries if not delivery.movable]
    if not under_way:
        return None
    reason = TooLate.under_way(under_way).detail
    return NotCancelled(post_id=post.id, status=post.status, reason=reason)


def _told(post: Post) -> NewItem:
    return NewItem(
        kind=OutboxKind.CANCEL_DELIVERIES,
        workspace_id=post.workspace_id,
        post_id=post.id,
        due_at=datetime.now(UTC),
        payload={"deliveries": [str(one.id) for one in post.standing_deliveries]},
    )
