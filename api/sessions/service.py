"""Signing up, in and out; refreshing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.problems import Suspended, TokenNotGood, Unauthorized
from api.auth.service import SignedIn
from api.pagination import PageRequest
from api.passwords.proof import PasswordProof
from api.passwords.rules import require_unlike_user
from api.problems import Conflict, FieldProblem, NotFound
from api.rate_limit import admit
from api.sessions.clients import Client
from api.sessions.schemas import Registration
from domain.roles import UserRole
from runtime.signing_in import SigningIn
from storage import mails
from storage.database import Database
from storage.mails import MailKind
from storage.users import refresh_tokens, sessions, users
from storage.users.known_sessions import SessionChange
from storage.users.refresh_tokens import Exchange, Refreshed
from storage.users.sessions import EndReason, Session
from storage.users.users import User


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """The tokens of a session."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    lifetime: timedelta
    """Of the access token."""
    session_id: UUID


class SessionService:
    """Begins, prolongs, lists and ends sessions."""

    def __init__(self, database: Database, signing_in: SigningIn, proof: PasswordProof) -> None:
        """`proof` checks passwords."""
        self._database = database
        self._proof = proof
        self._passwords = signing_in.passwords
        self._access_tokens = signing_in.access_tokens
        self._refresh_tokens = signing_in.refresh_tokens
        self._known_sessions = signing_in.known_sessions
        self._refreshes = signing_in.limits.refreshes
        self._lifetime = signing_in.session_lifetime
        self._grace = signing_in.refresh_grace

    async def register(self, wanted: Registration, client: Client) -> tuple[User, Issued]:
        """A new user, signed in. Raises InvalidRequest, or Conflict for a name that is taken."""
        require_unlike_user(wanted.password, wanted.handle, wanted.email, field="password")
        # Before anything is looked up, so that the time does not tell what is taken.
        password_hash = await self._passwords.hash(wanted.password)
        async with self._database.transaction() as session:
            user = await users.create(
                session,
                handle=wanted.handle,
                display_name=wanted.display_name or wanted.handle,
                email=wanted.email,
                password_hash=password_hash,
            )
            if user is None:
                raise _taken(*await users.taken(session, handle=wanted.handle, email=wanted.email))
            issued = await self._begin(session, user, client)
        return user, issued

    async def login(self, email: str, password: str, client: Client) -> tuple[User, Issued]:
        """The user who has that password, signed in.

        Raises WrongPassword, which does not tell whether somebody has the address;
        TooManyRequests; Suspended, only to whoever knows the password.
        """
        proven = await self._proof.of_address(email, password)
        async with self._database.transaction() as session:
            await proven.require_unchanged(session)
            issued = await self._begin(session, proven.user, client)
        return proven.user, issued

    async def refresh(self, token: str, client: Client) -> Issued:
        """New tokens for one that was not used before, or only seconds ago.

        Raises Unauthorized, TokenNotGood, Suspended, TooManyRequests.
        """
        fingerprints = self._refresh_tokens.fingerprints(token)
        async with self._database.transaction() as session:
            user_id = await refresh_tokens.find_user(session, fingerprints)
        if user_id is None:
            raise _unknown_token()
        await admit(self._refreshes, str(user_id), what="refreshes of one user")
        successor = self._refresh_tokens.successor(token)
        async with self._database.transaction() as session:
            refreshed = await refresh_tokens.exchange(
                session,
                fingerprints,
                successor=self._refresh_tokens.fingerprint(successor),
                address=client.address,
                lifetime=self._lifetime,
                grace=self._grace,
            )
            if refreshed is not None and refreshed.exchange is Exchange.REUSED:
                await mails.put(session, MailKind.TOKEN_REUSED, subject_id=refreshed.user_id)
        # What ended the session is committed; only then is it told.
        good = self._require_good(refreshed)
        return self._issue(good.user_id, good.session_id, good.role, successor)

    async def list_page(self, user: SignedIn, wanted: PageRequest) -> Sequence[Session]:
        """Where the user is signed in, newest sign-in first."""
        async with self._database.transaction() as session:
            return await sessions.list_open(
                session, user.user_id, before=wanted.before, limit=wanted.fetch
            )

    async def log_out(self, user: SignedIn) -> None:
        """End the session that sent the request."""
        await self._end(user.user_id, user.session_id, EndReason.LOGOUT)

    async def revoke(self, user: SignedIn, session_id: UUID) -> None:
        """End one of the user's sessions. Raises NotFound."""
        if not await self._end(user.user_id, session_id, EndReason.REVOKED):
            raise NotFound("session", session_id, place="of yours")

    async def revoke_others(self, user: SignedIn) -> int:
        """End all of the user's sessions but the one that sent the request; how many."""
        async with self._database.transaction() as session:
            ended = await sessions.end_all(
                session, user.user_id, reason=EndReason.REVOKED, but=user.session_id
            )
        self._known_sessions.changed(SessionChange(user_id=user.user_id, session_id=None))
        return ended

    async def _end(self, user_id: UUID, session_id: UUID, reason: EndReason) -> bool:
        async with self._database.transaction() as session:
            was_there = await sessions.end(session, user_id, session_id, reason=reason)
        # Other processes hear of it from the database; this one need not wait.
        self._known_sessions.changed(SessionChange(user_id=user_id, session_id=session_id))
        return was_there

    def _require_good(self, refreshed: Refreshed | None) -> Refreshed:
        if refreshed is None:
            raise _unknown_token()
        match refreshed.exchange:
            case Exchange.SUSPENDED:
                raise Suspended
            case Exchange.REUSED:
                self._known_sessions.changed(
                    SessionChange(user_id=refreshed.user_id, session_id=refreshed.session_id)
                )
                raise TokenNotGood(
                    "This refresh token was used before, so somebody else may have it. The session"
                    " was ended: sign in again, and change the password if that was not you.",
                    slug="token-reused",
                )
            case Exchange.ENDED:
                raise TokenNotGood(
                    "This session has ended. Sign in again: POST /v1/auth/login.",
                    slug="session-ended",
                )
        return refreshed

    async def _begin(self, session: AsyncSession, user: User, client: Client) -> Issued:
        token = self._refresh_tokens.new()
        session_id = await sessions.begin(
            session,
            user.id,
            fingerprint=self._refresh_tokens.fingerprint(token),
            device=client.device,
            address=client.address,
            lifetime=self._lifetime,
        )
        return self._issue(user.id, session_id, user.role, token)

    def _issue(self, user_id: UUID, session_id: UUID, role: UserRole, token: str) -> Issued:
        return Issued(
            access_token=self._access_tokens.issue(
                user_id=user_id, session_id=session_id, role=role
            ),
            refresh_token=token,
            lifetime=self._access_tokens.lifetime,
            session_id=session_id,
        )


def _unknown_token() -> Unauthorized:
    return Unauthorized("There is no such refresh token. Sign in again: POST /v1/auth/login.")


def _taken(handle: bool, email: bool) -> Conflict:
    errors = [
        FieldProblem(field=name, rule="taken", message=f"Somebody has this {noun}.", fix=fix)
        for taken, name, noun, fix in (
            (handle, "handle", "handle", "Choose another one."),
            (email, "email", "address", "Sign in, or have a link for a new password mailed."),
        )
        if taken
    ]
    return Conflict("Somebody is registered like this.", slug="taken", title="Taken", errors=errors)
