"""What happens to a delivery after a network said no: put right what can be, wait or give up."""

from datetime import timedelta
from typing import NoReturn

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.accounts import Accounts
from activities.decisions import AT_ONCE, REFRESH_POLL, Decision, Remedy, decide
from activities.observing import UNOBSERVED, Observer
from activities.reasons import reason_of
from activities.waiting import PLANNED, Clock
from contracts.failures import FailureType
from domain.retry import RetryPlan
from networks.errors import CredentialsExpired, NetworkError, NotSent, RateLimited, TryLater
from networks.protocol import NetworkAdapter
from storage.admission import Refusal
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outcomes import Aftermath, Fail, Reason, Wait, WithoutComment
from storage.publishing import PublishingStore
from storage.sends import NEVER_LEFT

log = structlog.get_logger(__name__)

PREPARE_RETRY = timedelta(seconds=10)
"""The longest wait between two tries to prepare ahead of time; there is a minute for it."""

DECISION_POLL = timedelta(hours=1)
"""Between two looks whether a person decided; deciding resumes at once."""


class Refusals:
    """Applies the table of decisions."""

    def __init__(
        self,
        *,
        store: PublishingStore,
        accounts: Accounts,
        retries: RetryPlan,
        clock: Clock,
        told: Observer = UNOBSERVED,
    ) -> None:
        """`retries` is for tries that certainly did not publish."""
        self._told = told
        self._store = store
        self._accounts = accounts
        self._retries = retries
        self._clock = clock

    async def ahead_of_time(
        self, state: DeliveryState, adapter: NetworkAdapter, error: NetworkError
    ) -> NoReturn:
        """Preparing early failed: put right what can be. Raises ApplicationError.

        The delivery is not touched: at its time the same is tried, and judged, again.
        """
        tries = activity.info().attempt
        told, decision = await self._decide(state, adapter, error, tries=tries)
        wait = decision.wait
        if wait is not None and decision.failure is not FailureType.RATE_LIMITED:
            wait = min(wait, PREPARE_RETRY)
        raise ApplicationError(
            str(told),
            type=FailureType.PREPARATION_PENDING,
            category=PLANNED,
            next_retry_delay=wait,
            non_retryable=wait is None,
        ) from told

    async def before_attempt(
        self, state: DeliveryState, adapter: NetworkAdapter, error: NetworkError
    ) -> None:
        """Nothing was claimed yet. Raises ApplicationError with the time to come back, if any."""
        tries = state.tries.get(state.next_part, 0) + 1
        told, decision = await self._decide(state, adapter, error, tries=tries)
        await self._store.record_unready(
            state,
            reason_of(told),
            counted=decision.counted,
            then=self._aftermath(decision.wait, state, state.next_part),
            at=self._clock(),
        )
        await self._come_back(state, decision, told)

    async def not_admitted(self, state: DeliveryState, refusal: Refusal) -> NoReturn:
        """It has to wait for a quota or a switch. Raises ApplicationError with the time."""
        until = refusal.until or self._clock() + DECISION_POLL
        await self._store.put_off(state, refusal.reason, then=Wait(until=until))
        raise ApplicationError(
            refusal.reason.message,
            type=FailureType.NOT_ADMITTED,
            category=PLANNED,
            next_retry_delay=max(until - self._clock(), timedelta(milliseconds=1)),
        )

    async def awaits_decision(self) -> NoReturn:
        """It is late, and a person decides. Raises ApplicationError with the time to look again."""
        raise ApplicationError(
            "Late; a person decides whether it is published still.",
            type=FailureType.NOT_ADMITTED,
            category=PLANNED,
            next_retry_delay=DECISION_POLL,
        )

    async def after_attempt(
        self,
        state: DeliveryState,
        adapter: NetworkAdapter,
        attempt: OpenAttempt,
        error: NotSent,
    ) -> None:
        """A claimed try did not publish. Raises ApplicationError with the time to come back."""
        tries = state.tries.get(attempt.part, 0) + 1
        told, decision = await self._decide(state, adapter, error, tries=tries)
        await self._store.record_not_sent(
            state,
            attempt,
            reason_of(told),
            counted=decision.counted,
            then=self._aftermath(decision.wait, state, attempt.part),
        )
        await self._come_back(state, decision, told)

    async def never_left(self, state: DeliveryState, attempt: OpenAttempt) -> None:
        """Its worker stopped before it could send: again at once, and no try is lost."""
        reason = Reason(
            type=NEVER_LEFT,
            message="The worker that had claimed it stopped before its second.",
            evidence={},
        )
        then = Wait(until=self._clock())
        await self._store.record_not_sent(state, attempt, reason, counted=False, then=then)

    async def after_proof(self, state: DeliveryState, attempt: OpenAttempt, reason: Reason) -> None:
        """An unanswered try proved not to have published: again at once while tries are left."""
        delay = self._retries.delay_after(state.tries.get(attempt.part, 0) + 1)
        wait = timedelta(0) if delay is not None else None
        then = self._aftermath(wait, state, attempt.part)
        await self._store.record_not_sent(state, attempt, reason, counted=True, then=then)

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
        self._told.answered(
            state.network,
            state.account.account_id,
            failed=isinstance(error, TryLater),
            started_at=self._clock(),
        )
        if isinstance(error, RateLimited):
            until = self._clock() + error.retry_after
            await self._store.hold_account(state.account.account_id, until, reason_of(error))
        match decision.remedy:
            case Remedy.REFRESH_CREDENTIALS:
                return await self._refresh(state, adapter, error, decision, tries=tries)
            case Remedy.RECONNECT_ACCOUNT:
                await self._accounts.mark(state.account, "reconnect", error)
            case Remedy.UNBLOCK_ACCOUNT:
                await self._accounts.mark(state.account, "blocked", error)
            case Remedy.PREPARE_AGAIN:
                await self._store.forget_prepared(state)
            case Remedy.NOTHING:
                pass
        return error, decision

    async def _refresh(
        self,
        state: DeliveryState,
        adapter: NetworkAdapter,
        error: NetworkError,
        decision: Decision,
        *,
        tries: int,
    ) -> tuple[NetworkError, Decision]:
        try:
            is_fresh = await self._accounts.refresh(adapter, state.account)
        except CredentialsExpired as failed:
            return failed, Decision(wait=self._retries.delay_after(tries))
        except NetworkError as failed:
            return await self._decide(state, adapter, failed, tries=tries)
        if not is_fresh:
            return error, Decision(wait=REFRESH_POLL, counted=False)
        return error, decision

    def _aftermath(self, wait: timedelta | None, state: DeliveryState, part: int) -> Aftermath:
        if wait is not None:
            return Wait(until=self._clock() + wait)
        return WithoutComment() if state.is_comment(part) else Fail()

    async def _come_back(
        self, state: DeliveryState, decision: Decision, error: NetworkError
    ) -> None:
        wait = decision.wait
        if wait is None:
            return
        if decision.failure is FailureType.RECONNECT and await self._accounts.has_fresh(
            state.account
        ):
            # Connected again before anybody could see that this delivery waits for it.
            wait = AT_ONCE
        raise ApplicationError(
            str(error),
            type=decision.failure,
            category=PLANNED,
            next_retry_delay=max(wait, timedelta(milliseconds=1)),
        ) from error
