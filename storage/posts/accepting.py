"""New posts, with everything that belongs to them, written in one statement.

However many posts there are, of however many requests, and whatever they go to, it is one round
trip: the API's hot path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from storage import outbox
from storage.idempotency import KeptAnswer
from storage.posts import new_rows
from storage.posts.post import Post
from storage.waking import wake_after_commit


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstAnswer:
    """What is answered again to whoever asks again with the same key."""

    key: str
    kept: KeptAnswer = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPosts:
    """The posts of one request, of one workspace: all of them are accepted, or none."""

    posts: Sequence[Post]
    created_by: UUID
    first_answer: FirstAnswer | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """Posts that are accepted as soon as the transaction is."""

    answer: Mapping[str, Any] | None
    """The first answer as it will be found again (jsonb has an order of keys of its own), if there
    was one."""


class KeyIsTaken(Exception):
    """Another request with the same Idempotency-Key was first: nothing of this one is written."""


async def accept(
    session: AsyncSession, requests: Sequence[NewPosts]
) -> list[Accepted | KeyIsTaken]:
    """Insert drawn-up posts with their first revisions, deliveries, events and outbox rows.

    Of a request whose key another one used before, or uses before it here, nothing is written.
    Waits while that other one's transaction is still open.
    """
    taking = _first_of_each_key(requests)
    new = [(post, request.created_by) for request in taking for post in request.posts]
    scheduled = [post for post, _ in new if post.publish_time is not None]
    written = await session.execute(
        _ACCEPT,
        {
            "posts": [new_rows.post_row(post) for post, _ in new],
            "revisions": [new_rows.revision_row(post, author) for post, author in new],
            "deliveries": [
                new_rows.delivery_row(post, one) for post, _ in new for one in post.deliveries
            ],
            "events": [event for post, _ in new for event in new_rows.event_rows(post)],
            "outbox": [new_rows.outbox_row(post) for post in scheduled],
            "answers": _answer_rows(taking),
        },
    )
    if scheduled:
        wake_after_commit(session, outbox.CHANNEL)
    kept = {(row.workspace_id, row.key): row.answer for row in written}
    found: list[Accepted | KeyIsTaken] = []
    for request in requests:
        place = _place(request)
        if place is None:
            found.append(Accepted(answer=None))
        elif place in kept:
            found.append(Accepted(answer=kept.pop(place)))
        else:
            found.append(KeyIsTaken())
    return found


_ROWS: Final = ("posts", "revisions", "deliveries", "events", "outbox", "answers")

_ACCEPT: Final = (
    text("""
    WITH kept AS (
        INSERT INTO idempotency_keys (workspace_id, key, fingerprint, status_code, answer)
        SELECT workspace_id, key, fingerprint, status_code, answer
        FROM jsonb_populate_recordset(NULL::idempotency_keys, :answers)
        ON CONFLICT DO NOTHING
        RETURNING workspace_id, key, answer
    ), refused AS (
        SELECT jsonb_array_elements_text(asked -> 'post_ids')::uuid AS post_id
        FROM jsonb_array_elements(:answers) asked
        WHERE NOT EXISTS (
            SELECT FROM kept
            WHERE workspace_id = (asked ->> 'workspace_id')::uuid AND key = asked ->> 'key'
        )
    ), new_posts AS (
        INSERT INTO posts (id, workspace_id, batch_id, revision, status, publish_at, wall_time,
                           time_zone, priority, late_policy, late_after_seconds, created_at,
                           updated_at)
        SELECT id, workspace_id, batch_id, revision, status, publish_at, wall_time,
               time_zone, priority, late_policy, late_after_seconds, created_at, updated_at
        FROM jsonb_populate_recordset(NULL::posts, :posts)
        WHERE id NOT IN (SELECT post_id FROM refused)
    ), new_revisions AS (
        INSERT INTO post_revisions (post_id, revision, content, created_at, created_by)
        SELECT post_id, revision, content, created_at, created_by
        FROM jsonb_populate_recordset(NULL::post_revisions, :revisions)
        WHERE post_id NOT IN (SELECT post_id FROM refused)
    ), new_deliveries AS (
        INSERT INTO deliveries (id, root_id, post_id, workspace_id, account_id, network, status,
                                revision, publish_at)
        SELECT id, root_id, post_id, workspace_id, account_id, network, status,
               revision, publish_at
        FROM jsonb_populate_recordset(NULL::deliveries, :deliveries)
        WHERE post_id NOT IN (SELECT post_id FROM refused)
    ), new_events AS (
        INSERT INTO timeline (post_id, event, details)
        SELECT post_id, event, details
        FROM jsonb_populate_recordset(NULL::timeline, :events)
        WHERE post_id NOT IN (SELECT post_id FROM refused)
    ), to_do AS (
        INSERT INTO outbox (kind, workspace_id, subject_id, payload, due_at)
        SELECT kind, workspace_id, subject_id, payload, due_at
        FROM jsonb_populate_recordset(NULL::outbox, :outbox)
        WHERE subject_id NOT IN (SELECT post_id FROM refused)
    )
    SELECT workspace_id, key, answer FROM kept
""")
    .bindparams(*(bindparam(name, type_=JSONB) for name in _ROWS))
    .columns(workspace_id=Uuid, key=Text, answer=JSONB)
)
"""Foreign keys are compared at the end of the statement, so its parts need no order."""


def _first_of_each_key(requests: Sequence[NewPosts]) -> list[NewPosts]:
    """Without those that come with the key of one before them."""
    first: dict[object, NewPosts] = {}
    for number, request in enumerate(requests):
        first.setdefault(_place(request) or number, request)
    return list(first.values())


def _place(request: NewPosts) -> tuple[UUID, str] | None:
    """Where its first answer is kept; None when it has none."""
    if request.first_answer is None:
        return None
    return request.posts[0].workspace_id, request.first_answer.key


def _answer_rows(requests: Sequence[NewPosts]) -> list[dict[str, Any]]:
    """In one order for all, or two transactions could wait for each other's keys."""
    rows = [
        {
            "workspace_id": str(request.posts[0].workspace_id),
            "key": first.key,
            "fingerprint": f"\\x{first.kept.fingerprint.hex()}",
            "status_code": first.kept.status_code,
            "answer": first.kept.answer,
            "post_ids": [str(post.id) for post in request.posts],
        }
        for request in requests
        if (first := request.first_answer) is not None
    ]
    return sorted(rows, key=lambda row: (row["workspace_id"], row["key"]))
