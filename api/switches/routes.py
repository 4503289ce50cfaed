"""`/v1/switches`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.resources import WithResources
from api.switches.schemas import SwitchboardShown, SwitchSet, SwitchWanted
from api.switches.service import SwitchService

router = APIRouter(prefix="/v1/switches", tags=["switches"])


async def _service(resources: WithResources) -> SwitchService:
    return SwitchService(resources.database, resources.settings.hold_rules)


Service = Annotated[SwitchService, Depends(_service)]
Reader = Annotated[Caller, Depends(require(Scope.ACCOUNTS_READ))]
Writer = Annotated[Caller, Depends(require(Scope.ACCOUNTS_WRITE))]


@router.get("", summary="Show what holds publishing")
async def show_switches(service: Service, known: Reader) -> SwitchboardShown:
    """The switches that concern the workspace, and how the networks answer.

    Needs `accounts:read`.
    """
    return await service.read(known)


@router.put("/workspace", summary="Hold all publishing of the workspace, or no longer")
async def switch_workspace(service: Service, known: Writer, wanted: SwitchWanted) -> SwitchSet:
    """What is held goes out after it is lifted, at an even pace. Needs `accounts:write`.

    What was being sent when this was answered still goes out. What is late by then goes by its
    post's `late_policy`.
    """
    return await service.set_workspace(known, wanted)


@router.put("/accounts/{account_id}", summary="Hold all publishing to an account, or no longer")
async def switch_account(
    service: Service, known: Writer, account_id: UUID, wanted: SwitchWanted
) -> SwitchSet:
    """As for the workspace. Needs `accounts:write`."""
    return await service.set_account(known, account_id, wanted)
