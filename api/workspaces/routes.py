"""`/v1/workspace` and `/v1/api-keys`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.auth.dependencies import caller, require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.pagination import Page, WantedPage, page_of
from api.resources import WithResources
from api.workspaces.schemas import (
    ApiKeyMade,
    ApiKeyShown,
    ApiKeyWanted,
    WorkspaceChange,
    WorkspaceShown,
)
from api.workspaces.service import WorkspaceService
from domain.lateness import late_choice

router = APIRouter(prefix="/v1", tags=["workspace"])


async def _service(resources: WithResources) -> WorkspaceService:
    return WorkspaceService(resources.database)


Service = Annotated[WorkspaceService, Depends(_service)]
AnyCaller = Annotated[Caller, Depends(caller)]
Reader = Annotated[Caller, Depends(require(Scope.KEYS_READ))]
Writer = Annotated[Caller, Depends(require(Scope.KEYS_WRITE))]


@router.get("/workspace", summary="Show the workspace")
async def show_workspace(service: Service, known: AnyCaller) -> WorkspaceShown:
    """The workspace of the API key in use; any key may ask."""
    return WorkspaceShown.of(await service.read(known))


@router.patch("/workspace", summary="Change the workspace")
async def change_workspace(
    service: Service, known: Writer, change: WorkspaceChange
) -> WorkspaceShown:
    """Needs `keys:write`."""
    return WorkspaceShown.of(
        await service.change(
            known,
            name=change.name,
            ambiguity_policy=change.ambiguity_policy,
            late=late_choice(change.late_policy, change.late_after_seconds),
        )
    )


@router.post("/api-keys", status_code=201, summary="Make an API key")
async def create_api_key(service: Service, known: Writer, wanted: ApiKeyWanted) -> ApiKeyMade:
    """The key is in this answer and nowhere else. Needs `keys:write`."""
    key, text = await service.create_key(known, wanted.name, wanted.scopes)
    return ApiKeyMade.made(key, text)


@router.get("/api-keys", summary="List API keys")
async def list_api_keys(service: Service, known: Reader, wanted: WantedPage) -> Page[ApiKeyShown]:
    """Newest first, revoked ones included. Needs `keys:read`."""
    found = await service.list_keys(known, wanted)
    return page_of(found, wanted, show=ApiKeyShown.of, id_of=lambda key: key.id)


@router.delete("/api-keys/{key_id}", status_code=204, summary="Revoke an API key")
async def revoke_api_key(service: Service, known: Writer, key_id: UUID) -> None:
    """It counts no more from the next request on; repeating this is fine. Needs `keys:write`."""
    await service.revoke_key(known, key_id)
