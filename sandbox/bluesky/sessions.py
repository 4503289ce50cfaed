"""Bluesky's sessions: app passwords, access for two hours, refresh tokens rotating with grace.

An expired access token is HTTP 400 `ExpiredToken`, not 401.
"""

import base64
import hmac
import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account, Token, Use
from sandbox.bluesky.input import check_input, xrpc_error
from sandbox.bluesky.lexicon import mapping, string
from sandbox.network import Call

if TYPE_CHECKING:
    from sandbox.bluesky.server import Bluesky

ACCESS_SECONDS = 120 * 60
REFRESH_SECONDS = 90 * 86_400
GRACE = timedelta(hours=2)
_LOGIN = mapping({"identifier": string(), "password": string()})
_SCOPES: dict[Use, tuple[str, str]] = {
    "access": ("com.atproto.appPass", "at+jwt"),
    "refresh": ("com.atproto.refresh", "refresh+jwt"),
}
# The signature is for show: a token counts by being on record.
_SIGNING_KEY = b"sandbox"


class BlueskySessions:
    """Opens sessions, renews them and checks their tokens."""

    def __init__(self, network: "Bluesky") -> None:
        self._network = network
        self._state = network.state

    def app_password(self, account: Account) -> str:
        if "app_password" not in account.details:
            groups = "-".join(secrets.token_hex(2) for _ in range(4))
            account.details["app_password"] = groups
            self._state.accounts.save(account)
        return str(account.details["app_password"])

    def revoke(self, account: Account) -> None:
        """The app password is taken back, and the hours that access tokens outlive it are over."""
        account.details.pop("app_password", None)
        self._state.accounts.save(account)
        self._state.accounts.end_all(account, "expired", use="access")
        for token in self._state.accounts.tokens(account):
            if token.use == "refresh":
                # Replaced ones too: their hours of grace end with the password.
                self._state.accounts.end(token, "revoked")

    async def create(self, call: Call) -> Response:
        check_input(_LOGIN, call.parameters)
        identifier, password = (call.parameters.values[name] for name in ("identifier", "password"))
        account = self._state.accounts.find("bluesky", identifier)
        known = "" if account is None else str(account.details.get("app_password", ""))
        if account is not None:
            self._network.limits.spend_login(account)
        if account is None or not known or not hmac.compare_digest(known, password):
            message = "Invalid identifier or password"
            raise xrpc_error(401, "AuthenticationRequired", message)
        family = secrets.token_hex(8)
        access = self._issue(account, "access", family)
        refresh = self._issue(account, "refresh", family)
        return JSONResponse(self._session(call, account, access, refresh))

    async def refresh(self, call: Call) -> Response:
        token = self._token(call, "refresh")
        now = self._state.clock.now()
        in_grace = (
            token.ended == "replaced"
            and token.ended_at is not None
            and now - token.ended_at < GRACE
        )
        if not (token.is_valid(now) or in_grace):
            raise xrpc_error(400, "ExpiredToken", "Token has been revoked")
        account = self._state.accounts.owner(token)
        successor = self._state.accounts.token("bluesky", token.successor or "")
        if successor is None:
            successor = self._issue(account, "refresh", token.family)
            self._state.accounts.end(token, "replaced", successor.value)
        access = self._issue(account, "access", token.family)
        return JSONResponse(self._session(call, account, access, successor))

    async def get(self, call: Call) -> Response:
        return JSONResponse(self._identity(call, self.authenticated(call)))

    def authenticated(self, call: Call) -> Account:
        token = self._token(call, "access")
        if token.is_expired(self._state.clock.now()):
            raise xrpc_error(400, "ExpiredToken", "Token has expired")
        if not token.is_valid(self._state.clock.now()):
            raise xrpc_error(400, "InvalidToken", "Token could not be verified")
        return self._state.accounts.owner(token)

    def _token(self, call: Call, use: Use) -> Token:
        value = call.bearer()
        if value is None:
            raise xrpc_error(401, "AuthMissing", "Authentication Required")
        token = self._state.accounts.token("bluesky", value)
        if token is None:
            raise xrpc_error(400, "InvalidToken", "Token could not be verified")
        if token.use != use:
            raise xrpc_error(400, "InvalidToken", "Invalid token type")
        return token

    def _issue(self, account: Account, use: Use, family: str) -> Token:
        lifetime = account.access_token_lifetime_seconds
        seconds: float = REFRESH_SECONDS
        if use == "access":
            seconds = ACCESS_SECONDS if lifetime is None else lifetime
        now = self._state.clock.now()
        scope, kind = _SCOPES[use]
        claims = {
            "scope": scope,
            "sub": account.id,
            "aud": "did:web:sandbox",
            "jti": secrets.token_hex(16),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=seconds)).timestamp()),
        }
        return self._state.accounts.issue(
            account,
            use,
            lifetime_seconds=seconds,
            value=_jwt({"typ": kind, "alg": "HS256"}, claims),
            family=family,
        )

    def _session(
        self, call: Call, account: Account, access: Token, refresh: Token
    ) -> dict[str, Any]:
        tokens = {"accessJwt": access.value, "refreshJwt": refresh.value}
        return {**tokens, **self._identity(call, account)}

    def _identity(self, call: Call, account: Account) -> dict[str, Any]:
        service = {
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": f"{call.base}/bluesky",
        }
        document = {
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": account.id,
            "alsoKnownAs": [f"at://{account.handle}"],
            "service": [service],
        }
        return {"did": account.id, "handle": account.handle, "didDoc": document, "active": True}


def _jwt(header: dict[str, str], claims: dict[str, Any]) -> str:
    signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{_base64(hmac.digest(_SIGNING_KEY, signed.encode(), 'sha256'))}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
