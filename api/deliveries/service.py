"""Single deliveries: shown, stopped, tried again, settled by a person."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.service import Caller
from api.deliveries.schemas import SendAgain, WasPublished
from api.problems import Conflict, NotFound
from domain.deliveries import DeliveryStatus
from domain.lateness import LatePolicy
from storage import lateness, outbox, posts, timeline
from storage.database import Database
from storage.outbox import OutboxKind
from storage.posts import Delivery, Post
from storage.switches.release import let_go
from storage.timeline import Event


class DeliveryService:
    """What a workspace does with single deliveries."""

    def __init__(self, database: Database) -> None:
        """Everything it does is in that database; the relay tells Temporal."""
        self._database = database

    async def read(self, caller: Caller, delivery_id: UUID) -> Delivery:
        """One delivery. Raises NotFound."""
        async with self._database.transaction() as session:
            post_id = await posts.find_delivery(session, caller.workspace_id, delivery_id)
            post = await posts.get(session, caller.workspace_id, post_id) if post_id else None
        return _of(post, delivery_id)[1]

    async def cancel(self, caller: Caller, delivery_id: UUID) -> Delivery:
        """Stop one delivery: after this it is never published. Raises NotFound, Conflict."""
        async with self._database.transaction() as session:
            post, delivery = await _locked(session, caller, delivery_id)
            if delivery.status is DeliveryStatus.CANCELLED:
                return delivery
            if not delivery.untouched:
                raise _wrong_state(delivery, "cancelled", "one of which nothing was sent")
            await posts.cancel(session, post.id, [delivery.id])
            await timeline.append(session, post.id, Event.CANCELLED, delivery_id=delivery.id)
            if post.publish_time is not None:
                await outbox.put(
                    session,
                    OutboxKind.CANCEL_DELIVERIES,
                    workspace_id=caller.workspace_id,
                    post_id=post.id,
                    due_at=datetime.now(UTC),
                    payload={"deliveries": [str(delivery.id)]},
                )
            return (await _locked(session, caller, delivery_id))[1]

    async def retry(self, caller: Caller, delivery_id: UUID) -> Delivery:
        """Put a new delivery in a failed one's place and publish it now.

        Parts that are public already are not published again. Raises NotFound, Conflict.
        """
        async with self._database.transaction() as session:
            post, delivery = await _locked(session, caller, delivery_id)
            if delivery.status is not DeliveryStatus.FAILED or delivery.superseded:
                raise _wrong_state(delivery, "retried", "a failed one that was not retried yet")
            new_id = await self._send_again(session, caller, post, delivery)
            return (await _locked(session, caller, new_id))[1]

    async def resolve(
        self, caller: Caller, delivery_id: UUID, resolution: WasPublished | SendAgain
    ) -> Delivery:
        """Settle an unconfirmed delivery by what a person found. Raises NotFound, Conflict."""
        async with self._database.transaction() as session:
            post, delivery = await _locked(session, caller, delivery_id)
            if delivery.status is not DeliveryStatus.UNCONFIRMED:
                raise _wrong_state(delivery, "resolved", "an unconfirmed one")
            found = isinstance(resolution, WasPublished)
            await posts.resolve_delivery(
                session,
                delivery,
                status=DeliveryStatus.PUBLISHED if found else DeliveryStatus.FAILED,
                permalink=str(resolution.permalink)
                if isinstance(resolution, WasPublished)
                else None,
                reason={
                    "type": "resolved",
                    "message": f"A person found it {'public' if found else 'not public'}.",
                    "evidence": {"resolved_by": str(caller.actor_id)},
                },
            )
            await timeline.append(
                session,
                post.id,
                Event.RESOLVED,
                delivery_id=delivery.id,
                details={"outcome": resolution.outcome},
            )
            if found:
                return (await _locked(session, caller, delivery_id))[1]
            new_id = await self._send_again(session, caller, post, delivery)
            return (await _locked(session, caller, new_id))[1]

    async def decide(
        self, caller: Caller, delivery_id: UUID, decision: Literal["publish", "skip"]
    ) -> Delivery:
        """Publish a late delivery that waits for that, or skip it. Raises NotFound, Conflict."""
        now = datetime.now(UTC)
        async with self._database.transaction() as session:
            post, delivery = await _locked(session, caller, delivery_id)
            late = await lateness.find(session, delivery_id)
            if late is None:
                raise _wrong_state(delivery, "decided", "a late one whose post asks")
            await timeline.append(
                session,
                post.id,
                Event.DECIDED,
                delivery_id=delivery.id,
                details={"decision": decision, "decided_by": str(caller.actor_id)},
            )
            why = f"A person decided to {decision} it."
            if decision == "publish":
                await let_go(session, [late], now, why)
            else:
                await lateness.apply(session, {late: LatePolicy.SKIP}, now, why=why)
            return (await _locked(session, caller, delivery_id))[1]

    async def _send_again(
        self, session: AsyncSession, caller: Caller, post: Post, delivery: Delivery
    ) -> UUID:
        now = datetime.now(UTC)
        new_id = await posts.add_retry(session, delivery, post=post, now=now)
        await timeline.append(
            session,
            post.id,
            Event.RETRY_REQUESTED,
            delivery_id=new_id,
            details={"instead_of": str(delivery.id)},
        )
        await outbox.put(
            session,
            OutboxKind.RETRY_DELIVERY,
            workspace_id=caller.workspace_id,
            post_id=post.id,
            due_at=now,
            payload={"delivery_id": str(new_id)},
        )
        return new_id


async def _locked(
    session: AsyncSession, caller: Caller, delivery_id: UUID
) -> tuple[Post, Delivery]:
    post_id = await posts.find_delivery(session, caller.workspace_id, delivery_id)
    post = await posts.lock(session, caller.workspace_id, post_id) if post_id else None
    return _of(post, delivery_id)


def _of(post: Post | None, delivery_id: UUID) -> tuple[Post, Delivery]:
    if post is None:
        raise NotFound("delivery", delivery_id)
    return post, next(one for one in post.deliveries if one.id == delivery_id)


def _wrong_state(delivery: Delivery, wanted: str, only: str) -> Conflict:
    return Conflict(
        f"The delivery is {delivery.status}; only {only} can be {wanted}.",
        slug="wrong-state",
        title=f"Cannot be {wanted}",
    )
