"""Processes that die at named points, and leave the database and the networks as they were."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.receipts import Receipt
from relay.post_workflows import PostWorkflows
from storage.claims import Claim, Claimed
from storage.database import Database
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outbox import OutboxItem
from storage.outcomes import Aftermath, Reason
from storage.posts import Post
from storage.publishing import PublishingStore


class Point(StrEnum):
    """Where a process dies."""

    LOADED = "before it arms"
    ARMED = "armed"
    PREPARED = "prepared"
    UNCLAIMED = "before the claim"
    CLAIMED = "after the claim"
    UNSEATED = "before a departure is claimed"
    SEATED = "after a departure was claimed"
    UNRELEASED = "before a departure is released"
    OVERTAKEN = "the departure is revoked before its worker releases it"
    """Nobody dies: the worker stood still for too long."""
    RELEASED = "after a departure was released"
    UNREVOKED = "before a departure is revoked"
    REVOKED = "after a departure was revoked"
    SENT = "after the send"
    RECORDED = "after the receipt was kept"
    UNANSWERED = "after it was kept that no answer came"
    REFUSED = "after a refusal was kept"
    LOOKED = "after a look was kept"
    TOLD = "after Temporal was told"
    """The only one of a relay; the others are a worker's."""


class WorkerDied(Exception):
    """Nothing of ours catches it; to Temporal it is a failed try."""


class RelayDied(BaseException):
    """Nothing of ours catches it: the item stays leased."""


class Fate:
    """Says who dies where."""

    def __init__(self) -> None:
        """Everybody lives."""
        self.planned: list[Point] = []

    def reach(self, point: Point) -> None:
        """Somebody is at that point. Raises WorkerDied or RelayDied when that is the end."""
        if point in self.planned:
            self.planned.remove(point)
            if point is Point.TOLD:
                raise RelayDied(point)
            raise WorkerDied(point)

    def is_overtaken(self) -> bool:
        """Whether who releases a departure now stood still meanwhile."""
        if Point.OVERTAKEN not in self.planned:
            return False
        self.planned.remove(Point.OVERTAKEN)
        return True

    def spare_relays(self) -> None:
        """No relay dies any more; nothing changes for workers."""
        self.planned = [one for one in self.planned if one is not Point.TOLD]


class MortalStore(PublishingStore):
    """Its worker may die around whatever is written down."""

    def __init__(self, database: Database, fate: Fate, claimed: Callable[[datetime], None]) -> None:
        """`fate` decides; `claimed` is told the second of each departure that was claimed."""
        super().__init__(database)
        self._fate = fate
        self._claimed = claimed

    async def arm(self, delivery_id: UUID, due_by: datetime | None = None) -> DeliveryState:
        """Move to `armed`."""
        self._fate.reach(Point.LOADED)
        state = await super().arm(delivery_id, due_by)
        self._fate.reach(Point.ARMED)
        return state

    async def keep_prepared(
        self, state: DeliveryState, part: int, prepared: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Remember what preparing left."""
        kept = await super().keep_prepared(state, part, prepared)
        self._fate.reach(Point.PREPARED)
        return kept

    async def claim(
        self, state: DeliveryState, part: int, evidence: Mapping[str, Any], leaves_at: datetime
    ) -> Claimed:
        """Write the attempt ahead."""
        self._fate.reach(Point.UNCLAIMED)
        attempt = await super().claim(state, part, evidence, leaves_at)
        self._fate.reach(Point.CLAIMED)
        return attempt

    async def claim_together(self, claims: Sequence[Claim]) -> Sequence[Claimed]:
        """Write the attempts of a departure ahead."""
        self._fate.reach(Point.UNSEATED)
        attempts = await super().claim_together(claims)
        self._claimed(claims[0].leaves_at)
        self._fate.reach(Point.SEATED)
        return attempts

    async def release(self, departure_id: UUID) -> bool:
        """Let its requests leave."""
        self._fate.reach(Point.UNRELEASED)
        if self._fate.is_overtaken():
            await super().revoke(departure_id)
        is_released = await super().release(departure_id)
        self._fate.reach(Point.RELEASED)
        return is_released

    async def revoke(self, departure_id: UUID) -> bool:
        """Keep it from ever being released."""
        self._fate.reach(Point.UNREVOKED)
        is_revoked = await super().revoke(departure_id)
        self._fate.reach(Point.REVOKED)
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
        self._fate.reach(Point.SENT)
        await super().record_published(
            state, attempt, receipt, last_part=last_part, sent_at=sent_at
        )
        self._fate.reach(Point.RECORDED)

    async def record_not_sent(
        self,
        state: DeliveryState,
        attempt: OpenAttempt,
        reason: Reason,
        *,
        counted: bool,
        then: Aftermath,
    ) -> None:
        """Keep the refusal."""
        await super().record_not_sent(state, attempt, reason, counted=counted, then=then)
        self._fate.reach(Point.REFUSED)

    async def record_unknown(
        self, state: DeliveryState, attempt: OpenAttempt, reason: Reason
    ) -> None:
        """Keep that no answer came."""
        await super().record_unknown(state, attempt, reason)
        self._fate.reach(Point.UNANSWERED)

    async def record_lookup(
        self, state: DeliveryState, attempt: OpenAttempt, reason: Reason, *, found: str
    ) -> None:
        """Count a look."""
        await super().record_lookup(state, attempt, reason, found=found)
        self._fate.reach(Point.LOOKED)


class MortalWorkflows(PostWorkflows):
    """Its relay may die between telling Temporal and writing down that it did."""

    fate: Fate
    telling: asyncio.Lock

    async def carry_out(self, item: OutboxItem, post: Post, crowd: int = 0) -> bool:
        """Do what the item says."""
        async with self.telling:
            started = await super().carry_out(item, post, crowd)
        self.fate.reach(Point.TOLD)
        return started
