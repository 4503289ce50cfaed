"""`/v1/accounts`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response, status

from api.accounts.capacity import AccountCapacity
from api.accounts.credentials import CONNECT_EXAMPLES, AccountWanted
from api.accounts.schemas import AccountShown, CapacityShown
from api.accounts.service import AccountService
from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.instants import instant_of
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from domain.networks import Network
from storage.accounts import AccountStatus

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])


async def _service(resources: WithResources) -> AccountService:
    return AccountService(resources.database, resources.vault, resources.adapters)


async def _capacity(resources: WithResources) -> AccountCapacity:
    return AccountCapacity(resources.database, resources.settings.quotas)


Service = Annotated[AccountService, Depends(_service)]
Capacity = Annotated[AccountCapacity, Depends(_capacity)]
Reader = Annotated[Caller, Depends(require(Scope.ACCOUNTS_READ))]
Writer = Annotated[Caller, Depends(require(Scope.ACCOUNTS_WRITE))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses={
        200: {"model": AccountShown, "description": "Connected again, with the same id."},
        **refuses(409, 502, 503),
    },
    summary="Connect an account",
)
async def connect_account(
    service: Service,
    known: Writer,
    wanted: Annotated[AccountWanted, Body(openapi_examples=CONNECT_EXAMPLES)],
    response: Response,
) -> AccountShown:
    """The credentials are tried at once and kept encrypted. Needs `accounts:write`.

    A profile that is connected already keeps its id and gets the new credentials.
    """
    account, is_new = await service.connect(known, wanted.network, wanted.credentials.supplied())
    if not is_new:
        response.status_code = status.HTTP_200_OK
    return AccountShown.of(account)


@router.get("", summary="List accounts")
async def list_accounts(
    service: Service,
    known: Reader,
    wanted: WantedPage,
    network: Annotated[Network | None, Query(description="Only of that network.")] = None,
    with_status: Annotated[
        AccountStatus | None, Query(alias="status", description="Only in that state.")
    ] = None,
) -> Page[AccountShown]:
    """Newest first, disconnected ones included. Needs `accounts:read`."""
    found = await service.list_page(known, wanted, network=network, status=with_status)
    return page_of(found, wanted, show=AccountShown.of, id_of=lambda account: account.id)


@router.get("/{account_id}", summary="Show an account")
async def show_account(service: Service, known: Reader, account_id: UUID) -> AccountShown:
    """Needs `accounts:read`."""
    return AccountShown.of(await service.read(known, account_id))


@router.get("/{account_id}/capacity", summary="What an account may send")
async def show_capacity(
    capacity: Capacity,
    known: Reader,
    account_id: UUID,
    at: Annotated[
        str | None,
        Query(
            max_length=64,
            description="RFC 3339; now when left out, or past.",
            examples=["2027-03-01T09:00:00+01:00"],
        ),
    ] = None,
) -> CapacityShown:
    """Quotas as the network counts them, what is sent and planned, and when there is room.

    Needs `accounts:read`.
    """
    return await capacity.read(known, account_id, instant_of("at", at))


@router.post("/{account_id}/check", responses=refuses(409, 502, 503), summary="Check an account")
async def check_account(service: Service, known: Writer, account_id: UUID) -> AccountShown:
    """Asks the network now; `status` tells the outcome. Needs `accounts:write`."""
    return AccountShown.of(await service.check(known, account_id))


@router.delete(
    "/{account_id}", status_code=204, responses=refuses(409), summary="Disconnect an account"
)
async def disconnect_account(
    service: Service,
    known: Writer,
    account_id: UUID,
    force: Annotated[
        bool, Query(description="Even while posts wait for it; they fail at their time.")
    ] = False,
) -> None:
    """The credentials are forgotten; what was published stays listed. Needs `accounts:write`."""
    await service.disconnect(known, account_id, force=force)
