"""Networks in this process, one for each guarantee, that fail as told and know what is public."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import ClassVar
from uuid import UUID

from domain.content import PartKind
from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from networks.errors import (
    Answer,
    ContentRefused,
    DuplicateRefused,
    OutcomeUnknown,
    RateLimited,
    TryLater,
)
from networks.protocol import (
    Connection,
    Credentials,
    Evidence,
    NotFound,
    Outgoing,
    Piece,
    Prepared,
    Target,
)

Clock = Callable[[], datetime]

INDEXED_AFTER = timedelta(seconds=20)
"""So long a searchable network does not show what is public already."""

LATE = timedelta(seconds=3)
"""So long after the connection broke a network still publishes what it had received."""


class Mishap(StrEnum):
    """What a send meets."""

    DROPPED = "no answer, and nothing published"
    ANSWER_LOST = "published, and the answer lost"
    LATE = "no answer, and published a moment later"
    REFUSED = "refused for good"
    TRY_LATER = "refused for now"
    RATE_LIMITED = "rate limited"
    DUPLICATE = "called a duplicate"
    UNSEEN = "no answer, and the next look fails"


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """One thing that everybody can read."""

    network: Network
    account_id: UUID
    attempt_id: UUID
    part: int
    text: str
    at: datetime
    key: str
    remote_id: str

    @property
    def place(self) -> tuple[UUID, str, int]:
        """Where it may stand once: account, post and part."""
        return self.account_id, self.text.partition(" ")[0], self.part

    @property
    def receipt(self) -> Receipt:
        """Its proof."""
        return Receipt(
            remote_id=self.remote_id, permalink=f"https://network.example/{self.remote_id}"
        )


class FallibleNetwork:
    """Publishes what is sent; keeps everything that became public."""

    network: ClassVar[Network]
    guarantee: ClassVar[Guarantee]
    resend_window: ClassVar[timedelta | None] = None

    def __init__(self, clock: Clock) -> None:
        """Nothing is public and no mishap planned."""
        self._clock = clock
        self._numbers = count(1)
        self._received: list[Publication] = []
        self._unseen = 0
        self.mishaps: list[Mishap] = []

    @property
    def public(self) -> list[Publication]:
        """The truth."""
        return [one for one in self._received if one.at <= self._clock()]

    async def connect(self, supplied: Credentials) -> Connection:
        """Not asked for."""
        raise NotImplementedError

    async def check(self, target: Target) -> Connection:
        """Not asked for."""
        raise NotImplementedError

    async def refresh(self, target: Target) -> Connection:
        """Not asked for."""
        raise NotImplementedError

    def needs_preparation(self, piece: Piece) -> bool:
        """Nothing to transfer."""
        return False

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Nothing to do."""
        return {}

    async def warm(self, target: Target, requests: int) -> None:
        """There is nothing to open."""

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:
        """The same: the answer to the send names the permalink."""
        return receipt

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """A key of each attempt."""
        return {"key": f"{self.network}-{next(self._numbers)}"}

    async def send(self, target: Target, outgoing: Outgoing) -> Receipt:
        """Publish it, or meet the next mishap. Raises NetworkError."""
        answer = Answer(operation="publish")
        mishap = self.mishaps.pop(0) if self.mishaps else None
        match mishap:
            case Mishap.REFUSED:
                raise ContentRefused(self.network, mishap, answer=answer)
            case Mishap.TRY_LATER:
                raise TryLater(self.network, mishap, answer=answer)
            case Mishap.RATE_LIMITED:
                wait = timedelta(minutes=15)
                raise RateLimited(self.network, mishap, answer=answer, retry_after=wait)
            case Mishap.DUPLICATE:
                raise DuplicateRefused(self.network, mishap, answer=answer)
            case Mishap.DROPPED:
                raise OutcomeUnknown(self.network, mishap, answer=answer)
            case Mishap.UNSEEN:
                self._unseen += 1
                raise OutcomeUnknown(self.network, mishap, answer=answer)
            case Mishap.ANSWER_LOST:
                self._receive(target, outgoing)
                raise OutcomeUnknown(self.network, mishap, answer=answer)
            case Mishap.LATE:
                self._receive(target, outgoing, after=LATE)
                raise OutcomeUnknown(self.network, mishap, answer=answer)
            case _:
                return self._receive(target, outgoing).receipt

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """Look for what that attempt may have published."""
        if self._unseen:
            self._unseen -= 1
            return NotFound.UNKNOWN
        return self._find(target, outgoing)

    def forget_mishaps(self) -> None:
        """From now on everything works."""
        self.mishaps.clear()
        self._unseen = 0

    def _receive(
        self, target: Target, outgoing: Outgoing, *, after: timedelta = timedelta(0)
    ) -> Publication:
        key = str(outgoing.evidence["key"])
        publication = Publication(
            network=self.network,
            account_id=target.account_id,
            attempt_id=outgoing.attempt_id,
            part=outgoing.piece.index,
            text=outgoing.piece.text,
            at=self._clock() + after,
            key=key,
            remote_id=f"{self.network}-{next(self._numbers)}",
        )
        self._received.append(publication)
        return publication

    def _find(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """By text and time, like somebody who reads what is listed."""
        for one in self.public:
            if (
                one.account_id == target.account_id
                and one.text == outgoing.piece.text
                and outgoing.started_at <= one.at <= self._clock() - self._shown_after
            ):
                return one.receipt
        return NotFound.ABSENT

    _shown_after = timedelta(0)


class SearchableNetwork(FallibleNetwork):
    """Lists what is public, after a while, and publishes whatever is sent as often as it is."""

    network: ClassVar[Network] = Network.X
    guarantee: ClassVar[Guarantee] = Guarantee.SEARCHABLE
    _shown_after = INDEXED_AFTER


class IdempotentNetwork(FallibleNetwork):
    """Publishes nothing new under a key that it knows."""

    network: ClassVar[Network] = Network.MASTODON
    guarantee: ClassVar[Guarantee] = Guarantee.IDEMPOTENT_SEND
    resend_window: ClassVar[timedelta | None] = timedelta(hours=1)

    def _receive(
        self, target: Target, outgoing: Outgoing, *, after: timedelta = timedelta(0)
    ) -> Publication:
        key = str(outgoing.evidence["key"])
        known = next((one for one in self._received if one.key == key), None)
        return known or super()._receive(target, outgoing, after=after)


class TwoStepNetwork(FallibleNetwork):
    """Publishes a container once; comments it publishes as often as they are sent."""

    network: ClassVar[Network] = Network.INSTAGRAM
    guarantee: ClassVar[Guarantee] = Guarantee.TWO_STEP_COMMIT

    def needs_preparation(self, piece: Piece) -> bool:
        """Posts have containers."""
        return piece.kind is PartKind.POST

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Make a container."""
        return {"key": f"container-{next(self._numbers)}"}

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """The container."""
        return {**super().write_ahead(target, piece, prepared), **prepared}

    def _receive(
        self, target: Target, outgoing: Outgoing, *, after: timedelta = timedelta(0)
    ) -> Publication:
        if any(one.key == outgoing.evidence["key"] for one in self._received):
            raise DuplicateRefused(
                self.network, "The container is public.", answer=Answer(operation="publish")
            )
        return super()._receive(target, outgoing, after=after)

    def _find(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        if outgoing.piece.kind is not PartKind.POST:
            return super()._find(target, outgoing)
        for one in self._received:
            if one.key == outgoing.evidence["key"]:
                return one.receipt if one in self.public else NotFound.UNKNOWN
        return NotFound.ABSENT
