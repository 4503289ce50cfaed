"""How a Mastodon server says no, and what each refusal means."""

from datetime import UTC, datetime, timedelta

from domain.networks import Network
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    MediaNotReady,
    PreparationLost,
    RateLimited,
)
from networks.exchange import Clock, Dialect, Refusal, Said, from_epoch
from networks.http_client import Response

REFUSALS = (
    # Tokens never run out: one that is not taken was revoked, and nothing renews it.
    Refusal(
        status=401,
        error=AccountDisconnected,
        detail="The Mastodon server does not take the access token any more. Connect the account "
        "again.",
    ),
    Refusal(
        status=403,
        phrase="your login is",
        error=AccountBlocked,
        detail="The Mastodon server does not let this account post. Log in there to see why.",
    ),
    Refusal(
        status=403,
        phrase="scope",
        error=AccountDisconnected,
        detail="The access token lacks a permission. Connect the account again with the scopes "
        "profile, read:statuses, write:media and write:statuses.",
    ),
    Refusal(
        status=403,
        error=AccountDisconnected,
        detail="The Mastodon server does not allow this to the access token. Connect the account "
        "again.",
    ),
    Refusal(
        status=404,
        error=ContentRefused,
        detail="The Mastodon server does not have what this refers to: the post that this one "
        "answers may be gone.",
    ),
    Refusal(
        status=413,
        error=ContentRefused,
        detail="A media file is too large for this Mastodon server. Make it smaller.",
    ),
    Refusal(
        status=422,
        phrase="have not finished processing",
        error=MediaNotReady,
        detail="The Mastodon server still processes the media.",
    ),
    Refusal(
        status=422,
        phrase="not found or already attached",
        error=PreparationLost,
        detail="The Mastodon server no longer has the uploaded media.",
    ),
    Refusal(
        status=422,
        error=ContentRefused,
        detail="The Mastodon server does not take this post as it is. Change it.",
    ),
    Refusal(
        status=429,
        error=RateLimited,
        detail="The Mastodon server allows no more requests for now.",
    ),
)


def dialect(now: Clock) -> Dialect:
    """Mastodon's way of refusing, by that clock."""
    return Dialect(
        network=Network.MASTODON,
        title="The Mastodon server",
        refusals=REFUSALS,
        said=said,
        reopens=reopens,
        spent=spent,
        usual_wait=timedelta(minutes=5),
        now=now,
    )


def said(response: Response) -> Said:
    """Read `{"error": sentence}`; Mastodon has no codes."""
    body = response.object
    messages = (body.get("error"), body.get("error_description"))
    return Said(
        message=" ".join(str(one) for one in messages if one),
        request_id=response.headers.get("x-request-id"),
    )


def reopens(response: Response) -> datetime | None:
    """The reset of the rate limit that was hit: in ISO 8601, or in seconds since 1970.

    The latter is how GoToSocial tells it, which speaks the same language otherwise.
    """
    told = response.headers.get("x-ratelimit-reset", "")
    if seconds := from_epoch(told):
        return seconds
    try:
        reset = datetime.fromisoformat(told)
    except ValueError:
        return None
    return reset if reset.tzinfo else reset.replace(tzinfo=UTC)


def spent(response: Response) -> datetime | None:
    """The reset, once the limit that is nearest has nothing left."""
    is_spent = response.headers.get("x-ratelimit-remaining") == "0"
    return reopens(response) if is_spent else None
