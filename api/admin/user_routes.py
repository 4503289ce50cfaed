"""`/v1/admin/users`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.admin.guard import Admin, Moderator, actor_of
from api.admin.places import Cursor, Limit, decode_word, encode_word
from api.admin.reasons import Reasoned
from api.admin.user_schemas import Restored, RoleWanted, UserShown
from api.admin.user_service import AdminUsers
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from domain.roles import UserRole
from storage.users.searching import UserFilter

router = APIRouter(prefix="/v1/admin/users", tags=["admin"])


async def _service(resources: WithResources) -> AdminUsers:
    return AdminUsers(resources.database)


async def _chosen(
    suspended: Annotated[bool | None, Query(description="Only those who are, or are not.")] = None,
    role: Annotated[UserRole | None, Query(description="Only those with that role.")] = None,
) -> UserFilter:
    return UserFilter(suspended=suspended, role=role)


Service = Annotated[AdminUsers, Depends(_service)]
Chosen = Annotated[UserFilter, Depends(_chosen)]


@router.get("", summary="List users")
async def list_users(
    service: Service, _: Moderator, chosen: Chosen, wanted: WantedPage
) -> Page[UserShown]:
    """Newest first. For moderators."""
    found = await service.list_newest(chosen, wanted)
    return page_of(found, wanted, show=UserShown.of, id_of=lambda user: user.id)


@router.get("/search", summary="Search users")
async def search_users(
    service: Service,
    _: Moderator,
    chosen: Chosen,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=254,
            pattern=r"^[^\x00]+$",
            description="How a handle begins; with an @ in it, how an address begins.",
        ),
    ],
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Page[UserShown]:
    """By handle or address, whatever the case, in their order. For moderators."""
    beginning = q.removeprefix("@")
    found = await service.search(beginning, chosen, after=decode_word(cursor), limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    place = None if last is None else (last.email or "" if "@" in beginning else last.handle)
    return Page[UserShown](
        items=[UserShown.of(user) for user in found[:limit]],
        next_cursor=None if place is None else encode_word(place),
    )


@router.get("/{user_id}", summary="Show a user")
async def show_user(service: Service, _: Moderator, user_id: UUID) -> UserShown:
    """With address and suspension. For moderators."""
    return UserShown.of(await service.show(user_id))


@router.post("/{user_id}/suspend", responses=refuses(409), summary="Suspend a user")
async def suspend_user(
    service: Service, known: Moderator, user_id: UUID, why: Reasoned
) -> UserShown:
    """Sockets and tokens stop at once; what they wrote, and what goes to a feed account that speaks
    for them, is held, as is everything of workspaces whose owners are all suspended.

    Suspended again, the reason changes. For moderators; moderators and admins are suspended by
    admins only.
    """
    return UserShown.of(await service.suspend(actor_of(known), known.role, user_id, why.reason))


@router.post("/{user_id}/restore", responses=refuses(409), summary="Restore a user")
async def restore_user(
    service: Service, known: Moderator, user_id: UUID, why: Reasoned
) -> Restored:
    """They may sign in again, and what was held goes out at its networks' pace; what is late by
    then goes by its post's `late_policy`. For moderators."""
    user, resumed = await service.restore(actor_of(known), known.role, user_id, why.reason)
    return Restored(**UserShown.of(user).model_dump(), resumed_deliveries=resumed)


@router.put("/{user_id}/role", responses=refuses(409), summary="Change what a user may do")
async def change_user_role(
    service: Service, known: Admin, user_id: UUID, wanted: RoleWanted
) -> UserShown:
    """`moderator`, `admin`, or `user` for neither; at once, for their present sessions too.

    For admins, and not for themselves.
    """
    return UserShown.of(await service.grant(actor_of(known), user_id, wanted.role, wanted.reason))
