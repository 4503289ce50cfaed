"""`/v1/workspaces`, `/v1/members` and `/v1/invitations`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.auth.dependencies import WithUser, require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.idempotency import WithIdempotencyKey, asked_once
from api.members.schemas import (
    InvitationAccepted,
    InvitationShown,
    InvitationWanted,
    MembershipShown,
    MemberShown,
    MemberWanted,
    RoleChange,
    WorkspaceWanted,
)
from api.members.service import MemberService
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources

router = APIRouter(prefix="/v1", tags=["workspace"])


async def _service(resources: WithResources) -> MemberService:
    return MemberService(
        resources.database,
        resources.signing_in,
        mails_go_out=resources.mail is not None,
    )


Service = Annotated[MemberService, Depends(_service)]
Reader = Annotated[Caller, Depends(require(Scope.MEMBERS_READ))]
Writer = Annotated[Caller, Depends(require(Scope.MEMBERS_WRITE))]


@router.post("/workspaces", status_code=201, summary="Make a workspace")
async def create_workspace(
    service: Service, user: WithUser, wanted: WorkspaceWanted, idempotency_key: WithIdempotencyKey
) -> MembershipShown:
    """The signed-in user owns it."""
    once = asked_once(idempotency_key, "create_workspace", wanted)
    return MembershipShown.of(await service.create_workspace(user, wanted.name, once))


@router.get("/workspaces", summary="List the user's workspaces")
async def list_workspaces(
    service: Service, user: WithUser, wanted: WantedPage
) -> Page[MembershipShown]:
    """Those that the signed-in user is a member of, the one joined last first."""
    found = await service.list_workspaces(user, wanted)
    return page_of(found, wanted, show=MembershipShown.of, id_of=lambda membership: membership.id)


@router.delete(
    "/workspaces/{workspace_id}/membership",
    status_code=204,
    responses=refuses(409),
    summary="Leave a workspace",
)
async def leave_workspace(service: Service, user: WithUser, workspace_id: UUID) -> None:
    """The last owner cannot: 409."""
    await service.leave(user, workspace_id)


@router.get("/members", summary="List members")
async def list_members(service: Service, known: Reader, wanted: WantedPage) -> Page[MemberShown]:
    """Of the workspace, newest first. Needs `members:read`."""
    found = await service.list_members(known, wanted)
    return page_of(found, wanted, show=MemberShown.of, id_of=lambda member: member.id)


@router.post("/members", status_code=201, responses=refuses(409), summary="Add a member")
async def add_member(service: Service, known: Writer, wanted: MemberWanted) -> MemberShown:
    """A registered user, by handle, at once. Needs `members:write`."""
    return MemberShown.of(await service.add(known, wanted.handle, wanted.role))


@router.patch("/members/{user_id}", responses=refuses(409), summary="Change a member's role")
async def change_member(
    service: Service, known: Writer, user_id: UUID, change: RoleChange
) -> MemberShown:
    """Only owners deal with owners; the last one stays. Needs `members:write`."""
    return MemberShown.of(await service.change_role(known, user_id, change.role))


@router.delete(
    "/members/{user_id}", status_code=204, responses=refuses(409), summary="Remove a member"
)
async def remove_member(service: Service, known: Writer, user_id: UUID) -> None:
    """From the next request on. Only owners deal with owners. Needs `members:write`."""
    await service.remove(known, user_id)


@router.post("/invitations", status_code=201, responses=refuses(503), summary="Invite by mail")
async def invite_member(
    service: Service, known: Writer, wanted: InvitationWanted
) -> InvitationShown:
    """The mail has a link that is good once, for seven days. Needs `members:write`.

    The answer does not tell whether somebody is registered with the address. One user or key sends
    30 an hour at most: then 429.
    """
    return InvitationShown.of(await service.invite(known, wanted.email, wanted.role))


@router.post("/invitations/accept", summary="Accept an invitation")
async def accept_invitation(
    service: Service, user: WithUser, wanted: InvitationAccepted
) -> MembershipShown:
    """With the token of the mailed link, as whoever is signed in."""
    return MembershipShown.of(await service.accept(user, wanted.token))
