"""What every network of the sandbox has: routes, accounts, its own shapes of refusal."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account, Token
from sandbox.faults import Fault, NetworkName
from sandbox.ledger import Kind, PublicEntry, PublicMedia
from sandbox.parameters import Parameters
from sandbox.state import State
from sandbox.uploads import Upload


class Refusal(Exception):
    """An answer other than success, in the shape of its network."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers

    def response(self) -> Response:
        return JSONResponse(self.body, self.status, self.headers)


@dataclass(slots=True)
class Call:
    """One request to one network; `operations` are the names under which faults can meet it."""

    request: Request
    parameters: Parameters
    operations: tuple[str, ...]
    received_at: datetime
    public_url: str | None
    account: Account | None
    fault: Fault | None

    @property
    def base(self) -> str:
        """The front of addresses in answers; made when asked for, most answers name none."""
        url = self.request.url
        return self.public_url or f"{url.scheme}://{url.netloc}"

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def bearer(self) -> str | None:
        return bearer(self.request)

    def processing_polls(self, usual: int) -> int | None:
        """How many looks at an upload answer "still processing"; None is forever."""
        if self.fault is not None and self.fault.kind == "media_processing":
            return self.fault.polls
        return usual

    @property
    def media_fails(self) -> bool:
        return self.fault is not None and self.fault.kind == "media_failed"


Handler = Callable[[Call], Awaitable[Response]]
Operations = Callable[[Request, Parameters], tuple[str, ...]]


class Network(ABC):
    """One network: subclasses speak its contract."""

    name: ClassVar[NetworkName]

    def __init__(self, state: State) -> None:
        self.state = state

    @abstractmethod
    def routes(self) -> list[Route]:
        """Its endpoints, below its own prefix."""

    @abstractmethod
    def new_account(self, handle: str, name: str, details: dict[str, Any]) -> Account:
        """An account that is not saved yet."""

    @abstractmethod
    def credentials(self, account: Account, base: str) -> dict[str, Any]:
        """What a client needs to connect; issues tokens where none is valid any more."""

    @abstractmethod
    def owner(self, request: Request, parameters: Parameters) -> Account | None:
        """Whose call this is, as far as it can be told without checking anything."""

    @abstractmethod
    def rate_limited(self, call: Call, retry_after_seconds: int) -> Refusal:
        """The answer to too many calls."""

    @abstractmethod
    def quota_exhausted(self, call: Call) -> Refusal:
        """The answer when the day's allowance is used up."""

    @abstractmethod
    def server_error(self) -> Refusal:
        """HTTP 500."""

    @abstractmethod
    def headers(self, call: Call) -> Mapping[str, str]:
        """Headers on each answer, beside those of a refusal."""

    def revoke(self, account: Account) -> None:
        self.state.accounts.end_all(account, "revoked")

    def expire(self, account: Account) -> None:
        self.state.accounts.end_all(account, "expired", use="access")

    def token_by_bearer(self, request: Request) -> Token | None:
        value = bearer(request)
        return None if value is None else self.state.accounts.token(self.name, value)

    def owner_by_bearer(self, request: Request) -> Account | None:
        token = self.token_by_bearer(request)
        return None if token is None else self.state.accounts.owner(token)

    def permalink(self, base: str, entry: PublicEntry) -> str:
        return f"{base}{page_path(entry.network, entry.handle)}#{quote(entry.anchor)}"

    def publish(
        self,
        call: Call,
        account: Account,
        *,
        entry_id: str,
        text: str,
        kind: Kind = "post",
        parent_id: str | None = None,
        media: tuple[PublicMedia, ...] = (),
        extra: dict[str, Any] | None = None,
        anchor: str | None = None,
    ) -> PublicEntry:
        return self.state.ledger.publish(
            network=self.name,
            account_id=account.id,
            handle=account.handle,
            entry_id=entry_id,
            kind=kind,
            text=text,
            received_at=call.received_at,
            public_at=self.state.clock.now(),
            parent_id=parent_id,
            media=media,
            extra=extra,
            anchor=anchor,
        )

    def upload_of(self, account: Account, upload_id: str) -> Upload | None:
        upload = self.state.uploads.get(self.name, upload_id)
        return upload if upload is not None and upload.account_id == account.id else None


def bearer(request: Request) -> str | None:
    scheme, _, value = header(request, b"authorization").partition(" ")
    return value.strip() if scheme.lower() in {"bearer", "oauth"} and value else None


def header(request: Request, name: bytes) -> str:
    """The first header of that lower-case name, or nothing; Starlette's way copies them all."""
    headers: list[tuple[bytes, bytes]] = request.scope["headers"]
    return next((value.decode("latin-1") for known, value in headers if known == name), "")


def page_path(network: str, handle: str) -> str:
    return f"/pages/{network}/{quote(handle, safe='')}"
