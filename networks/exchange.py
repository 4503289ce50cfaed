"""One exchange with a network: a request, then what was asked for or a classed error."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from domain.networks import Network
from networks.errors import (
    AccountDisconnected,
    Answer,
    ContentRefused,
    NetworkError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    TryLater,
)
from networks.http_client import NoAnswer, NotConnected, Response

Wanted = TypeVar("Wanted")

Clock = Callable[[], datetime]
"""Tells the present moment, UTC."""

QUOTE_LIMIT = 240
"""Characters of a network's own words in an error's detail."""

ECHO_LENGTH = 20
"""Characters of the user's text in a network's words from which on they are not quoted."""

EPOCH_DIGITS = 11
"""Digits of a plausible moment in seconds since 1970; more are another unit."""


def utc_now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a refusal says, in the network's own terms."""

    code: str | None = None
    message: str = ""
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """One row of a network's error table: what a refusal looks like and what it means."""

    error: type[NotSent]
    detail: str
    """For the user: what was wrong and what to do."""
    status: int | None = None
    code: str | None = None
    phrase: str | None = None
    """A part of the message, in lower case."""
    wait: timedelta | None = None
    """How long to wait when the answer does not say. RateLimited only."""

    def fits(self, status: int, said: Said) -> bool:
        """Whether this row speaks of that answer; what the row leaves open fits everything."""
        return (
            self.status in {None, status}
            and self.code in {None, said.code}
            and (self.phrase is None or self.phrase in said.message.lower())
        )


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one network says no."""

    network: Network
    title: str
    """The network's name as users know it."""
    refusals: Sequence[Refusal]
    """The first that fits a 4xx answer counts; one that fits none is ContentRefused."""
    said: Callable[[Response], Said]
    reopens: Callable[[Response], datetime | None]
    """When the network's own headers let a rate-limited caller come back, UTC."""
    spent: Callable[[Response], datetime | None]
    """The same, where an answer of any kind says that nothing is left; None while there is room."""
    usual_wait: timedelta
    """The network's documented window, for a 429 that names no time."""
    now: Clock

    async def look(
        self,
        operation: str,
        request: Awaitable[Response],
        read: Callable[[Response], Wanted],
        *,
        withheld: Iterable[str] = (),
    ) -> Wanted:
        """Send a request that may be repeated freely, and `read` the 2xx answer.

        Raises NotSent; TryLater for whatever a repeat may cure, an answer that `read` cannot make
        sense of among it. `withheld` are texts and secrets that no error may quote.
        """
        return await self._exchange(operation, request, read, tuple(withheld), TryLater)

    async def commit(
        self,
        operation: str,
        request: Awaitable[Response],
        read: Callable[[Response], Wanted],
        *,
        withheld: Iterable[str] = (),
    ) -> Wanted:
        """Send the request that makes something public, and `read` the 2xx answer.

        Raises NotSent when it certainly had no effect, OutcomeUnknown when nobody can tell.
        """
        return await self._exchange(operation, request, read, tuple(withheld), OutcomeUnknown)

    async def _exchange(
        self,
        operation: str,
        request: Awaitable[Response],
        read: Callable[[Response], Wanted],
        withheld: tuple[str, ...],
        unclear: type[TryLater] | type[OutcomeUnknown],
    ) -> Wanted:
        answer = Answer(operation=operation)
        try:
            response = await request
        except NotConnected as error:
            detail = f"No connection to {self.title} could be made."
            raise TryLater(self.network, detail, answer=answer) from error
        except NoAnswer as error:
            raise unclear(self.network, f"{self.title} did not answer.", answer=answer) from error
        if 200 <= response.status < 300:
            try:
                return read(response)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                answer = Answer(operation=operation, status=response.status)
                detail = f"{self.title} answered something that makes no sense."
                raise unclear(self.network, detail, answer=answer) from error
        raise self._refused(operation, response, withheld, unclear)

    def _refused(
        self,
        operation: str,
        response: Response,
        withheld: tuple[str, ...],
        unclear: type[TryLater] | type[OutcomeUnknown],
    ) -> NetworkError:
        said = self.said(response)
        answer = Answer(
            operation=operation, status=response.status, code=said.code, request_id=said.request_id
        )
        # 408: the server gave up reading; a proxy may answer so after it has passed everything on.
        if not 400 <= response.status < 500 or response.status == 408:
            detail = f"{self.title} has a fault of its own (HTTP {response.status})."
            return unclear(self.network, detail, answer=answer)
        row = next((row for row in self.refusals if row.fits(response.status, said)), None)
        if row is None:
            detail = f"{self.title} refuses this (HTTP {response.status})."
            return ContentRefused(self.network, detail + self._quote(said, withheld), answer=answer)
        detail = row.detail + self._quote(said, withheld)
        if issubclass(row.error, RateLimited):
            wait = self._wait(response, row.wait or self.usual_wait)
            return RateLimited(self.network, detail, answer=answer, retry_after=wait)
        return row.error(self.network, detail, answer=answer)

    def _wait(self, response: Response, usual: timedelta) -> timedelta:
        now = self.now()
        reopens = retry_after(response, now) or self.reopens(response)
        return usual if reopens is None else max(reopens - now, timedelta(seconds=1))

    def _quote(self, said: Said, withheld: tuple[str, ...]) -> str:
        words = " ".join(said.message.split())
        if not words or any(_echoes(words, one) for one in withheld):
            return ""
        return f" {self.title} says: {words[:QUOTE_LIMIT]}"


def _echoes(words: str, withheld: str) -> bool:
    """Whether some stretch of what is withheld stands in the network's words."""
    plain = " ".join(withheld.split())
    stretches = range(max(1, len(plain) - ECHO_LENGTH + 1))
    return bool(plain) and any(plain[at : at + ECHO_LENGTH] in words for at in stretches)


def required_credential(network: Network, supplied: Mapping[str, str], name: str) -> str:
    """That credential without the spaces around it. Raises ContentRefused naming a missing one."""
    value = supplied.get(name, "").strip()
    if not value:
        raise refused_credential(network, name, "is missing")
    return value


def refused_credential(network: Network, name: str, reason: str) -> ContentRefused:
    """The error for a credential that cannot be used, such as `is missing`."""
    return ContentRefused(
        network, f"credentials.{name} {reason}.", answer=Answer(operation="connect")
    )


def disconnected(error: NetworkError, detail: str) -> AccountDisconnected:
    """The same refusal where no refresh can help: the credentials themselves are no good."""
    return AccountDisconnected(error.network, detail, answer=error.answer)


def is_from_elsewhere(error: NetworkError) -> bool:
    """Whether what answered a log-in is no server of that network at all."""
    status = error.answer.status
    return status is not None and (status < 400 or status in {404, 405, 410})


def retry_after(response: Response, now: datetime) -> datetime | None:
    """The moment that `Retry-After` names, in seconds from now or as a date; None when it does not.

    RFC 9110, section 10.2.3.
    """
    told = response.headers.get("retry-after", "")
    if told.isdecimal():
        return now + timedelta(seconds=int(told)) if len(told) < EPOCH_DIGITS else None
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def from_epoch(seconds: str | None) -> datetime | None:
    """The moment a rate-limit header names in seconds since 1970; None when it names none."""
    if not seconds or not seconds.isdecimal() or len(seconds) > EPOCH_DIGITS:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
