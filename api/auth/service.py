"""Recognises callers by their API key, and users by their access token."""

from dataclasses import dataclass
from uuid import UUID

from api.auth.key_text import parse_key_text
from api.auth.problems import Forbidden, Suspended, TokenNotGood, Unauthorized
from api.auth.scopes import SCOPES_OF_ROLE, Scope
from api.problems import NotFound
from domain.roles import UserRole, WorkspaceRole
from runtime.signing_in import SigningIn
from storage import workspaces
from storage.callers import Callers
from storage.database import Database
from storage.users.access_tokens import AccessTokenExpired, InvalidAccessToken
from storage.users.sessions import SessionOwner


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who sent the request, acting in a workspace: an API key, or a member who is signed in."""

    workspace_id: UUID
    actor_id: UUID
    """The key's id, or the user's."""
    scopes: frozenset[str]
    user_id: UUID | None = None
    """None for an API key."""
    role: WorkspaceRole | None = None
    """A member's; None for an API key."""

    def may(self, scope: Scope) -> bool:
        """Whether the key, or the member's role, has that permission."""
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises Forbidden without that permission."""
        if not self.may(scope):
            raise Forbidden(scope, role=self.role)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """A user, by a session that counts."""

    user_id: UUID
    handle: str
    role: UserRole
    session_id: UUID


async def recognise_key(callers: Callers, database: Database, token: str) -> Caller:
    """The caller of that API key, whose use is noted. Raises Unauthorized."""
    presented = parse_key_text(token)
    if presented is None:
        raise Unauthorized("This is not an API key: one looks like pk_<prefix>_<secret>.")
    stored = await callers.key(presented.prefix)
    fits = presented.fits(stored.secret_hash if stored else None)
    if stored is None or not fits:
        raise Unauthorized("There is no such API key.")
    if stored.key.revoked_at is not None:
        raise Unauthorized("This API key was revoked. Use another one.")
    if stored.use_to_note:
        async with database.transaction() as session:
            await workspaces.note_use(session, stored.key.id)
    return Caller(
        workspace_id=stored.key.workspace_id, actor_id=stored.key.id, scopes=stored.key.scopes
    )


def remembered_user(signing_in: SigningIn, token: str) -> SignedIn | None:
    """The user of that access token, if everything about it is known here without asking.

    None says nothing: `recognise_user` has to be asked.
    """
    claims = signing_in.access_tokens.remembered(token)
    if claims is None:
        return None
    owner = signing_in.known_sessions.remembered(claims.user_id, claims.session_id)
    if owner is None or owner.suspended or owner.ended:
        return None
    return _signed_in(owner, claims.session_id)


async def recognise_user(signing_in: SigningIn, token: str) -> SignedIn:
    """The user of that access token. Raises Unauthorized, TokenNotGood, Suspended."""
    try:
        claims = signing_in.access_tokens.read(token)
    except AccessTokenExpired:
        raise TokenNotGood(
            "This access token is too old. Refresh it: POST /v1/auth/refresh.",
            slug="token-expired",
        ) from None
    except InvalidAccessToken:
        raise Unauthorized("This is not an access token. Sign in: POST /v1/auth/login.") from None
    owner = await signing_in.known_sessions.find(claims.user_id, claims.session_id)
    if owner is not None and owner.suspended:
        raise Suspended
    if owner is None or owner.ended:
        raise TokenNotGood(
            "This session has ended. Sign in again: POST /v1/auth/login.", slug="session-ended"
        )
    return _signed_in(owner, claims.session_id)


async def as_member(callers: Callers, user: SignedIn, workspace_id: UUID) -> Caller:
    """The user acting in that workspace. Raises NotFound for one that they are no member of."""
    role = await callers.role(workspace_id, user.user_id)
    if role is None:
        raise no_such_workspace(workspace_id)
    return Caller(
        workspace_id=workspace_id,
        actor_id=user.user_id,
        scopes=frozenset(SCOPES_OF_ROLE[role]),
        user_id=user.user_id,
        role=role,
    )


def no_such_workspace(workspace_id: UUID) -> NotFound:
    """The same for one that is not there and one that is not theirs."""
    return NotFound("workspace", workspace_id, place="among yours")


def _signed_in(owner: SessionOwner, session_id: UUID) -> SignedIn:
    return SignedIn(
        user_id=owner.user_id, handle=owner.handle, role=owner.role, session_id=session_id
    )
