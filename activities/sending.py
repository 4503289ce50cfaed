"""One delivery's parts, one after the other: claim, send once, record."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NoReturn

import structlog
from temporalio.exceptions import ApplicationError

from activities.pieces import Pieces
from activities.reasons import reason_of
from activities.refusals import Refusals
from activities.waiting import PLANNED, Clock
from contracts.failures import FailureType
from domain.networks import Network
from domain.receipts import Receipt
from domain.retry import LookupPlan
from networks.errors import DuplicateRefused, NetworkError, NotSent, OutcomeUnknown
from networks.protocol import NetworkAdapter, NotFound, Outgoing, Target
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.publishing import PublishingStore

log = structlog.get_logger(__name__)


CLAIM_LIFETIME = timedelta(seconds=30)
"""After it a claim no longer gives the right to send; its attempt is settled instead."""


class Sender:
    """Makes parts public and keeps their receipts."""

    def __init__(
        self,
        *,
        adapters: Mapping[Network, NetworkAdapter],
        store: PublishingStore,
        pieces: Pieces,
        refusals: Refusals,
        lookups: LookupPlan,
        clock: Clock,
    ) -> None:
        """`lookups` says when to look first for a send without an answer."""
        self._adapters = adapters
        self._store = store
        self._pieces = pieces
        self._refusals = refusals
        self._lookups = lookups
        self._clock = clock

    async def send_parts(self, state: DeliveryState, target: Target) -> None:
        """Publish what is left of an armed delivery; return when it is settled or the claim lost.

        Raises ApplicationError with the time to come back when it has to wait.
        """
        remaining = self._pieces.remaining(state)
        adapter = self._adapters[state.network]
        for piece in remaining:
            prepared = state.prepared.get(piece.index, {})
            evidence = adapter.write_ahead(target, piece, prepared)
            attempt = await self._store.claim(state, piece.index, evidence, self._clock())
            if attempt is None:
                log.info("claim lost", delivery_id=str(state.delivery_id))
                return
            if self._clock() - attempt.started_at > CLAIM_LIFETIME:
                # This process stood still: whoever took over may have looked, and sent, already.
                return
            outgoing = self._pieces.outgoing(state, piece, attempt)
            receipt = await self._send(state, target, outgoing, attempt)
            if receipt is None:
                return
            await self._record(state, attempt, receipt, last_part=piece is remaining[-1])
            state = state.with_receipt(piece.index, receipt)

    async def _send(
        self, state: DeliveryState, target: Target, outgoing: Outgoing, attempt: OpenAttempt
    ) -> Receipt | None:
        """One committing request; None when the delivery was given up over it."""
        adapter = self._adapters[state.network]
        try:
            return await adapter.send(target, outgoing)
        except OutcomeUnknown as error:
            await self._leave_open(state, attempt, error)
        except DuplicateRefused as error:
            found = await self._find(state, target, self._pieces.since_first_try(state, outgoing))
            if isinstance(found, Receipt):
                return found
            if found is NotFound.UNKNOWN or attempt.part in state.doubtful:
                await self._leave_open(state, attempt, error)
            await self._refusals.after_attempt(state, adapter, attempt, error)
        except NotSent as error:
            await self._refusals.after_attempt(state, adapter, attempt, error)
        return None

    async def _leave_open(
        self, state: DeliveryState, attempt: OpenAttempt, error: NetworkError
    ) -> NoReturn:
        await self._store.record_unknown(state, attempt, reason_of(error))
        raise ApplicationError(
            f"{error} It is looked for before anything else happens.",
            type=FailureType.OUTCOME_UNKNOWN,
            category=PLANNED,
            next_retry_delay=self._lookups.delay_after(0),
        ) from error

    async def _find(
        self, state: DeliveryState, target: Target, outgoing: Outgoing
    ) -> Receipt | NotFound:
        """The network says it has this already: perhaps from an earlier try of ours."""
        try:
            found = await self._adapters[state.network].find_published(target, outgoing)
        except NotSent:
            # Said of the look, and not of what is looked for.
            return NotFound.UNKNOWN
        if isinstance(found, Receipt) and await self._store.is_elsewhere(state, found):
            return NotFound.ABSENT
        return found

    async def _record(
        self, state: DeliveryState, attempt: OpenAttempt, receipt: Receipt, *, last_part: bool
    ) -> None:
        await self._store.record_published(state, attempt, receipt, last_part=last_part)
        log.info(
            "published",
            delivery_id=str(state.delivery_id),
            network=state.network,
            part=attempt.part,
            lateness_ms=round((attempt.started_at - state.publish_at).total_seconds() * 1000),
        )
