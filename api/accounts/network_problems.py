"""What a network's refusal means for whoever wants to connect or check an account."""

import math
import re
from http import HTTPStatus
from typing import Final

from api.accounts.credentials import CREDENTIAL_NAMES
from api.problems import FieldProblem, InvalidRequest, Problem, Unavailable
from domain.networks import Network
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    NetworkError,
    RateLimited,
)

_PROOF: Final = {Network.BLUESKY: "app_password", Network.FEED: "handle"}
"""The credential that a network means when it refuses them all; elsewhere the access token."""

_CREDENTIAL: Final = re.compile(rf"\b(?:{'|'.join(sorted(CREDENTIAL_NAMES))})\b")


def connecting_failed(error: NetworkError) -> Problem:
    """Why the account was not connected."""
    match error:
        case ContentRefused():
            return _refused(error, _named_in(error.detail), "credentials_unusable")
        case AccountDisconnected() | CredentialsExpired():
            field = _PROOF.get(error.network, "access_token")
            return _refused(error, field, "credentials_refused")
        case AccountBlocked():
            return Problem(
                error.detail,
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
                slug="account-blocked",
                title="The network restricts this account",
            )
        case _:
            return asking_failed(error)


def asking_failed(error: NetworkError) -> Problem:
    """The network could not be asked just now; nothing was changed."""
    if isinstance(error, RateLimited):
        seconds = math.ceil(error.retry_after.total_seconds())
        return Unavailable(error.detail, slug="network-rate-limited", retry_after=seconds)
    if error.answer.status is None:
        return Unavailable(error.detail, slug="network-unreachable", retry_after=30)
    return Problem(
        error.detail,
        status=HTTPStatus.BAD_GATEWAY,
        slug="network-failed",
        title="The network did not do what was asked",
    )


def _refused(error: NetworkError, field: str | None, rule: str) -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field=f"credentials.{field}" if field else "credentials",
            rule=rule,
            message=error.detail,
            fix="Correct it, or make a new one on the network, and send it again.",
        )
    )


def _named_in(detail: str) -> str | None:
    """The credential that an adapter's refusal names."""
    match = _CREDENTIAL.search(detail)
    return match[0] if match else None
