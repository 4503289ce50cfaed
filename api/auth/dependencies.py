"""What routes declare to be called by known callers only."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.auth.scopes import Scope
from api.auth.service import Caller, Forbidden, Unauthorized, recognise
from api.rate_limit import count_request, limited_failures
from api.resources import WithResources

_BEARER: Final = HTTPBearer(
    scheme_name="API key",
    description="`Authorization: Bearer pk_<prefix>_<secret>`",
    bearerFormat="pk_<prefix>_<secret>",
    auto_error=False,
)


async def caller(
    request: Request,
    resources: WithResources,
    presented: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Caller:
    """Who sent this request. Raises Unauthorized or TooManyRequests."""
    token = presented.credentials if presented else ""
    async with limited_failures(request, token, resources.failed_authentications):
        if presented is None:
            raise Unauthorized("Send your API key: Authorization: Bearer pk_<prefix>_<secret>.")
        found = await recognise(resources.database, token)
    request.state.workspace_id = found.workspace_id
    structlog.contextvars.bind_contextvars(workspace_id=str(found.workspace_id))
    await count_request(request, found, resources.key_requests)
    return found


def require(scope: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency: the caller, who has that permission.

    Raises Unauthorized, TooManyRequests or Forbidden.
    """

    async def permitted(known: Annotated[Caller, Depends(caller)]) -> Caller:
        if not known.may(scope):
            raise Forbidden(scope)
        return known

    return permitted
