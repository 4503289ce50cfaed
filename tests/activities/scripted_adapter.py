"""Networks that answer what a test says, one for each kind of guarantee."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ClassVar, Generic, TypeVar

from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    AccountRemoved,
    Answer,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    NetworkError,
    OutcomeUnknown,
    PreparationLost,
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

T = TypeVar("T")


class Line(Generic[T]):
    """What one kind of call answers or raises, one after the other."""

    def __init__(self) -> None:
        """Nothing in line: a call that nothing is said for is a mistake."""
        self._answers: list[T | NetworkError | Callable[[], Awaitable[T]]] = []

    def then(self, *answers: T | NetworkError | Callable[[], Awaitable[T]]) -> None:
        """Put answers in line: a value, an error, or something to do that brings either."""
        self._answers.extend(answers)

    @property
    def is_over(self) -> bool:
        """Whether everything in line was asked for."""
        return not self._answers

    async def play(self) -> T:
        """Give the next one."""
        assert self._answers, "the network was asked for what the test says nothing about"
        answer = self._answers.pop(0)
        await asyncio.sleep(0)
        if isinstance(answer, NetworkError):
            raise answer
        return await answer() if callable(answer) else answer


class ScriptedAdapter:
    """Answers each kind of call with what was put in line for it; keeps what it was asked."""

    network: ClassVar[Network] = Network.X
    guarantee: ClassVar[Guarantee] = Guarantee.SEARCHABLE
    resend_window: ClassVar[timedelta | None] = None

    def __init__(self) -> None:
        """Nothing in line."""
        self.sends = Line[Receipt]()
        self.finds = Line[Receipt | NotFound]()
        self.prepares = Line[Prepared]()
        self.refreshes = Line[Connection]()
        self.sent: list[Outgoing] = []
        self.looked_for: list[Outgoing] = []
        self.spoke_with: list[Credentials] = []
        self.needs_media = False

    async def connect(self, supplied: Credentials) -> Connection:
        """Not asked for by activities."""
        raise NotImplementedError

    async def check(self, target: Target) -> Connection:
        """Not asked for by activities."""
        raise NotImplementedError

    async def refresh(self, target: Target) -> Connection:
        """The next refresh."""
        return await self.refreshes.play()

    def needs_preparation(self, piece: Piece) -> bool:
        """What the test says."""
        return self.needs_media

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """The next preparation."""
        return await self.prepares.play()

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """A key for each attempt."""
        return {"key": f"key-{len(self.sent)}", **prepared}

    async def warm(self, target: Target, requests: int) -> None:
        """There is nothing to open."""

    async def send(self, target: Target, outgoing: Outgoing) -> Receipt:
        """The next send."""
        self.sent.append(outgoing)
        self.spoke_with.append(target.credentials)
        return await self.sends.play()

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:
        """The same: the answer to the send names the permalink."""
        return receipt

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """The next look."""
        self.looked_for.append(outgoing)
        return await self.finds.play()


class SearchableNetwork(ScriptedAdapter):
    """Can only be searched."""


class IdempotentNetwork(ScriptedAdapter):
    """Takes the same key again for an hour."""

    network: ClassVar[Network] = Network.MASTODON
    guarantee: ClassVar[Guarantee] = Guarantee.IDEMPOTENT_SEND
    resend_window: ClassVar[timedelta | None] = timedelta(hours=1)


class TwoStepNetwork(ScriptedAdapter):
    """Publishes a container once."""

    network: ClassVar[Network] = Network.INSTAGRAM
    guarantee: ClassVar[Guarantee] = Guarantee.TWO_STEP_COMMIT


def refusal(error: type[NetworkError], detail: str = "No.", status: int = 400) -> NetworkError:
    """One of those errors."""
    answer = Answer(operation="publish", status=status, code="17", request_id="trace-1")
    if issubclass(error, RateLimited):
        return error(Network.X, detail, answer=answer, retry_after=timedelta(minutes=15))
    return error(Network.X, detail, answer=answer)


NOT_SENT = (
    TryLater,
    RateLimited,
    MediaNotReady,
    PreparationLost,
    CredentialsExpired,
    AccountDisconnected,
    AccountRemoved,
    AccountBlocked,
    ContentRefused,
    DuplicateRefused,
)
"""Every clean no."""


def unknown() -> NetworkError:
    """No answer to a send."""
    return refusal(OutcomeUnknown, "No answer.", 500)


def receipt(number: int = 1) -> Receipt:
    """The proof of a send."""
    return Receipt(remote_id=str(number), permalink=f"https://network.example/{number}")


def renewed(**credentials: str) -> Connection:
    """What a refresh brings, with more than is to be kept."""
    return Connection(
        remote_id="somebody else",
        handle="another_handle",
        display_name="Another name",
        credentials=credentials or {"access_token": "renewed"},
    )
