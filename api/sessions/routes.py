"""`/v1/auth`: signing up, in and out, refreshing, sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from api.auth.dependencies import WithUser
from api.pagination import Page, WantedPage, page_of
from api.passwords.proof import PasswordProof
from api.problem_answers import refuses
from api.rate_limit import limited_failures
from api.resources import WithResources
from api.sessions.clients import WithClient, counted_try
from api.sessions.schemas import (
    Login,
    RefreshWanted,
    Registration,
    SessionsEnded,
    SessionShown,
    SignedInShown,
    Tokens,
)
from api.sessions.service import Issued, SessionService
from api.users.schemas import Me
from storage.users.users import User

router = APIRouter(prefix="/v1/auth", tags=["sign-in"])


async def _service(resources: WithResources) -> SessionService:
    signing_in = resources.signing_in
    proof = PasswordProof(
        database=resources.database,
        passwords=signing_in.passwords,
        failures=signing_in.limits.failures,
    )
    return SessionService(resources.database, signing_in, proof)


Service = Annotated[SessionService, Depends(_service)]
CountedTry = Depends(counted_try)


@router.post(
    "/register",
    status_code=201,
    dependencies=[CountedTry],
    responses=refuses(409, 429),
    summary="Register, and sign in",
)
async def register(service: Service, wanted: Registration, client: WithClient) -> SignedInShown:
    """A new user, with a first session.

    A handle or an address that somebody has is told as 409: whoever registers is signed in at once,
    so that success and refusal cannot look alike. Signing in and resetting a password tell nothing.
    """
    return _signed_in(*await service.register(wanted, client))


@router.post(
    "/login", dependencies=[CountedTry], responses=refuses(401, 403, 429), summary="Sign in"
)
async def login(service: Service, wanted: Login, client: WithClient) -> SignedInShown:
    """A new session. Wrong address and wrong password are one answer, 401, and take as long.

    Wrong passwords are limited for each account, tries for each network address: 429. A suspended
    user who knows the password is told so: 403.
    """
    return _signed_in(*await service.login(wanted.email, wanted.password, client))


@router.post("/refresh", responses=refuses(401, 403, 429), summary="Exchange a refresh token")
async def refresh(
    request: Request,
    resources: WithResources,
    service: Service,
    wanted: RefreshWanted,
    client: WithClient,
) -> Tokens:
    """New tokens; the refresh token is used up.

    The same one again within a few seconds answers the same successor, so that two tabs may refresh
    at once. Later it counts as stolen: the session ends, its user is told by mail, and the answer
    is 401 `token-reused`.
    """
    token = wanted.refresh_token
    async with limited_failures(request, token, resources.failed_authentications):
        issued = await service.refresh(token, client)
    return Tokens(**_tokens(issued))


@router.post("/logout", status_code=204, summary="Sign out")
async def log_out(service: Service, user: WithUser) -> None:
    """Ends the session that sends this: its tokens count no more from now on."""
    await service.log_out(user)


@router.get("/sessions", summary="List sessions")
async def list_sessions(service: Service, user: WithUser, wanted: WantedPage) -> Page[SessionShown]:
    """Where the user is signed in, newest sign-in first."""
    found = await service.list_page(user, wanted)
    return page_of(
        found,
        wanted,
        show=lambda session: SessionShown.of(session, current=user.session_id),
        id_of=lambda session: session.id,
    )


@router.delete("/sessions", summary="End all other sessions")
async def revoke_other_sessions(service: Service, user: WithUser) -> SessionsEnded:
    """All of the user's but the one that sends this; their tokens count no more from now on."""
    return SessionsEnded(ended=await service.revoke_others(user))


@router.delete("/sessions/{session_id}", status_code=204, summary="End a session")
async def revoke_session(service: Service, user: WithUser, session_id: UUID) -> None:
    """Its tokens count no more from now on; repeating this is fine."""
    await service.revoke(user, session_id)


def _signed_in(user: User, issued: Issued) -> SignedInShown:
    return SignedInShown(**_tokens(issued), user=Me.of(user))


def _tokens(issued: Issued) -> dict[str, object]:
    return {
        "access_token": issued.access_token,
        "expires_in": int(issued.lifetime.total_seconds()),
        "refresh_token": issued.refresh_token,
        "session_id": issued.session_id,
    }
