"""What happens to a delivery after a network said no: put right what can be, wait or give up."""

from datetime import timedelta

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.accounts import Accounts
from activities.decisions import Decision, Remedy, decide
from activities.reasons import reason_of
from activities.waiting import Clock
from domain.content import PartKind
from domain.retry import RetryPlan
from networks.errors import AccountDisconnected, NetworkError, NotSent
from networks.protocol import NetworkAdapter, Piece
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.publishing import Aftermath, Fail, PublishingStore, Wait, WithoutComment

log = structlog.get_logger(__name__)


class Refusals:
    """Applies the table of decisions."""

    def __init__(
        self, *, store: PublishingStore, accounts: Accounts, retries: RetryPlan, clock: Clock
    ) -> None:
        """`retries` is for tries that certainly did not publish."""
        self._store = store
        self._accounts = accounts
        self._retries = retries
        self._clock = clock

    async def before_attempt(
        self, state: DeliveryState, adapter: NetworkAdapter, error: NetworkError
    ) -> None:
        """Nothing was claimed yet. Raises ApplicationError with the time to come back, if any."""
        error, decision = await self._decide(state, adapter, error, tries=activity.info().attempt)
        await self._store.put_off(
            state, reason_of(error), then=self._aftermath(decision, PartKind.POST)
        )
        _come_back(decision, error)

    async def after_attempt(
        self,
        state: DeliveryState,
        adapter: NetworkAdapter,
        attempt: OpenAttempt,
        piece: Piece,
        error: NotSent,
    ) -> None:
        """A claimed try did not publish. Raises ApplicationError with the time to come back."""
        tries = state.tries.get(piece.index, 0) + 1
        told, decision = await self._decide(state, adapter, error, tries=tries)
        await self._store.record_not_sent(
            state,
            attempt,
            reason_of(told),
            counted=decision.counted,
            then=self._aftermath(decision, piece.kind),
        )
        _come_back(decision, told)

    async def _decide(
        self, state: DeliveryState, adapter: NetworkAdapter, error: NetworkError, *, tries: int
    ) -> tuple[NetworkError, Decision]:
        """The decision and the error behind it: a failed remedy takes the first one's place."""
        overdue = self._clock() - state.publish_at
        decision = decide(error, tries=tries, overdue=overdue, retries=self._retries)
        log.info(
            "refused",
            delivery_id=str(state.delivery_id),
            error=type(error).__name__,
            code=error.answer.code,
            wait_seconds=decision.wait.total_seconds() if decision.wait is not None else None,
        )
        match decision.remedy:
            case Remedy.REFRESH_CREDENTIALS:
                try:
                    await self._accounts.refresh(adapter, state.account)
                except AccountDisconnected as final:
                    await self._accounts.mark(state.account, "reconnect", final)
                    return final, Decision(wait=None)
                except NetworkError as passing:
                    return passing, Decision(wait=self._retries.delay_after(tries))
            case Remedy.RECONNECT_ACCOUNT:
                await self._accounts.mark(state.account, "reconnect", error)
            case Remedy.UNBLOCK_ACCOUNT:
                await self._accounts.mark(state.account, "blocked", error)
            case Remedy.PREPARE_AGAIN:
                await self._store.forget_prepared(state)
            case Remedy.NOTHING:
                pass
        return error, decision

    def _aftermath(self, decision: Decision, kind: PartKind) -> Aftermath:
        if decision.wait is not None:
            return Wait(until=self._clock() + decision.wait)
        return WithoutComment() if kind is PartKind.COMMENT else Fail()


def _come_back(decision: Decision, error: NetworkError) -> None:
    if decision.wait is not None:
        raise ApplicationError(
            str(error),
            type=decision.failure,
            next_retry_delay=max(decision.wait, timedelta(milliseconds=1)),
        ) from error
