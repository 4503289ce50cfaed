"""X's OAuth 2 tokens as kept: access for two hours, refresh tokens that work once and rotate."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.networks import Network
from networks.exchange import from_epoch, refused_credential
from networks.http_client import Response
from networks.protocol import Credentials


def with_expiry(credentials: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The same with `expires_at` (ISO 8601, UTC) in place of a lifetime in seconds.

    Raises ContentRefused naming a field that cannot be read.
    """
    kept = dict(credentials)
    if lifetime := kept.pop("expires_in", None):
        if not lifetime.isdecimal() or len(lifetime) > 9:
            raise refused_credential(Network.X, "expires_in", "is not a number of seconds")
        kept["expires_at"] = (now + timedelta(seconds=int(lifetime))).isoformat()
    elif told := kept.pop("expires_at", None):
        try:
            moment = from_epoch(told) or datetime.fromisoformat(told)
        except ValueError as error:
            raise refused_credential(Network.X, "expires_at", "is not a time") from error
        utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        kept["expires_at"] = utc.isoformat()
    return kept


def expiry(credentials: Credentials) -> datetime | None:
    """When the kept access token ends, UTC; None when nobody told."""
    told = credentials.get("expires_at")
    return datetime.fromisoformat(told) if told else None


def token_pair(response: Response) -> dict[str, str]:
    """The new tokens; without a new refresh token the old one is to stay."""
    answer = response.object
    pair = {"access_token": str(answer["access_token"])}
    if not pair["access_token"]:
        raise ValueError("an empty access token")
    if refresh_token := answer.get("refresh_token"):
        pair["refresh_token"] = str(refresh_token)
    if expires_in := answer.get("expires_in"):
        pair["expires_in"] = str(int(expires_in))
    return pair


def client_authorization(stored: Credentials) -> dict[str, str]:
    """Confidential clients prove who they are; public ones only name themselves in the form."""
    if not stored.get("client_secret"):
        return {}
    pair = f"{stored['client_id']}:{stored['client_secret']}"
    return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
