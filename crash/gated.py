"""The parts of the product, each standing at the points that it passes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crash.feed_faults import played
from crash.gate import stand_at
from crash.points import Point
from domain.deliveries import DeliveryStatus
from domain.receipts import Receipt
from networks.protocol import NetworkAdapter, Outgoing, Target
from relay.outbox_relay import HandedOver, OutboxRelay
from relay.post_workflows import PostWorkflows
from storage.claims import Claim, Claimed
from storage.database import Database
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outbox import CHANNEL, OutboxItem, OutboxKind
from storage.posts import Post
from storage.publishing import PublishingStore
from storage.tables import AttemptRow, DeliveryRow
from storage.waking import to_be_woken


class GatedDatabase(Database):
    """Stands on both sides of the commit of a transaction that put something into the outbox."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work."""
        async with super().transaction() as session:
            yield session
            decides = CHANNEL in to_be_woken(session)
            if decides:
                await stand_at(Point.API_BEFORE_COMMIT)
        if decides:
            await stand_at(Point.API_COMMITTED)


class GatedRelay(OutboxRelay):
    """Stands where it has leased an item, and where it has removed one."""

    async def _hand_over(self, item: OutboxItem, post: Post | None, crowd: int) -> bool:
        is_start = item.kind is OutboxKind.START_POST
        leased = Point.RELAY_LEASED if is_start else Point.UPDATE_LEASED
        await stand_at(leased, post=item.subject_id)
        return await super()._hand_over(item, post, crowd)

    async def _write_down(self, done: HandedOver) -> None:
        await super()._write_down(done)
        if done.item.kind is OutboxKind.START_POST:
            await stand_at(Point.RELAY_DONE, post=done.item.subject_id)


class GatedWorkflows(PostWorkflows):
    """Stands on both sides of the call to Temporal."""

    async def carry_out(self, item: OutboxItem, post: Post, crowd: int = 0) -> bool:
        """Do what the item says."""
        is_start = item.kind is OutboxKind.START_POST
        await stand_at(Point.BEFORE_START if is_start else Point.BEFORE_UPDATE, post=post.id)
        started = await super().carry_out(item, post, crowd)
        await stand_at(Point.STARTED if is_start else Point.UPDATED, post=post.id)
        return started


class GatedStore(PublishingStore):
    """Stands around what is written down of a delivery."""

    async def keep_prepared(
        self, state: DeliveryState, part: int, prepared: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Remember what preparing left."""
        await _stand(Point.UPLOADED, state, part)
        kept = await super().keep_prepared(state, part, prepared)
        await _stand(Point.PREPARED, state, part)
        return kept

    async def arm(self, delivery_id: UUID, due_by: datetime | None = None) -> DeliveryState:
        """Move to `armed`."""
        state = await super().arm(delivery_id, due_by)
        if state.status is DeliveryStatus.ARMED:
            await _stand(Point.ARMED, state, state.next_part)
            await _stand(Point.SEATED, state, state.next_part)
        return state

    async def claim(
        self, state: DeliveryState, part: int, evidence: Mapping[str, Any], leaves_at: datetime
    ) -> Claimed:
        """Write the attempt ahead."""
        await _stand(Point.BEFORE_CLAIM, state, part)
        attempt = await super().claim(state, part, evidence, leaves_at)
        if isinstance(attempt, OpenAttempt):
            await _stand(Point.CLAIMED, state, part)
            await _ask_for_fault(attempt.attempt_id, state.post_id, state.network, part)
        return attempt

    async def claim_together(self, claims: Sequence[Claim]) -> Sequence[Claimed]:
        """Write the attempts of a departure ahead."""
        await _stand_together(Point.BEFORE_DEPARTURE, claims)
        attempts = await super().claim_together(claims)
        await _stand_together(Point.CLAIMED_TOGETHER, claims)
        return attempts

    async def release(self, departure_id: UUID) -> bool:
        """Let its requests leave."""
        seated = await self._seated(departure_id)
        await _stand_all(Point.BEFORE_RELEASE, seated)
        is_released = await super().release(departure_id)
        if is_released:
            await _stand_all(Point.RELEASED, seated)
            for one in seated:
                await _ask_for_fault(one.attempt_id, one.post_id, one.network, one.part)
        return is_released

    async def revoke(self, departure_id: UUID) -> bool:
        """Keep it from ever being released."""
        seated = await self._seated(departure_id)
        await _stand_all(Point.BEFORE_REVOKE, seated)
        is_revoked = await super().revoke(departure_id)
        if is_revoked:
            await _stand_all(Point.REVOKED, seated)
        return is_revoked

    async def record_published(
        self,
        state: DeliveryState,
        attempt: OpenAttempt,
        receipt: Receipt,
        *,
        last_part: bool,
        sent_at: datetime | None = None,
    ) -> None:
        """Keep the receipt."""
        await _stand(Point.ANSWERED, state, attempt.part)
        await super().record_published(
            state, attempt, receipt, last_part=last_part, sent_at=sent_at
        )
        await _stand(Point.RECORDED, state, attempt.part)

    async def _seated(self, departure_id: UUID) -> Sequence["_Seated"]:
        """What was claimed with that departure, whoever claimed it."""
        query = (
            select(AttemptRow.id, DeliveryRow.post_id, DeliveryRow.network, AttemptRow.part)
            .join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery_id)
            .where(AttemptRow.departure_id == departure_id)
        )
        async with self._database.transaction() as session:
            return [_Seated(*row) for row in await session.execute(query)]


class _Seated(NamedTuple):
    """One attempt of a departure."""

    attempt_id: UUID
    post_id: UUID
    network: str
    part: int


class GatedFeed:
    """The built-in network, with the faults that the sandbox plays for the others."""

    def __init__(self, adapter: NetworkAdapter) -> None:
        """Everything but `send` is the adapter's own."""
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        """What the adapter has."""
        return getattr(self._adapter, name)

    async def send(self, target: Target, outgoing: Outgoing) -> Receipt:
        """Publish, or fail as ordered. Raises NetworkError."""
        return await played.send(self._adapter, target, outgoing)


def gated_feed(adapter: NetworkAdapter) -> NetworkAdapter:
    """The same adapter, able to play faults."""
    return cast(NetworkAdapter, GatedFeed(adapter))


async def _stand(point: Point, state: DeliveryState, part: int) -> None:
    await stand_at(point, post=state.post_id, network=state.network, part=part)


async def _stand_together(point: Point, claims: Sequence[Claim]) -> None:
    await asyncio.gather(*(_stand(point, claim.state, claim.part) for claim in claims))


async def _stand_all(point: Point, seated: Sequence[_Seated]) -> None:
    """As many as leave together."""
    await asyncio.gather(
        *(stand_at(point, post=one.post_id, network=one.network, part=one.part) for one in seated)
    )


async def _ask_for_fault(attempt_id: UUID, post_id: UUID, network: str, part: int) -> None:
    """Only the store knows the post: the adapter is told where its send belongs."""
    word = await stand_at(Point.SENDING, post=post_id, network=network, part=part)
    played.expect(attempt_id, word)
