"""How X says no, and what each refusal means."""

from datetime import datetime, timedelta

from domain.networks import Network
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    PreparationLost,
    RateLimited,
)
from networks.exchange import Clock, Dialect, Refusal, Said, from_epoch
from networks.http_client import Response

PROBLEM = "https://api.twitter.com/2/problems/"

RATE_WINDOWS = ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
"""Headers come in threes: `-limit`, `-remaining`, `-reset` (seconds since 1970)."""

REFUSALS = (
    Refusal(
        status=403,
        phrase="duplicate content",
        error=DuplicateRefused,
        detail="X has a recent post of this account with the same text.",
    ),
    Refusal(
        status=403,
        phrase="not permitted to perform this action",
        error=ContentRefused,
        detail="X does not let this account post this: it may be too long for it, or answer "
        "somebody who did not mention it. Shorten or change the post.",
    ),
    Refusal(
        phrase="attempted to reply",
        error=ContentRefused,
        detail="The post that this one answers is gone from X.",
    ),
    Refusal(
        phrase="suspended",
        error=AccountBlocked,
        detail="X suspended the account. Log in at x.com to see why.",
    ),
    Refusal(
        phrase="temporarily locked",
        error=AccountBlocked,
        detail="X locked the account. Log in at x.com to unlock it.",
    ),
    Refusal(
        code="usage-capped",
        error=RateLimited,
        wait=timedelta(days=1),
        detail="The app's allowance of posts at X is used up.",
    ),
    Refusal(
        code="client-forbidden",
        error=AccountBlocked,
        detail="X does not let the app post: its access level does not allow it. An administrator "
        "has to look at the app in X's developer console.",
    ),
    Refusal(
        code="unsupported-authentication",
        error=AccountDisconnected,
        detail="X does not take this kind of token for posting. Connect the account again with a "
        "user token.",
    ),
    Refusal(
        code="not-authorized-for-resource",
        error=AccountDisconnected,
        detail="The connection lacks a permission. Connect the account again and allow posting.",
    ),
    Refusal(
        status=401,
        error=CredentialsExpired,
        detail="X does not take the access token any more.",
    ),
    Refusal(
        status=402,
        error=AccountBlocked,
        detail="The app's credits at X are used up, or its spending limit is reached. An "
        "administrator has to add credits in X's developer console.",
    ),
    Refusal(
        status=429,
        error=RateLimited,
        detail="X allows no more posts for now.",
    ),
    Refusal(
        code="invalid_grant",
        error=AccountDisconnected,
        detail="X does not renew the connection any more. Connect the account again.",
    ),
    Refusal(
        status=400,
        phrase="media ids are invalid",
        error=PreparationLost,
        detail="X no longer has the uploaded media.",
    ),
    Refusal(
        phrase="cashtag",
        error=ContentRefused,
        detail="X allows one cashtag in a post. Remove the others.",
    ),
    Refusal(
        phrase="invalid url",
        error=ContentRefused,
        detail="X does not take an address in the text. Correct or remove it.",
    ),
    Refusal(
        phrase="longer than 2 minutes",
        error=ContentRefused,
        detail="The video is too long for X. Shorten it.",
    ),
    Refusal(
        status=413,
        error=ContentRefused,
        detail="A media file is too large for X. Make it smaller.",
    ),
    Refusal(
        status=400,
        error=ContentRefused,
        detail="X does not take this post as it is. Change it.",
    ),
)


def dialect(now: Clock) -> Dialect:
    """X's way of refusing, by that clock."""
    return Dialect(
        network=Network.X,
        title="X",
        refusals=REFUSALS,
        said=said,
        reopens=reopens,
        spent=spent,
        usual_wait=timedelta(minutes=15),
        now=now,
    )


def said(response: Response) -> Said:
    """Read a problem (RFC 7807), the older `errors` list, or an OAuth 2 error."""
    body = response.object
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    kind = str(body.get("type") or "").removeprefix(PROBLEM)
    codes = (kind if kind != "about:blank" else None, body.get("error"), first.get("code"))
    messages = (first.get("message"), body.get("detail"), body.get("error_description"))
    return Said(
        code=next((str(code) for code in codes if code), None),
        message=" ".join(dict.fromkeys(str(one) for one in messages if one)),
        request_id=response.headers.get("x-transaction-id"),
    )


def reopens(response: Response) -> datetime | None:
    """The latest reset among the exhausted windows; the 15-minute one when none is marked so."""
    return spent(response) or from_epoch(response.headers.get("x-rate-limit-reset"))


def spent(response: Response) -> datetime | None:
    """The latest reset among the exhausted windows, which every answer tells of."""
    headers = response.headers
    exhausted = (name for name in RATE_WINDOWS if headers.get(f"{name}-remaining") == "0")
    resets = [from_epoch(headers.get(f"{name}-reset")) for name in exhausted]
    return max((reset for reset in resets if reset is not None), default=None)
