"""What is written down when no network is involved."""

import structlog
from temporalio import activity

from activities.reasons import evidence_of
from activities.waiting import Clock, system_clock
from contracts.activity_interfaces import Bookkeeping
from contracts.publishing import GIVE_UP_AFTER, DeliveryGivenUp, Ending, PublishOutcome
from domain.deliveries import SETTLED
from storage.delivery_state import DeliveryState
from storage.outcomes import Fail, Reason, WithoutComment
from storage.publishing import PublishingStore

log = structlog.get_logger(__name__)


class DeliveryBookkeeping(Bookkeeping):
    """Closes deliveries whose own activity could not."""

    def __init__(self, store: PublishingStore, clock: Clock = system_clock) -> None:
        """`store` keeps what is decided here."""
        self._store = store
        self._clock = clock

    @activity.defn
    async def give_up_delivery(self, given_up: DeliveryGivenUp) -> PublishOutcome:
        """An open attempt leaves it unconfirmed; otherwise nothing was sent, and it failed.

        The time that people held it does not count: it is given up when it had its time after that.
        """
        state = await self._store.load(given_up.delivery_id)
        if given_up.out_of_time and await self._was_held(state):
            return PublishOutcome(
                ending=Ending.HELD, status=state.status, publish_at=state.publish_at
            )
        if state.status not in SETTLED:
            log.warning("gave up", delivery_id=str(state.delivery_id), reason=given_up.reason)
            if state.open_attempt is not None:
                evidence = evidence_of(state.open_attempt)
                reason = Reason(type="gave_up", message=given_up.reason, evidence=evidence)
                await self._store.leave_unconfirmed(state, state.open_attempt, reason)
            else:
                reason = Reason(type="gave_up", message=given_up.reason, evidence={})
                then = WithoutComment() if state.is_comment(state.next_part) else Fail()
                await self._store.put_off(state, reason, then=then)
            state = await self._store.load(given_up.delivery_id)
        return PublishOutcome(
            ending=Ending.SETTLED, status=state.status, publish_at=state.publish_at
        )

    async def _was_held(self, state: DeliveryState) -> bool:
        if state.status in SETTLED or state.open_attempt is not None:
            return False
        return await self._store.was_held_since(state.delivery_id, self._clock() - GIVE_UP_AFTER)
