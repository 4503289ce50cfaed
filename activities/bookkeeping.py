"""What is written down when no network is involved."""

import structlog
from temporalio import activity

from activities.reasons import evidence_of
from contracts.activity_interfaces import Bookkeeping
from contracts.publishing import DeliveryGivenUp, Ending, PublishOutcome
from domain.deliveries import SETTLED
from storage.outcomes import Fail, Reason, WithoutComment
from storage.publishing import PublishingStore

log = structlog.get_logger(__name__)


class DeliveryBookkeeping(Bookkeeping):
    """Closes deliveries whose own activity could not."""

    def __init__(self, store: PublishingStore) -> None:
        """`store` keeps what is decided here."""
        self._store = store

    @activity.defn
    async def give_up_delivery(self, given_up: DeliveryGivenUp) -> PublishOutcome:
        """An open attempt leaves it unconfirmed; otherwise nothing was sent, and it failed."""
        state = await self._store.load(given_up.delivery_id)
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
