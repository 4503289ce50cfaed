"""The fate of a try that was written down and never closed: looked for, never guessed."""

from collections.abc import Mapping

import structlog
from temporalio.exceptions import ApplicationError

from activities.accounts import Accounts
from activities.decisions import AT_ONCE
from activities.pieces import Pieces
from activities.reasons import reason_of
from activities.waiting import Clock
from contracts.failures import FailureType
from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from domain.retry import LookupPlan
from networks.errors import (
    AccountDisconnected,
    Answer,
    CredentialsExpired,
    NetworkError,
    OutcomeUnknown,
    RateLimited,
)
from networks.protocol import NetworkAdapter, NotFound, Outgoing, Target
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.publishing import PublishingStore, Reason, Wait

log = structlog.get_logger(__name__)


class Settler:
    """Proves what became of an open attempt, by the network's guarantee."""

    def __init__(
        self,
        *,
        adapters: Mapping[Network, NetworkAdapter],
        store: PublishingStore,
        accounts: Accounts,
        pieces: Pieces,
        lookups: LookupPlan,
        clock: Clock,
        resend_after_absence: bool,
    ) -> None:
        """`resend_after_absence`: searchable networks count as not sent when absent each time."""
        self._adapters = adapters
        self._store = store
        self._accounts = accounts
        self._pieces = pieces
        self._lookups = lookups
        self._clock = clock
        self._resend_after_absence = resend_after_absence

    async def settle(self, state: DeliveryState, attempt: OpenAttempt) -> None:
        """Close the attempt: published, not sent, or unconfirmed.

        Raises ApplicationError(OutcomeUnknown) with the time of the next look.
        """
        adapter = self._adapters[state.network]
        piece = self._pieces.part(state, attempt.part)
        outgoing = self._pieces.outgoing(state, piece, attempt)
        try:
            target = self._accounts.target(state.network, state.account)
            found = await self._find(adapter, target, outgoing)
        except NetworkError as error:
            await self._cannot_look(state, adapter, attempt, error)
            return
        if isinstance(found, Receipt):
            await self._published(state, attempt, found)
        elif found is NotFound.ABSENT and self._absence_is_proof(adapter, attempt):
            await self._not_sent(state, attempt)
        else:
            await self._look_again(state, attempt, found, _not_found(state.network, found))

    async def _find(
        self, adapter: NetworkAdapter, target: Target, outgoing: Outgoing
    ) -> Receipt | NotFound:
        """Look; where the same key again publishes nothing new, send again instead of waiting."""
        found = await adapter.find_published(target, outgoing)
        window = adapter.resend_window
        if isinstance(found, Receipt) or window is None:
            return found
        if self._clock() - outgoing.started_at > window:
            return found
        return await adapter.send(target, outgoing)

    def _absence_is_proof(self, adapter: NetworkAdapter, attempt: OpenAttempt) -> bool:
        if adapter.guarantee is Guarantee.TWO_STEP_COMMIT:
            return True
        last = self._lookups.delay_after(attempt.lookups + 1) is None
        return last and self._resend_after_absence and adapter.guarantee is Guarantee.SEARCHABLE

    async def _published(
        self, state: DeliveryState, attempt: OpenAttempt, receipt: Receipt
    ) -> None:
        last_part = self._pieces.is_last(state, attempt.part)
        await self._store.record_published(state, attempt, receipt, last_part=last_part)
        log.info("found published", delivery_id=str(state.delivery_id), network=state.network)

    async def _not_sent(self, state: DeliveryState, attempt: OpenAttempt) -> None:
        reason = Reason(
            type="not_sent",
            message=f"{state.network} proves that nothing was published.",
            evidence={"lookups": attempt.lookups + 1},
        )
        await self._store.record_not_sent(
            state, attempt, reason, counted=True, then=Wait(until=self._clock())
        )

    async def _cannot_look(
        self,
        state: DeliveryState,
        adapter: NetworkAdapter,
        attempt: OpenAttempt,
        error: NetworkError,
    ) -> None:
        match error:
            case RateLimited():
                raise ApplicationError(
                    str(error), type=FailureType.RATE_LIMITED, next_retry_delay=error.retry_after
                ) from error
            case CredentialsExpired():
                await self._refresh(state, adapter, error)
            case AccountDisconnected():
                await self._accounts.mark(state.account, "reconnect", error)
        await self._look_again(state, attempt, NotFound.UNKNOWN, error)

    async def _refresh(
        self, state: DeliveryState, adapter: NetworkAdapter, error: NetworkError
    ) -> None:
        try:
            await self._accounts.refresh(adapter, state.account)
        except NetworkError as final:
            log.info("refresh failed", delivery_id=str(state.delivery_id), error=str(final))
            return
        raise ApplicationError(
            str(error), type=FailureType.OUTCOME_UNKNOWN, next_retry_delay=AT_ONCE
        ) from error

    async def _look_again(
        self, state: DeliveryState, attempt: OpenAttempt, found: NotFound, error: NetworkError
    ) -> None:
        """Wait for the next look, or leave it to a person after the last one."""
        delay = self._lookups.delay_after(attempt.lookups + 1)
        reason = reason_of(error)
        if delay is None:
            await self._store.leave_unconfirmed(state, attempt, reason)
            return
        await self._store.record_lookup(state, attempt, reason, found=found)
        raise ApplicationError(
            f"{error} Looking again in {delay.total_seconds():.0f} s.",
            type=FailureType.OUTCOME_UNKNOWN,
            next_retry_delay=delay,
        ) from error


def _not_found(network: Network, found: NotFound) -> OutcomeUnknown:
    told = "does not show it" if found is NotFound.ABSENT else "cannot tell"
    return OutcomeUnknown(
        network,
        f"The send was not answered, and {network} {told}.",
        answer=Answer(operation="lookup"),
    )
