"""The sandbox's own API below `/_sandbox`: accounts, faults, clock, mails, and the ground truth."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from sandbox.accounts import Account
from sandbox.clock import rfc3339
from sandbox.faults import Fault, FaultOrder, NetworkName
from sandbox.ledger import PublicEntry
from sandbox.network import Network
from sandbox.state import State


class AccountOrder(BaseModel):
    """An account to have; an existing one of the same network and handle is answered as it is."""

    model_config = ConfigDict(extra="forbid")

    network: NetworkName
    handle: str = Field(min_length=1, max_length=255)
    name: str | None = None
    access_token_lifetime_seconds: float | None = Field(default=None, gt=0)
    unlimited: bool = False
    details: dict[str, str] = Field(default_factory=dict)


class ConnectedAccount(BaseModel):
    """An account with credentials that are valid now."""

    network: NetworkName
    account_id: str
    handle: str
    name: str
    credentials: dict[str, Any]
    page: str


class ClockOrder(BaseModel):
    """Either a step or a moment."""

    model_config = ConfigDict(extra="forbid")

    advance_seconds: float | None = None
    now: AwareDatetime | None = None

    @model_validator(mode="after")
    def has_one(self) -> "ClockOrder":
        if (self.advance_seconds is None) == (self.now is None):
            raise ValueError("name either advance_seconds or now")
        return self


class ClockReading(BaseModel):
    now: datetime
    offset_seconds: float


class Control:
    """The handlers, over the state and the networks of one sandbox."""

    def __init__(self, state: State, networks: dict[str, Network]) -> None:
        self._state = state
        self._networks = networks

    def api(self) -> FastAPI:
        app = FastAPI(title="Punctual sandbox", openapi_url="/openapi.json", redoc_url=None)
        app.include_router(self._router())
        return app

    def _router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/accounts", self.connect_account, methods=["POST"])
        router.add_api_route("/accounts", self.list_accounts, methods=["GET"])
        router.add_api_route("/faults", self.order_fault, methods=["POST"], status_code=201)
        router.add_api_route("/faults", self.list_faults, methods=["GET"])
        router.add_api_route("/faults", self.clear_faults, methods=["DELETE"])
        router.add_api_route("/clock", self.read_clock, methods=["GET"])
        router.add_api_route("/clock", self.move_clock, methods=["POST"])
        router.add_api_route("/clock", self.reset_clock, methods=["DELETE"])
        router.add_api_route("/truth", self.truth, methods=["GET"])
        router.add_api_route("/mails", self.mails, methods=["GET"])
        router.add_api_route("/requests", self.requests, methods=["GET"])
        router.add_api_route("/state", self.clear_state, methods=["DELETE"])
        router.add_api_route("/health", self.health, methods=["GET"])
        return router

    async def health(self) -> dict[str, str]:
        return {"status": "ok"}

    async def connect_account(self, order: AccountOrder, request: Request) -> ConnectedAccount:
        network = self._networks[order.network]
        account = self._state.accounts.find(order.network, order.handle)
        if account is None:
            account = network.new_account(order.handle, order.name or order.handle, order.details)
            account.access_token_lifetime_seconds = order.access_token_lifetime_seconds
            account.unlimited = order.unlimited
            account = self._state.accounts.save(account)
        return self._connected(account, self._base(request))

    async def list_accounts(self, request: Request) -> list[ConnectedAccount]:
        base = self._base(request)
        return [self._connected(account, base) for account in self._state.accounts]

    async def order_fault(self, order: FaultOrder) -> Fault:
        return self._state.faults.order(order)

    async def list_faults(self) -> list[Fault]:
        return self._state.faults.open()

    async def clear_faults(self) -> dict[str, int]:
        count = len(self._state.faults.open())
        self._state.faults.clear()
        return {"cleared": count}

    async def read_clock(self) -> ClockReading:
        clock = self._state.clock
        return ClockReading(now=clock.now(), offset_seconds=clock.offset.total_seconds())

    async def move_clock(self, order: ClockOrder) -> ClockReading:
        if order.now is not None:
            self._state.clock.set(order.now)
        else:
            self._state.clock.advance(order.advance_seconds or 0)
        return await self.read_clock()

    async def reset_clock(self) -> ClockReading:
        self._state.clock.reset()
        return await self.read_clock()

    async def truth(
        self,
        request: Request,
        network: NetworkName | None = None,
        account: str | None = None,
        since_sequence: int = 0,
        include_deleted: bool = False,
    ) -> list[dict[str, Any]]:
        """What is public, in the order in which it became so, after `since_sequence`."""
        base = self._base(request)
        return [
            self._told(entry, base)
            for entry in self._state.ledger.entries[max(0, since_sequence) :]
            if network in {None, entry.network}
            and account in {None, entry.account_id, entry.handle}
            and (include_deleted or entry.deleted_at is None)
        ]

    async def mails(self, recipient: str | None = None) -> list[dict[str, Any]]:
        """What the mail server took, oldest first."""
        return self._state.mails.told(recipient)

    async def requests(self) -> list[dict[str, Any]]:
        return [
            {"network": network, "operation": operation, "status": status, "count": count}
            for (network, operation, status), count in sorted(self._state.requests.items())
        ]

    async def clear_state(self) -> dict[str, str]:
        self._state.clear()
        return {"status": "cleared"}

    def _base(self, request: Request) -> str:
        here = f"{request.url.scheme}://{request.url.netloc}"
        return self._state.settings.public_url or here

    def _connected(self, account: Account, base: str) -> ConnectedAccount:
        network = self._networks.get(account.network)
        if network is None:
            raise HTTPException(404, f"no such network: {account.network}")
        return ConnectedAccount(
            network=network.name,
            account_id=account.id,
            handle=account.handle,
            name=account.name,
            credentials=network.credentials(account, base),
            page=f"{base}/pages/{account.network}/{account.handle}",
        )

    def _told(self, entry: PublicEntry, base: str) -> dict[str, Any]:
        media = [
            {
                "sha256": item.sha256,
                "alt_text": item.alt_text,
                "content_type": item.content_type,
            }
            for item in entry.media
        ]
        return {
            "sequence": entry.sequence,
            "network": entry.network,
            "account": entry.account_id,
            "handle": entry.handle,
            "id": entry.id,
            "kind": entry.kind,
            "text": entry.text,
            "parent_id": entry.parent_id,
            "media": media,
            "extra": entry.extra,
            "permalink": self._networks[entry.network].permalink(base, entry),
            "received_at": rfc3339(entry.received_at),
            "public_at": rfc3339(entry.public_at),
            "deleted_at": None if entry.deleted_at is None else rfc3339(entry.deleted_at),
        }
