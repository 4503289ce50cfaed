"""X's OAuth 2.0 tokens: access for two hours, refresh tokens that work once and rotate."""

import base64
import binascii
import secrets
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account, Token
from sandbox.network import Call, Refusal
from sandbox.state import State

ACCESS_SECONDS = 7_200
REFRESH_SECONDS = 182 * 86_400
SCOPE = "tweet.read tweet.write users.read media.write offline.access"


class XTokens:
    """Issues token pairs and ends a family when one of its refresh tokens comes twice."""

    def __init__(self, state: State) -> None:
        self._state = state

    def credentials(self, account: Account) -> dict[str, Any]:
        accounts = self._state.accounts
        access, refresh = accounts.current(account, "access"), accounts.current(account, "refresh")
        if access is None or refresh is None or access.family != refresh.family:
            access, refresh = self._issue(account, secrets.token_hex(8))
        return {
            "user_id": account.id,
            "access_token": access.value,
            "refresh_token": refresh.value,
            "client_id": account.details["client_id"],
            "expires_in": self._seconds_left(access),
        }

    async def refresh(self, call: Call) -> Response:
        parameters = call.parameters
        if parameters.text("grant_type") != "refresh_token":
            raise _invalid("unsupported_grant_type", "Only refresh_token is served here.")
        token = self._state.accounts.token("x", parameters.text("refresh_token") or "")
        if token is None or token.use != "refresh":
            raise _invalid("invalid_request", "Value passed for the token was invalid.")
        account = self._state.accounts.owner(token)
        if _client_id(call) != account.details["client_id"]:
            raise _invalid("invalid_client", "Missing valid authorization header", status=401)
        if not token.is_valid(self._state.clock.now()):
            if token.ended == "replaced":
                self._state.accounts.end_family(account, token.family)
            raise _invalid("invalid_request", "Value passed for the token was invalid.")
        access, successor = self._issue(account, token.family)
        self._state.accounts.end(token, "replaced", successor.value)
        return JSONResponse(
            {
                "token_type": "bearer",
                "expires_in": self._seconds_left(access),
                "access_token": access.value,
                "scope": SCOPE,
                "refresh_token": successor.value,
            }
        )

    def _issue(self, account: Account, family: str) -> tuple[Token, Token]:
        lifetime = account.access_token_lifetime_seconds
        access = self._state.accounts.issue(
            account,
            "access",
            lifetime_seconds=ACCESS_SECONDS if lifetime is None else lifetime,
            value=secrets.token_urlsafe(68),
            family=family,
        )
        refresh = self._state.accounts.issue(
            account,
            "refresh",
            lifetime_seconds=REFRESH_SECONDS,
            value=secrets.token_urlsafe(68),
            family=family,
        )
        return access, refresh

    def _seconds_left(self, token: Token) -> int:
        if token.expires_at is None:
            return ACCESS_SECONDS
        return round((token.expires_at - self._state.clock.now()).total_seconds())


def _client_id(call: Call) -> str | None:
    """A public client names itself in the form, a confidential one by Basic authentication."""
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return call.parameters.text("client_id")
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _invalid(error: str, description: str, status: int = 400) -> Refusal:
    return Refusal(status, {"error": error, "error_description": description})
