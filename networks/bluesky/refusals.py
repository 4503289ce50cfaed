"""How a Bluesky server (PDS) says no, and what each refusal means."""

from datetime import datetime, timedelta

from domain.networks import Network
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    PreparationLost,
    RateLimited,
)
from networks.exchange import Clock, Dialect, Refusal, Said, from_epoch
from networks.http_client import Response

RECORD_NOT_FOUND = "RecordNotFound"
REPO_NOT_FOUND = "RepoNotFound"
SWAP_REFUSED = "InvalidSwap"

POST_COST = 2
"""Points that a record takes that is put under a key of ours."""

EXPIRED = "Bluesky does not take the session any more."
BLOCKED = "Bluesky took the account down. Log in at bsky.app to see why."
DEACTIVATED = "The account is deactivated. Activate it at bsky.app, then connect it again."

REFUSALS = (
    # Expiry is a 400 here, not a 401.
    Refusal(code="ExpiredToken", error=CredentialsExpired, detail=EXPIRED),
    Refusal(code="InvalidToken", error=CredentialsExpired, detail=EXPIRED),
    Refusal(code="AuthMissing", error=CredentialsExpired, detail=EXPIRED),
    Refusal(
        code="AuthenticationRequired",
        error=CredentialsExpired,
        detail="Bluesky refuses the identifier or the app password.",
    ),
    Refusal(
        code="AuthFactorTokenRequired",
        error=AccountDisconnected,
        detail="Bluesky asks for a second factor: credentials.app_password must be an app "
        "password, which you make at bsky.app under Settings, Privacy and security.",
    ),
    Refusal(code="AccountTakedown", error=AccountBlocked, detail=BLOCKED),
    Refusal(code="RepoTakendown", error=AccountBlocked, detail=BLOCKED),
    Refusal(code="RepoSuspended", error=AccountBlocked, detail=BLOCKED),
    Refusal(code="AccountDeactivated", error=AccountDisconnected, detail=DEACTIVATED),
    Refusal(code="RepoDeactivated", error=AccountDisconnected, detail=DEACTIVATED),
    Refusal(
        code=REPO_NOT_FOUND,
        error=AccountDisconnected,
        detail="This Bluesky server does not show the account: it is gone or deactivated. "
        "Connect it again.",
    ),
    Refusal(
        code="BlobNotFound",
        error=PreparationLost,
        detail="Bluesky no longer has the uploaded images.",
    ),
    Refusal(
        code="InvalidMimeType",
        error=ContentRefused,
        detail="Bluesky does not take a file of this type. Use a JPEG or PNG image.",
    ),
    Refusal(
        code="BlobTooLarge",
        error=ContentRefused,
        detail="An image is too large for Bluesky. Make it smaller than 1,000,000 bytes.",
    ),
    Refusal(
        status=413,
        error=ContentRefused,
        detail="A media file is too large for this Bluesky server. Make it smaller.",
    ),
    Refusal(
        code=SWAP_REFUSED,
        error=ContentRefused,
        detail="Bluesky has another post under the same key.",
    ),
    Refusal(code=RECORD_NOT_FOUND, error=ContentRefused, detail="Bluesky does not have this post."),
    Refusal(status=429, error=RateLimited, detail="Bluesky allows no more requests for now."),
    Refusal(
        status=401,
        error=CredentialsExpired,
        detail=EXPIRED,
    ),
    Refusal(
        status=400,
        error=ContentRefused,
        detail="Bluesky does not take this post as it is. Change it.",
    ),
)


def dialect(now: Clock) -> Dialect:
    """Bluesky's way of refusing, by that clock."""
    return Dialect(
        network=Network.BLUESKY,
        title="Bluesky",
        refusals=REFUSALS,
        said=said,
        reopens=reopens,
        spent=spent,
        usual_wait=timedelta(minutes=5),
        now=now,
    )


def said(response: Response) -> Said:
    """Read `{"error": name, "message": sentence}`."""
    body = response.object
    code, message = str(body.get("error") or ""), str(body.get("message") or "")
    # Servers name some refusals InvalidRequest, and only the sentence tells them apart.
    if message.startswith("Could not locate record:"):
        code = RECORD_NOT_FOUND
    elif (
        code == "AccountNotFound"
        or message == "Could not locate record"  # of an account that it has, it names the record
        or message.startswith("Could not find user info for account")
    ):
        code = REPO_NOT_FOUND
    return Said(code=code or None, message=message)


def reopens(response: Response) -> datetime | None:
    """The reset of the rate limit that was hit."""
    return from_epoch(response.headers.get("ratelimit-reset"))


def spent(response: Response) -> datetime | None:
    """The reset, once fewer points are left than a post costs."""
    remaining = response.headers.get("ratelimit-remaining", "")
    return reopens(response) if remaining.isdecimal() and int(remaining) < POST_COST else None
