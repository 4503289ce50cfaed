"""What routes declare to be called by known callers only."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.auth.problems import Unauthorized
from api.auth.scopes import Scope
from api.auth.service import (
    Caller,
    SignedIn,
    as_member,
    no_such_workspace,
    recognise_key,
    recognise_user,
    remembered_user,
)
from api.problems import FieldProblem, InvalidRequest
from api.rate_limit import count_request, limited_failures
from api.resources import WithResources
from runtime.resources import Resources

_KEY_BEGINS: Final = "pk_"

_API_KEY: Final = HTTPBearer(
    scheme_name="API key",
    description="`Authorization: Bearer pk_<prefix>_<secret>`: a workspace's key.",
    bearerFormat="pk_<prefix>_<secret>",
    auto_error=False,
)
USER_SCHEME: Final = "Access token"
_ACCESS_TOKEN: Final = HTTPBearer(
    scheme_name=USER_SCHEME,
    description="`Authorization: Bearer <access_token>` of a user who signed in at"
    " `POST /v1/auth/login`. Where a workspace is acted in, the header `X-Workspace` names it.",
    bearerFormat="JWT",
    auto_error=False,
)
OPTIONAL_SCHEME: Final = "Access token, if there is one"
"""Becomes `Access token` or nothing in the description of the API."""
_OPTIONAL_ACCESS_TOKEN: Final = HTTPBearer(
    scheme_name=OPTIONAL_SCHEME, bearerFormat="JWT", auto_error=False
)

_ApiKey = Annotated[HTTPAuthorizationCredentials | None, Security(_API_KEY)]
_AccessToken = Annotated[HTTPAuthorizationCredentials | None, Security(_ACCESS_TOKEN)]
_OptionalAccessToken = Annotated[
    HTTPAuthorizationCredentials | None, Security(_OPTIONAL_ACCESS_TOKEN)
]


async def signed_in(
    request: Request, resources: WithResources, presented: _AccessToken
) -> SignedIn:
    """The user who sent this request.

    Raises Unauthorized, TokenNotGood, Suspended or TooManyRequests.
    """
    token = presented.credentials if presented else ""
    user = await signed_in_before(request, resources, token)
    if user is None:
        user = await _proven_user(request, resources, token)
        await _admit(request, resources, user)
    return user


async def signed_in_before(request: Request, resources: Resources, token: str) -> SignedIn | None:
    """The user who sent this request, if this process knows all about the token already.

    None says nothing of the token. Raises TooManyRequests.
    """
    user = remembered_user(resources.signing_in, token)
    if user is not None:
        await _admit(request, resources, user)
    return user


WithUser = Annotated[SignedIn, Depends(signed_in)]
"""Declares the signed-in user in a route."""


async def maybe_signed_in(
    request: Request, resources: WithResources, presented: _OptionalAccessToken
) -> SignedIn | None:
    """The user who sent this request; None without an access token. See `signed_in`."""
    if presented is None or presented.credentials.startswith(_KEY_BEGINS):
        return None
    return await signed_in(request, resources, presented)


MaybeWithUser = Annotated[SignedIn | None, Depends(maybe_signed_in)]
"""Declares a signed-in user that need not be there."""


_Workspace = Annotated[
    UUID | None,
    Header(
        alias="X-Workspace",
        description="The workspace that a signed-in user acts in; `GET /v1/workspaces` lists"
        " them. An API key has its own.",
    ),
]


async def caller(
    request: Request,
    resources: WithResources,
    presented: _ApiKey,
    _: _AccessToken,
    workspace: _Workspace = None,
) -> Caller:
    """Who sent this request: an API key, or a user acting in the workspace of `X-Workspace`.

    Raises Unauthorized, TokenNotGood, Suspended, TooManyRequests, NotFound or InvalidRequest.
    """
    token = presented.credentials if presented else ""
    async with limited_failures(request, token, resources.failed_authentications):
        if presented is None:
            raise Unauthorized(
                "Send your API key, Authorization: Bearer pk_<prefix>_<secret>, or sign in."
            )
        found = await _recognise(request, resources, token, workspace)
    request.state.workspace_id = found.workspace_id
    structlog.contextvars.bind_contextvars(workspace_id=str(found.workspace_id))
    await count_request(request, found.actor_id, resources.key_requests)
    return found


async def user_or_caller(
    request: Request,
    resources: WithResources,
    presented: _ApiKey,
    token: _AccessToken,
    workspace: _Workspace = None,
) -> SignedIn | Caller:
    """A user as themselves; an API key, or a user who names a workspace, acting in that.

    Raises what `signed_in` and `caller` raise.
    """
    is_key = presented is not None and presented.credentials.startswith(_KEY_BEGINS)
    if workspace is None and not is_key:
        return await signed_in(request, resources, token)
    return await caller(request, resources, presented, token, workspace)


UserOrCaller = Annotated[SignedIn | Caller, Depends(user_or_caller)]
"""Declares a signed-in user, or whoever acts in a workspace, in a route."""


async def _recognise(
    request: Request, resources: Resources, token: str, workspace: UUID | None
) -> Caller:
    if "." not in token:  # what every JWT has, and no key
        found = await recognise_key(resources.callers, resources.database, token)
        if workspace not in {None, found.workspace_id}:
            raise no_such_workspace(workspace or found.workspace_id)
        return found
    user = await recognise_user(resources.signing_in, token)
    _note_user(request, user)
    if workspace is None:
        raise _no_workspace_named()
    return await as_member(resources.callers, user, workspace)


async def _admit(request: Request, resources: Resources, user: SignedIn) -> None:
    _note_user(request, user)
    await count_request(request, user.user_id, resources.key_requests)


async def _proven_user(request: Request, resources: Resources, token: str) -> SignedIn:
    async with limited_failures(request, token, resources.failed_authentications):
        if not token:
            raise Unauthorized("Sign in, and send your access token: Authorization: Bearer …")
        if token.startswith(_KEY_BEGINS):
            raise Unauthorized("This needs a user who signed in; an API key is nobody. Sign in.")
        return await recognise_user(resources.signing_in, token)


def require(scope: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency: the caller, who has that permission.

    Raises what `caller` raises, or Forbidden.
    """

    async def permitted(known: Annotated[Caller, Depends(caller)]) -> Caller:
        known.require(scope)
        return known

    return permitted


def _note_user(request: Request, user: SignedIn) -> None:
    request.state.user_id = user.user_id
    structlog.contextvars.bind_contextvars(user_id=str(user.user_id))


def _no_workspace_named() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="X-Workspace",
            rule="missing",
            message="A signed-in user has to name the workspace to act in.",
            fix="Send the header X-Workspace with an id from GET /v1/workspaces.",
        )
    )
