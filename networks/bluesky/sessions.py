"""Sessions at a Bluesky server: made from an app password, renewed by a refresh token.

Access tokens live two hours. A refresh token lives 90 days and rotates; the old one answers the
same successor for two hours more, so a lost answer does no harm.
"""

from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from domain.networks import Network
from networks.bluesky.refusals import BLOCKED, DEACTIVATED
from networks.errors import AccountBlocked, AccountDisconnected, Answer
from networks.exchange import Dialect, from_epoch
from networks.http_client import HttpClient, Response


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Who is logged in, and with what."""

    did: str
    handle: str
    access_jwt: str = field(repr=False)
    refresh_jwt: str = field(repr=False)

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends, UTC."""
        return _expiry(self.access_jwt)


class BlueskySessions:
    """The calls of `com.atproto.server` that open and renew sessions."""

    def __init__(self, http: HttpClient, bluesky: Dialect) -> None:
        """Sessions over that client."""
        self._http = http
        self._bluesky = bluesky

    async def open(self, service: str, identifier: str, password: str) -> Session:
        """createSession. Raises CredentialsExpired when the password is refused."""
        request = self._http.request(
            "POST",
            f"{service}/xrpc/com.atproto.server.createSession",
            json={"identifier": identifier, "password": password},
        )
        answer = await self._bluesky.look(
            "create_session", request, _whole_session, withheld=(password,)
        )
        return self._session(answer)

    async def renew(self, service: str, refresh_jwt: str) -> Session:
        """refreshSession. Raises CredentialsExpired when the refresh token is dead too."""
        request = self._http.request(
            "POST", f"{service}/xrpc/com.atproto.server.refreshSession", bearer=refresh_jwt
        )
        answer = await self._bluesky.look(
            "refresh_session", request, _whole_session, withheld=(refresh_jwt,)
        )
        return self._session(answer)

    async def read(self, service: str, access_jwt: str, refresh_jwt: str) -> Session:
        """getSession: whose tokens these are now."""
        request = self._http.request(
            "GET", f"{service}/xrpc/com.atproto.server.getSession", bearer=access_jwt
        )
        answer = await self._bluesky.look(
            "get_session", request, _identity, withheld=(access_jwt, refresh_jwt)
        )
        return self._session({**answer, "accessJwt": access_jwt, "refreshJwt": refresh_jwt})

    def _session(self, answer: dict[str, Any]) -> Session:
        """Raises AccountBlocked or AccountDisconnected for an account that is not active."""
        if answer["active"] is False:
            status = answer["status"]
            spoken = Answer(operation="session", status=200, code=status)
            if status == "deactivated":
                raise AccountDisconnected(Network.BLUESKY, DEACTIVATED, answer=spoken)
            raise AccountBlocked(Network.BLUESKY, BLOCKED, answer=spoken)
        return Session(
            did=answer["did"],
            handle=answer["handle"],
            access_jwt=answer["accessJwt"],
            refresh_jwt=answer["refreshJwt"],
        )


def _identity(response: Response) -> dict[str, Any]:
    body = response.object
    return {
        "did": str(body["did"]),
        "handle": str(body["handle"]),
        "active": body.get("active", True),
        "status": body.get("status"),
    }


def _whole_session(response: Response) -> dict[str, Any]:
    body = response.object
    return {
        **_identity(response),
        "accessJwt": str(body["accessJwt"]),
        "refreshJwt": str(body["refreshJwt"]),
    }


def _expiry(jwt: str) -> datetime | None:
    """The `exp` claim; None for a token that is no JWT. The signature is the server's business."""
    claims = jwt.split(".")[1] if jwt.count(".") == 2 else ""
    try:
        told = orjson.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except ValueError:
        return None
    return from_epoch(str(told.get("exp"))) if isinstance(told, dict) else None
