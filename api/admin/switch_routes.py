"""`/v1/admin/switches`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.admin.guard import Admin, actor_of
from api.admin.switch_schemas import AnySwitchWanted
from api.admin.switch_service import AdminSwitches
from api.resources import WithResources
from api.switches.schemas import SwitchboardShown

router = APIRouter(prefix="/v1/admin/switches", tags=["admin"])


async def _service(resources: WithResources) -> AdminSwitches:
    return AdminSwitches(resources.database, resources.settings.hold_rules)


Service = Annotated[AdminSwitches, Depends(_service)]


@router.get("", summary="Show all switches and circuits")
async def show_all_switches(service: Service, _: Admin) -> SwitchboardShown:
    """Of all workspaces, and how many deliveries each network holds. For admins."""
    return await service.read()


@router.put("", summary="Hold anything, or no longer")
async def set_any_switch(
    service: Service, known: Admin, wanted: AnySwitchWanted
) -> SwitchboardShown:
    """A network, a workspace, an account or everything; what a workspace holds itself stays so.

    What is held goes out after it is lifted, at an even pace. For admins.
    """
    return await service.set(actor_of(known), wanted)
