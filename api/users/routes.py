"""`/v1/users/me`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.auth.dependencies import WithUser
from api.problem_answers import refuses
from api.resources import WithResources
from api.users.schemas import Me, ProfileChange
from api.users.service import UserService

router = APIRouter(prefix="/v1/users", tags=["sign-in"])


async def _service(resources: WithResources) -> UserService:
    return UserService(resources.database)


Service = Annotated[UserService, Depends(_service)]


@router.get("/me", summary="Show the signed-in user")
async def show_me(service: Service, user: WithUser) -> Me:
    """As only they see themselves, mail address included."""
    return Me.of(await service.read(user))


@router.patch("/me", responses=refuses(404, 409), summary="Change the signed-in user")
async def change_me(service: Service, user: WithUser, change: ProfileChange) -> Me:
    """Handle, display name and avatar; what is left out stays."""
    return Me.of(await service.change(user, change))
