"""Who is a member of a workspace, and as what."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.problems import Forbidden
from api.auth.scopes import SCOPES_OF_ROLE, Scope
from api.auth.service import Caller, SignedIn
from api.idempotency import Once, claim_id
from api.pagination import PageRequest
from api.problems import Conflict, FieldProblem, InvalidRequest, NotFound, Problem, Unavailable
from api.rate_limit import admit
from domain.roles import WorkspaceRole
from runtime.signing_in import SigningIn
from storage import mails, members, workspaces
from storage.database import Database
from storage.mails import MailKind
from storage.members import Invitation, Member, Membership
from storage.users import users
from storage.users.mailed_tokens import Purpose

INVITATION_LASTS: Final = timedelta(days=7)


class MemberService:
    """Changes members under one rule: only owners deal with owners, and the last one stays."""

    def __init__(self, database: Database, signing_in: SigningIn, *, mails_go_out: bool) -> None:
        """`mails_go_out` is whether anybody carries mails."""
        self._database = database
        self._mailed_tokens = signing_in.mailed_tokens
        self._invitations = signing_in.limits.invitations
        self._mails_go_out = mails_go_out

    async def create_workspace(self, user: SignedIn, name: str, once: Once | None) -> Membership:
        """A new workspace, owned by the user; as it was then when the key made it before.

        Raises IdempotencyKeyReused.
        """
        async with self._database.transaction() as session:
            workspace_id, new = await claim_id(session, user.user_id, once)
            if new:
                await workspaces.create_workspace(session, name, workspace_id)
                await members.add(session, workspace_id, user.user_id, WorkspaceRole.OWNER)
        return Membership(
            id=workspace_id, workspace_id=workspace_id, name=name, role=WorkspaceRole.OWNER
        )

    async def list_workspaces(self, user: SignedIn, wanted: PageRequest) -> Sequence[Membership]:
        """The user's workspaces, the one joined last first."""
        async with self._database.transaction() as session:
            return await members.list_of_user(
                session, user.user_id, before=wanted.before, limit=wanted.fetch
            )

    async def list_members(self, caller: Caller, wanted: PageRequest) -> Sequence[Member]:
        """The workspace's members, newest first."""
        async with self._database.transaction() as session:
            return await members.list_of_workspace(
                session, caller.workspace_id, before=wanted.before, limit=wanted.fetch
            )

    async def add(self, caller: Caller, handle: str, role: WorkspaceRole) -> Member:
        """Make a registered user a member. Raises InvalidRequest, Conflict, Problem."""
        _require_may_deal_with(caller, role)
        async with self._database.transaction() as session:
            user = await users.find_by_handle(session, handle)
            if user is None or user.email is None:
                raise _nobody_called(handle)
            if not await members.add(session, caller.workspace_id, user.id, role):
                raise Conflict(
                    f"{user.handle} is a member already. Change the role instead.",
                    slug="already-member",
                    title="Already a member",
                )
            return await _require(session, caller, user.id)

    async def change_role(self, caller: Caller, user_id: UUID, role: WorkspaceRole) -> Member:
        """Make a member something else. Raises NotFound, Conflict, Problem."""
        async with self._database.transaction() as session:
            owners = await members.lock_owners(session, caller.workspace_id)
            member = await _require(session, caller, user_id)
            _require_may_deal_with(caller, role, member.role)
            if role is not WorkspaceRole.OWNER:
                _require_other_owner(owners, user_id)
            await members.change_role(session, caller.workspace_id, user_id, role)
            return await _require(session, caller, user_id)

    async def remove(self, caller: Caller, user_id: UUID) -> None:
        """Make somebody a member no more. Raises NotFound, Conflict, Problem."""
        async with self._database.transaction() as session:
            owners = await members.lock_owners(session, caller.workspace_id)
            member = await _require(session, caller, user_id)
            _require_may_deal_with(caller, member.role)
            _require_other_owner(owners, user_id)
            await members.remove(session, caller.workspace_id, user_id)

    async def leave(self, user: SignedIn, workspace_id: UUID) -> None:
        """Stop being a member. Raises NotFound, Conflict for the last owner."""
        async with self._database.transaction() as session:
            owners = await members.lock_owners(session, workspace_id)
            if await members.role_of(session, workspace_id, user.user_id) is None:
                raise NotFound("workspace", workspace_id, place="among yours")
            _require_other_owner(owners, user.user_id)
            await members.remove(session, workspace_id, user.user_id)

    async def invite(self, caller: Caller, email: str, role: WorkspaceRole) -> Invitation:
        """Offer a part in the workspace by mail.

        Raises Problem, TooManyRequests; Unavailable without mail.
        """
        _require_may_deal_with(caller, role)
        if not self._mails_go_out:
            raise Unavailable(
                "This installation sends no mail. Add members by their handle.",
                slug="mail-off",
                retry_after=3600,
            )
        await admit(self._invitations, str(caller.actor_id), what="invitations")
        async with self._database.transaction() as session:
            invitation_id = await members.invite(
                session,
                caller.workspace_id,
                email=email,
                role=role,
                invited_by=caller.user_id,
                lifetime=INVITATION_LASTS,
            )
            await mails.put(session, MailKind.INVITATION, subject_id=invitation_id)
            invitation = await members.find_invitation(session, invitation_id)
        if invitation is None:
            raise NotFound("invitation", invitation_id)
        return invitation

    async def accept(self, user: SignedIn, token: str) -> Membership:
        """Become a member by a mailed token, whatever address the user signs in with.

        Raises InvalidRequest. Who is a member already stays what they are.
        """
        invitation_id = self._mailed_tokens.read(Purpose.ACCEPT_INVITATION, token)
        async with self._database.transaction() as session:
            offered = invitation_id and await members.find_invitation(session, invitation_id)
            if not (offered and await members.accept(session, offered.id)):
                raise _no_such_invitation()
            await members.add(session, offered.workspace_id, user.user_id, offered.role)
            role = await members.role_of(session, offered.workspace_id, user.user_id)
        return Membership(
            id=offered.id,
            workspace_id=offered.workspace_id,
            name=offered.workspace_name,
            role=role or offered.role,
        )


async def _require(session: AsyncSession, caller: Caller, user_id: UUID) -> Member:
    member = await members.find(session, caller.workspace_id, user_id)
    if member is None:
        raise NotFound("member", user_id)
    return member


def _require_may_deal_with(caller: Caller, *roles: WorkspaceRole) -> None:
    """Nobody makes others more than they are; an API key is what its scopes are."""
    given: frozenset[Scope] = frozenset().union(*(SCOPES_OF_ROLE[role] for role in roles))
    if lacking := sorted(given - caller.scopes):
        raise Forbidden(lacking[0], role=caller.role)
    if WorkspaceRole.OWNER in roles and caller.role not in {None, WorkspaceRole.OWNER}:
        raise Problem(
            "Only an owner makes, changes or removes owners. Ask one of them.",
            status=403,
            slug="owners-only",
            title="Not allowed",
        )


def _require_other_owner(owners: set[UUID], user_id: UUID) -> None:
    if owners == {user_id}:
        raise Conflict(
            "This is the last owner of the workspace. Make somebody else an owner first.",
            slug="last-owner",
            title="The last owner stays",
        )


def _nobody_called(handle: str) -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="handle",
            rule="nobody",
            message=f"Nobody is registered as {handle}.",
            fix="Check the handle, or invite by mail: POST /v1/invitations.",
        )
    )


def _no_such_invitation() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="token",
            rule="not_good",
            message="This is no invitation that was mailed, or it was used, or is too old.",
            fix="Ask to be invited again.",
        )
    )
