"""One delivery's parts, one after the other: claim, send once, record."""

from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import structlog
from temporalio.exceptions import ApplicationError

from activities.departures import Departures
from activities.observing import UNOBSERVED, Observer
from activities.pieces import Pieces
from activities.reasons import reason_of
from activities.refusals import Refusals
from activities.seats import Seat
from activities.waiting import PLANNED, Clock, wait_until
from contracts.failures import FailureType
from domain.networks import Network
from domain.receipts import Receipt
from domain.retry import LookupPlan
from networks.errors import DuplicateRefused, NetworkError, NotSent, OutcomeUnknown
from networks.protocol import Evidence, NetworkAdapter, NotFound, Outgoing, Piece, Target
from storage.admission import Refusal
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.publishing import PublishingStore

log = structlog.get_logger(__name__)

Sending = Coroutine[Any, Any, Receipt]
"""A composed request; awaiting it makes something public."""

CLAIM_LIFETIME = timedelta(seconds=30)
"""After it a claim no longer gives the right to send; its attempt is settled instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """What the network gave for a request, and when that left."""

    receipt: Receipt
    sent_at: datetime


class Sender:
    """Makes parts public and keeps their receipts."""

    def __init__(
        self,
        *,
        adapters: Mapping[Network, NetworkAdapter],
        store: PublishingStore,
        departures: Departures,
        pieces: Pieces,
        refusals: Refusals,
        lookups: LookupPlan,
        clock: Clock,
        told: Observer = UNOBSERVED,
    ) -> None:
        """`lookups` says when to look first for a send without an answer."""
        self._adapters = adapters
        self._store = store
        self._departures = departures
        self._told = told
        self._pieces = pieces
        self._refusals = refusals
        self._lookups = lookups
        self._clock = clock

    def book(self, state: DeliveryState, target: Target, piece: Piece) -> Seat:
        """Have the next part of an armed delivery leave at its publish time."""
        return self._departures.book(
            state, target, piece.index, self._evidence(state, target, piece)
        )

    async def send_parts(
        self,
        state: DeliveryState,
        target: Target,
        remaining: Sequence[Piece],
        seat: Seat,
    ) -> bool:
        """Publish what is left, its first part from the `seat` that is claimed.

        True when all of it is published; False when it ended otherwise, or a claim was lost. Raises
        ApplicationError with the time to come back when it has to wait.
        """
        claimed = seat.claimed.result()
        for piece in remaining:
            if piece is not remaining[0]:
                evidence = self._evidence(state, target, piece)
                claimed = await self._store.claim(state, piece.index, evidence, self._clock())
            if not isinstance(claimed, OpenAttempt):
                await self._not_now(state, claimed)
                return False
            outgoing = self._pieces.outgoing(state, piece, claimed)
            try:
                sent = await self._send_once(state, target, outgoing, claimed, seat.released)
            finally:
                if claimed.departure_id is not None:
                    self._departures.answered(state.publish_at, state.network)
            if sent is None:
                return False
            is_last = piece is remaining[-1]
            await self._record(state, target, claimed, sent, last_part=is_last)
            if not is_last:
                state = state.with_receipt(piece.index, sent.receipt)
        return True

    async def _not_now(self, state: DeliveryState, claimed: Refusal | None) -> None:
        if claimed is None:
            log.info("claim lost", delivery_id=str(state.delivery_id))
        else:
            await self._refusals.not_admitted(state, claimed)

    async def _send_once(
        self,
        state: DeliveryState,
        target: Target,
        outgoing: Outgoing,
        attempt: OpenAttempt,
        released: Awaitable[bool],
    ) -> _Sent | None:
        """Send it when its time has come; None when it was given up, or came too late to send."""
        sending = self._composed(state, target, outgoing)
        try:
            if not await released:
                return None
            await wait_until(attempt.started_at, self._clock)
            sent_at = self._clock()
            if sent_at - attempt.started_at > CLAIM_LIFETIME:
                # This process stood still: whoever took over may have looked, and sent, already.
                return None
            receipt = await self._send(state, target, outgoing, attempt, sending)
            return None if receipt is None else _Sent(receipt=receipt, sent_at=sent_at)
        finally:
            sending.close()

    def _composed(self, state: DeliveryState, target: Target, outgoing: Outgoing) -> Sending:
        """Ready to be awaited; what cannot be composed is told then, in its turn."""
        try:
            return self._adapters[state.network].send(target, outgoing)
        except Exception as error:  # noqa: BLE001  raised where it is awaited
            return _failing(error)

    def _evidence(self, state: DeliveryState, target: Target, piece: Piece) -> Evidence:
        adapter = self._adapters[state.network]
        return adapter.write_ahead(target, piece, state.prepared.get(piece.index, {}))

    async def _send(
        self,
        state: DeliveryState,
        target: Target,
        outgoing: Outgoing,
        attempt: OpenAttempt,
        sending: Sending,
    ) -> Receipt | None:
        """One committing request; None when the delivery was given up over it."""
        adapter = self._adapters[state.network]
        try:
            receipt = await sending
        except OutcomeUnknown as error:
            self._answered(state, attempt, failed=True)
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
        else:
            self._answered(state, attempt, failed=False)
            return receipt
        return None

    def _answered(self, state: DeliveryState, attempt: OpenAttempt, *, failed: bool) -> None:
        self._told.answered(
            state.network, state.account.account_id, failed=failed, started_at=attempt.started_at
        )

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
        self,
        state: DeliveryState,
        target: Target,
        attempt: OpenAttempt,
        sent: _Sent,
        *,
        last_part: bool,
    ) -> None:
        await self._departures.after_rush(state.publish_at)
        receipt = sent.receipt
        if attempt.part == 0 and receipt.permalink is None:
            receipt = await self._adapters[state.network].locate(target, receipt)
        await self._store.record_published(
            state, attempt, receipt, last_part=last_part, sent_at=sent.sent_at
        )
        lateness = sent.sent_at - state.publish_at
        if attempt.part == 0:
            self._told.published(state.network, state.workspace_id, lateness)
        log.info(
            "published",
            delivery_id=str(state.delivery_id),
            network=state.network,
            part=attempt.part,
            lateness_ms=round(lateness.total_seconds() * 1000),
        )


async def _failing(error: Exception) -> NoReturn:
    raise error
