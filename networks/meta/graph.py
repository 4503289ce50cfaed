"""Requests to Meta's Graph API, as the Facebook and Instagram adapters share them."""

import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import quote

from domain.networks import Network
from networks.errors import (
    AccountDisconnected,
    Answer,
    ContentRefused,
    NetworkError,
    OutcomeUnknown,
    TryLater,
)
from networks.http_client import FilePart, HttpClient, NoAnswer, NotConnected, Response
from networks.meta.graph_errors import classify, time_to_regain
from networks.protocol import Credentials, Outgoing, Target

PRIVATE_FIELDS = ("message", "caption", "alt_text", "alt_text_custom", "link", "image_url")
"""Form fields with the user's words, or with addresses that may be signed."""

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How much earlier than our attempt its post may seem to be made."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of an edge, newest first where the edge has an order."""

    rows: Sequence[Mapping[str, Any]]
    whole: bool
    """Whether there is nothing beyond these rows."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became public."""

    id: str
    wait_until: datetime | None
    """When Graph lets the account go on, UTC, if this was the last that it takes for now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A request that makes something public, ready to leave."""

    operation: str
    request: Awaitable[Response] = field(repr=False)
    private: tuple[str, ...] = field(repr=False)
    """The user's words and secrets in it."""


class Graph:
    """The Graph API as one network's adapter uses it.

    The token travels in the Authorization header only: addresses end up in logs.
    """

    def __init__(self, http: HttpClient, *, network: Network, base_url: str) -> None:
        """`base_url` has the version in it and no slash at its end."""
        self._http = http
        self._network = network
        self._base_url = base_url

    async def warm(self, connections: int) -> None:
        """Open so many connections."""
        await self._http.warm(self._base_url, connections)

    async def get(
        self,
        operation: str,
        *path: str,
        token: str,
        query: Mapping[str, str] | None = None,
        wait: timedelta | None = None,
    ) -> dict[str, Any]:
        """Read one object. Raises NotSent errors only; `wait` bounds the request."""
        try:
            response = await self._http.request(
                "GET", self._address(path), query=query, bearer=token, timeout=wait
            )
        except (NotConnected, NoAnswer) as failure:
            raise self._unreachable(operation, failure) from None
        return self._accepted(operation, response, private=(token,))

    async def listing(
        self, operation: str, *path: str, token: str, fields: str, limit: int, **query: str
    ) -> Listing:
        """Read the first `limit` rows of an edge. Raises NotSent errors only."""
        answer = await self.get(
            operation, *path, token=token, query={"fields": fields, "limit": str(limit), **query}
        )
        rows = answer.get("data")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TryLater(
                self._network,
                f"{self._name} gave an unreadable list.",
                answer=Answer(operation=operation),
            )
        more = "next" in mapping(answer.get("paging"))
        return Listing(rows, whole=not more and len(rows) < limit)

    async def create(
        self,
        operation: str,
        *path: str,
        token: str,
        form: Mapping[str, str],
        files: Sequence[FilePart] = (),
    ) -> str:
        """Make something that nobody sees, and tell its id. Raises NotSent errors only."""
        try:
            response = await self._http.request(
                "POST", self._address(path), bearer=token, form=form, files=files
            )
        except (NotConnected, NoAnswer) as failure:
            raise self._unreachable(operation, failure) from None
        accepted = self._accepted(operation, response, private=(token, *_private(form)))
        if identifier := _identifier(accepted):
            return identifier
        raise TryLater(
            self._network,
            f"{self._name} gave no id for what it made.",
            answer=Answer(operation=operation, status=response.status),
        )

    def compose(self, operation: str, *path: str, token: str, form: Mapping[str, str]) -> Commit:
        """What will make something public, in exactly one request."""
        request = self._http.request("POST", self._address(path), bearer=token, form=form)
        return Commit(operation=operation, request=request, private=(token, *_private(form)))

    async def commit(self, commit: Commit) -> Made:
        """Make it public.

        Raises OutcomeUnknown when the request left and no clear answer came.
        """
        operation = commit.operation
        try:
            response = await commit.request
        except NotConnected as failure:
            raise self._unreachable(operation, failure) from None
        except NoAnswer as failure:
            raise OutcomeUnknown(
                self._network,
                f"{self._name} did not answer, so nobody knows yet whether it was published.",
                answer=Answer(operation=operation, fields={"failure": str(failure)}),
            ) from None
        if not 200 <= response.status < 300:
            raise classify(
                self._network, operation, response, committing=True, private=commit.private
            )
        if identifier := _identifier(response.object):
            wait = time_to_regain(response)
            return Made(identifier, wait_until=datetime.now(UTC) + wait if wait else None)
        raise OutcomeUnknown(
            self._network,
            f"{self._name} took it, and its answer could not be read.",
            answer=Answer(operation=operation, status=response.status),
        )

    async def profile(
        self, operation: str, node: str, *, token: str, fields: str
    ) -> dict[str, Any]:
        """Read whose account `node` is. Raises AccountDisconnected when it is not shown."""
        try:
            return await self.get(operation, node, token=token, query={"fields": fields})
        except ContentRefused as refusal:
            raise AccountDisconnected(
                self._network,
                f"{self._name} does not show this account with this access token. Check that the "
                "id and the token belong together, then connect the account again.",
                answer=refusal.answer,
            ) from None

    def disconnected(self, operation: str, detail: str) -> AccountDisconnected:
        """The error for a connection that only the user can repair."""
        return AccountDisconnected(self._network, detail, answer=Answer(operation=operation))

    def required(self, supplied: Credentials, *names: str) -> tuple[str, ...]:
        """The named credentials. Raises ContentRefused naming the one that is missing or no id."""
        values = tuple(supplied.get(name, "").strip() for name in names)
        for name, value in zip(names, values, strict=True):
            if not value:
                self._refuse_field(f"{name} is missing. {self._name} needs {' and '.join(names)}.")
            if name.endswith("_id") and not re.fullmatch(r"[0-9]+", value):
                self._refuse_field(f"{name} must be the id that {self._name} gave, digits only.")
        return values

    @property
    def _name(self) -> str:
        return self._network.value.capitalize()

    def _address(self, path: Sequence[str]) -> str:
        return "/".join((self._base_url, *(quote(part, safe="") for part in path)))

    def _accepted(
        self, operation: str, response: Response, *, private: tuple[str, ...]
    ) -> dict[str, Any]:
        if 200 <= response.status < 300 and response.object:
            return response.object
        raise classify(self._network, operation, response, committing=False, private=private)

    def _unreachable(self, operation: str, failure: Exception) -> NetworkError:
        return TryLater(
            self._network,
            f"{self._name} could not be reached. It is tried again by itself.",
            answer=Answer(operation=operation, fields={"failure": str(failure)}),
        )

    def _refuse_field(self, detail: str) -> NoReturn:
        raise ContentRefused(self._network, detail, answer=Answer(operation="connect"))


def token_of(target: Target) -> str:
    """The stored access token."""
    return target.credentials["access_token"]


def root_id(outgoing: Outgoing) -> str:
    """The id of the post that a comment belongs to."""
    if outgoing.root is None:
        raise ValueError("a comment needs the receipt of the post that it belongs to")
    return outgoing.root.remote_id


def fingerprint(text: str) -> str:
    """A hash by which a text is known again after a network trimmed and re-wrapped it."""
    normalised = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(normalised.encode()).hexdigest()


def mapping(value: object) -> Mapping[str, Any]:
    """An object inside an answer; empty when it is none."""
    return value if isinstance(value, dict) else {}


def graph_time(value: object) -> datetime | None:
    """Graph's `2026-11-21T09:00:00+0000`; None when it is none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _identifier(answer: Mapping[str, Any]) -> str | None:
    value = answer.get("id")
    return str(value) if isinstance(value, str | int) and value else None


def _private(form: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(form[name] for name in PRIVATE_FIELDS if form.get(name))
