"""The fate of a try that was written down and never closed: looked for, never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import structlog
from temporalio.exceptions import ApplicationError

from activities.accounts import Accounts
from activities.decisions import AT_ONCE, REFRESH_POLL
from activities.pieces import Pieces
from activities.reasons import evidence_of, reason_of, type_of
from activities.refusals import Refusals
from activities.waiting import PLANNED, Clock
from contracts.failures import FailureType
from domain.networks import Guarantee, Network
from domain.policies import AmbiguityPolicy
from domain.receipts import Receipt
from domain.retry import LookupPlan
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    Answer,
    CredentialsExpired,
    DuplicateRefused,
    NetworkError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
)
from networks.protocol import NetworkAdapter, NotFound, Outgoing, Target
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outcomes import Reason
from storage.publishing import PublishingStore

log = structlog.get_logger(__name__)

PUNCTUALITY = timedelta(seconds=3)
"""After its second a departure that nobody released is taken for its worker's death."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A look that brought no receipt."""

    found: NotFound
    error: NetworkError
    """Why: what the look, or sending again after it, was answered."""
    sent_again: bool = False

    @property
    def refusal(self) -> NotSent | None:
        """The network's clean no to sending again what does not stand there."""
        is_clean = self.sent_again and self.found is NotFound.ABSENT
        return self.error if is_clean and isinstance(self.error, NotSent) else None


class Settler:
    """Proves what became of an open attempt, by the network's guarantee."""

    def __init__(
        self,
        *,
        adapters: Mapping[Network, NetworkAdapter],
        store: PublishingStore,
        accounts: Accounts,
        pieces: Pieces,
        refusals: Refusals,
        lookups: LookupPlan,
        clock: Clock,
    ) -> None:
        """`lookups` says when to look, and how often."""
        self._adapters = adapters
        self._store = store
        self._accounts = accounts
        self._pieces = pieces
        self._refusals = refusals
        self._lookups = lookups
        self._clock = clock

    async def settle(self, state: DeliveryState, attempt: OpenAttempt) -> None:
        """Close the attempt: published, not sent, or unconfirmed.

        Raises ApplicationError(OutcomeUnknown) with the time of the next look.
        """
        if attempt.departure_id is not None and await self._never_left(attempt):
            await self._refusals.never_left(state, attempt)
            return
        adapter = self._adapters[state.network]
        if self._may_resend(adapter, attempt):
            attempt = await self._store.take_over(attempt)
        found = await self._look(state, adapter, attempt)
        if isinstance(found, Receipt):
            await self._published(state, attempt, found)
            return
        at_once = await self._repair(state, adapter, found.error)
        await self._store.record_lookup(state, attempt, reason_of(found.error), found=found.found)
        delay = self._lookups.delay_after(attempt.lookups + 1)
        if delay is None and found.found is NotFound.ABSENT and not found.sent_again:
            # Workers that died after a look were replaced at once: that was too early for proof.
            delay = self._lookups.until_last(self._age_of(attempt)) or None
        if self._is_proof(state, adapter, attempt, found.found, is_last=delay is None):
            await self._not_sent(state, adapter, attempt)
        elif delay is not None:
            _look_again(found.error, AT_ONCE if at_once else delay)
        elif found.refusal is not None:
            await self._refusals.after_attempt(state, adapter, attempt, found.refusal)
        else:
            await self._unconfirmed(state, attempt, found.error)

    async def _never_left(self, attempt: OpenAttempt) -> bool:
        """Whether the departure that it was claimed with was never released, and never will be.

        Raises ApplicationError while its worker, were it alive, would still be about to.
        """
        early = PUNCTUALITY - self._age_of(attempt)
        if early > timedelta(0):
            raise ApplicationError(
                "Claimed by another worker, for a second that has not passed yet.",
                type=FailureType.OUTCOME_UNKNOWN,
                category=PLANNED,
                next_retry_delay=early,
            )
        return attempt.departure_id is not None and await self._store.revoke(attempt.departure_id)

    async def _look(
        self, state: DeliveryState, adapter: NetworkAdapter, attempt: OpenAttempt
    ) -> Receipt | Missed:
        """Look; where the same key again publishes nothing new, send again instead of waiting."""
        piece = self._pieces.part(state, attempt.part)
        outgoing = self._pieces.outgoing(state, piece, attempt)
        try:
            target = self._accounts.target(state.network, state.account)
        except NetworkError as error:
            return Missed(found=NotFound.UNKNOWN, error=error)
        missed = await self._find(state, target, self._pieces.since_first_try(state, outgoing))
        if isinstance(missed, Receipt) or not self._may_resend(adapter, attempt):
            return missed
        try:
            return await adapter.send(target, outgoing)
        except NetworkError as error:
            return Missed(found=missed.found, error=error, sent_again=True)

    async def _find(
        self, state: DeliveryState, target: Target, outgoing: Outgoing
    ) -> Receipt | Missed:
        adapter = self._adapters[state.network]
        try:
            found = await adapter.find_published(target, outgoing)
        except NetworkError as error:
            # "Not sent" is said of the look here: nothing is known of what is looked for.
            return Missed(found=NotFound.UNKNOWN, error=error)
        if isinstance(found, Receipt):
            if not await self._store.is_elsewhere(state, found):
                return found
            # Another delivery's, with the same text; whether ours is beside it, nobody can tell.
            found = NotFound.UNKNOWN
        return Missed(found=found, error=_not_found(adapter.network, found))

    def _may_resend(self, adapter: NetworkAdapter, attempt: OpenAttempt) -> bool:
        window = adapter.resend_window
        return window is not None and self._age_of(attempt) <= window

    def _age_of(self, attempt: OpenAttempt) -> timedelta:
        return self._clock() - attempt.started_at

    def _is_proof(
        self,
        state: DeliveryState,
        adapter: NetworkAdapter,
        attempt: OpenAttempt,
        found: NotFound,
        *,
        is_last: bool,
    ) -> bool:
        """Whether not standing there proves that nothing was, or will be, published."""
        if found is not NotFound.ABSENT:
            return False
        if _is_duplicate(attempt):
            # It stands there, says the network: only without any doubtful try is it not ours.
            return attempt.part not in state.doubtful
        if adapter.guarantee is Guarantee.TWO_STEP_COMMIT and not state.is_comment(attempt.part):
            return True
        # Comments have no container; they can only be searched for.
        is_searched = adapter.guarantee in {Guarantee.SEARCHABLE, Guarantee.TWO_STEP_COMMIT}
        return is_last and is_searched and state.ambiguity_policy is AmbiguityPolicy.RESEND

    async def _published(
        self, state: DeliveryState, attempt: OpenAttempt, receipt: Receipt
    ) -> None:
        last_part = self._pieces.is_last(state, attempt.part)
        await self._store.record_published(state, attempt, receipt, last_part=last_part)
        log.info("found published", delivery_id=str(state.delivery_id), network=state.network)

    async def _not_sent(
        self, state: DeliveryState, adapter: NetworkAdapter, attempt: OpenAttempt
    ) -> None:
        if _is_duplicate(attempt):
            detail = str((attempt.error or {})["message"])
            refusal = DuplicateRefused(state.network, detail, answer=Answer(operation="publish"))
            await self._refusals.after_attempt(state, adapter, attempt, refusal)
            return
        reason = Reason(
            type="not_sent",
            message=f"{state.network} proves that nothing was published.",
            evidence=evidence_of(attempt),
        )
        await self._refusals.after_proof(state, attempt, reason)

    async def _unconfirmed(
        self, state: DeliveryState, attempt: OpenAttempt, error: NetworkError
    ) -> None:
        look = reason_of(error)
        reason = Reason(
            type=type_of(OutcomeUnknown),
            message=look.message,
            evidence={
                **evidence_of(attempt),
                "lookups": attempt.lookups + 1,
                "last_look": look.as_json(),
            },
        )
        await self._store.leave_unconfirmed(state, attempt, reason)

    async def _repair(
        self, state: DeliveryState, adapter: NetworkAdapter, error: NetworkError
    ) -> bool:
        """Put right what keeps us from looking; whether to look again at once.

        Raises ApplicationError when there is a time to wait for first, which is no look.
        """
        match error:
            case RateLimited():
                raise ApplicationError(
                    str(error),
                    type=FailureType.RATE_LIMITED,
                    category=PLANNED,
                    next_retry_delay=error.retry_after,
                ) from error
            case CredentialsExpired():
                return await self._refresh(state, adapter, error)
            case AccountDisconnected():
                await self._accounts.mark(state.account, "reconnect", error)
            case AccountBlocked():
                await self._accounts.mark(state.account, "blocked", error)
        return False

    async def _refresh(
        self, state: DeliveryState, adapter: NetworkAdapter, error: NetworkError
    ) -> bool:
        try:
            is_fresh = await self._accounts.refresh(adapter, state.account)
        except AccountDisconnected as final:
            await self._accounts.mark(state.account, "reconnect", final)
            return False
        except NetworkError as passing:
            log.info("refresh failed", delivery_id=str(state.delivery_id), error=str(passing))
            return False
        if not is_fresh:
            _look_again(error, REFRESH_POLL)
        return True


def _look_again(error: NetworkError, delay: timedelta) -> NoReturn:
    raise ApplicationError(
        f"{error} Looking again in {delay.total_seconds():g} s.",
        type=FailureType.OUTCOME_UNKNOWN,
        category=PLANNED,
        next_retry_delay=delay,
    ) from error


def _is_duplicate(attempt: OpenAttempt) -> bool:
    """Whether the network answered the send that it has this already."""
    return (attempt.error or {}).get("type") == type_of(DuplicateRefused)


def _not_found(network: Network, found: NotFound) -> OutcomeUnknown:
    told = "does not show it" if found is NotFound.ABSENT else "cannot tell"
    return OutcomeUnknown(
        network,
        f"The send was not answered, and {network} {told}.",
        answer=Answer(operation="lookup"),
    )
