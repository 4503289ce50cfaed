"""What the Graph API's error codes mean for publishing, as one table for Facebook and Instagram."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import orjson

from domain.networks import Network
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    Answer,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    NetworkError,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
    TryLater,
)
from networks.exchange import retry_after
from networks.http_client import Response

LIMIT_WINDOW = timedelta(hours=1)
"""Graph's limits roll over an hour; used when no header names the wait."""

USAGE_HEADERS = {"x-business-use-case-usage": "usage", "x-app-usage": "app_usage"}
"""Kept as evidence, by name. The app's are percentages of a rolling hour, and name no time."""

Codes = tuple[int | None, int | None]
"""Code and subcode; None is any."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one error asks of the caller, and what it asks of the user."""

    raises: type[NetworkError]
    advice: str
    """For the user; `{network}` stands for the network's name."""
    at_commit: type[NetworkError] | None = None
    """Instead of `raises` where the request was the committing one."""


PASSING = Meaning(TryLater, "{network} had a passing fault. It is tried again by itself.")
# Instagram reports its own breakdown as HTTP 400 with a negative code: no more a clean refusal than
# a 5xx is, and its container can be asked.
BROKE_DOWN = Meaning(
    TryLater, "{network} broke down on its side. It is tried again by itself.", OutcomeUnknown
)
BUSY = Meaning(
    RateLimited, "{network} takes no more requests from this account for now. It waits its turn."
)
EXPIRED = Meaning(CredentialsExpired, "The access to this account ended. Connect it again.")
PERMISSION_LOST = Meaning(
    AccountDisconnected,
    "{network} no longer lets us act for this account. Connect it again with every permission.",
)
FETCH_FAILED = Meaning(
    TryLater,
    "{network} could not fetch the media from our address. If it stays so, check that the media "
    "address is reachable from the internet.",
)
BAD_PRODUCT_TAGS = Meaning(
    ContentRefused, "{network} refuses the product tags. Remove or correct them."
)


def _disconnected(what: str) -> Meaning:
    return Meaning(AccountDisconnected, f"{what} Connect the account again.")


def _blocked(what: str) -> Meaning:
    return Meaning(AccountBlocked, what)


def _refused(what: str) -> Meaning:
    return Meaning(ContentRefused, what)


def _lost(what: str) -> Meaning:
    return Meaning(PreparationLost, f"{what} It is prepared again by itself.")


# Meta gives one subcode under several codes, so those from `LONG_SUBCODES` up count under any code.
TABLE: Mapping[Codes, Meaning] = {
    # Passing
    (1, None): PASSING,
    (2, None): PASSING,
    (None, 1363047): PASSING,
    (None, 1609010): PASSING,
    (-1, None): BROKE_DOWN,
    (-2, None): BROKE_DOWN,
    (-2, 2207003): BROKE_DOWN,
    (-1, 2207001): BROKE_DOWN,
    (-1, 2207032): BROKE_DOWN,
    (-1, 2207053): BROKE_DOWN,
    (9004, 2207052): FETCH_FAILED,
    (None, 2207077): FETCH_FAILED,
    (None, 2207082): FETCH_FAILED,
    # Instagram answers a comment posted with `fields` like this after it created the comment.
    (20, 1772107): Meaning(TryLater, "{network} gave an unclear answer.", OutcomeUnknown),
    # Limits
    (4, None): BUSY,
    (17, None): BUSY,
    (32, None): BUSY,
    (341, None): BUSY,
    (613, None): BUSY,
    (80001, None): BUSY,
    (80002, None): BUSY,
    (9, 2207042): Meaning(
        RateLimited,
        "This account has published all that {network} allows in 24 hours. It waits for room.",
    ),
    # Access
    (190, None): EXPIRED,
    (190, 463): EXPIRED,
    (102, None): EXPIRED,
    (190, 458): _disconnected("The app was removed from this account."),
    (190, 459): _disconnected("{network} wants a log-in on its own site first."),
    (190, 460): _disconnected("The password of this account was changed."),
    (190, 464): _disconnected("The user behind this account is not confirmed at {network}."),
    (190, 467): _disconnected("The access to this account was ended."),
    (3, None): PERMISSION_LOST,
    (10, None): PERMISSION_LOST,
    # The account is stopped
    (368, None): _blocked("{network} blocks this account for a while. Look at its own notices."),
    (None, 1390008): _blocked("{network} says this account posts too fast. Let it rest for a day."),
    (None, 1404006): _blocked("{network} wants a security check. Log in there and complete it."),
    (None, 1404078): _blocked(
        "{network} wants the page publishing authorization. Complete it there."
    ),
    (None, 4854002): _blocked("{network} wants you to confirm your identity. Log in there."),
    (25, 2207050): _blocked("{network} restricts this account. Log in there and do what it asks."),
    (4, 2207051): _blocked("{network} takes this account's actions for spam. Look at it there."),
    # What was prepared is gone
    (-2, 2207020): _lost("{network} dropped the media."),
    (24, 2207006): _lost("{network} does not know the prepared post any more."),
    (None, 2207008): _lost("The prepared post ran out at {network}."),
    (9007, 2207027): Meaning(MediaNotReady, "{network} still processes the media."),
    # It is there already
    (506, None): Meaning(DuplicateRefused, "{network} has the same post as its latest one."),
    (None, 1366051): Meaning(DuplicateRefused, "{network} has published this photo already."),
    # The user has to change the post
    (100, None): _refused("{network} refuses a part of this post."),
    (100, 33): _refused(
        "{network} does not find what this belongs to, or may not show it to us. Check that it was "
        "not deleted and that the account still allows every permission."
    ),
    (1609005, None): _refused("{network} cannot read the link. Check that the page opens."),
    (None, 1609005): _refused("{network} cannot read the link. Check that the page opens."),
    (None, 1366046): _refused("{network} takes this photo neither in this size nor format."),
    (None, 1346003): _refused("{network} calls this content abusive. Change the text."),
    (None, 1404102): _refused("{network} says this breaks its standards. Change the post."),
    (36000, 2207004): _refused("The image is too large for {network}. Take one of at most 8 MiB."),
    (36001, None): _refused("{network} does not take an image of this resolution."),
    (None, 2207005): _refused("{network} does not take this image format. Take a JPEG."),
    (36003, 2207009): _refused("The image must be between 4:5 and 1.91:1 for {network}."),
    (352, 2207026): _refused("{network} does not take this video format. Take MP4 or MOV."),
    (None, 2207010): _refused("The caption is too long for {network}, or has too many tags."),
    (None, 2207028): _refused("A carousel on {network} has 2 to 10 items."),
    (None, 2207023): _refused("{network} does not take this kind of media."),
    (None, 2207057): _refused("The cover lies outside of the video. Choose another moment."),
    (None, 2207035): BAD_PRODUCT_TAGS,
    (None, 2207036): BAD_PRODUCT_TAGS,
    (None, 2207037): BAD_PRODUCT_TAGS,
    (None, 2207040): BAD_PRODUCT_TAGS,
    (None, 2207081): _refused("{network} does not allow trial reels for this account."),
}

LONG_SUBCODES = 1_000_000
BY_SUBCODE: Mapping[int, Meaning] = {
    subcode: meaning
    for (_, subcode), meaning in TABLE.items()
    if subcode is not None and subcode >= LONG_SUBCODES
}

QUOTABLE = (ContentRefused, AccountBlocked)
"""Only where the network's own words help. Of a bad token, Graph says the token itself."""


QUOTE_CHECK = 40
"""Characters of a secret that must not stand in a quote."""


def meaning_of(code: int, subcode: int | None = None, *, is_transient: bool = False) -> Meaning:
    """What an error asks for: by both codes, by the subcode, by the code, else a refusal.

    A refusal that only the code tells is passing when Graph calls it transient.
    """
    if subcode and (named := TABLE.get((code, subcode)) or BY_SUBCODE.get(subcode)):
        return named
    general = TABLE.get((code, None))
    if general is None and 200 <= code <= 299:
        general = PERMISSION_LOST
    if general is None and 80000 <= code <= 80009:
        general = BUSY
    if general is None or general.raises is ContentRefused:
        return PASSING if is_transient else TABLE[100, None]
    return general


def classify(
    network: Network,
    operation: str,
    response: Response,
    *,
    committing: bool,
    private: tuple[str, ...] = (),
) -> NetworkError:
    """The error that an answer other than success stands for.

    `private` is what the detail must not repeat: the token and the texts of the request.
    """
    error = response.object.get("error")
    error = error if isinstance(error, dict) else {}
    answer = _evidence(operation, response, error)
    meaning = _meaning(response, error)
    raises = (committing and meaning.at_commit) or meaning.raises
    if committing and not _is_clean_refusal(response):
        raises = OutcomeUnknown
    name = network.value.capitalize()
    if raises is OutcomeUnknown:
        detail = f"{name} answered with an error that does not tell whether it was published."
        return OutcomeUnknown(network, detail, answer=answer)
    detail = meaning.advice.format(network=name)
    if issubclass(raises, QUOTABLE):
        detail += _quote(name, error, private)
    if issubclass(raises, RateLimited):
        wait = time_to_regain(response) or _retry_after(response) or LIMIT_WINDOW
        return raises(network, detail, answer=answer, retry_after=wait)
    return raises(network, detail, answer=answer)


def _is_clean_refusal(response: Response) -> bool:
    """408 is a timeout that a server or a proxy on the way tells of."""
    return 400 <= response.status < 500 and response.status != 408


def _meaning(response: Response, error: Mapping[str, Any]) -> Meaning:
    code, subcode = error.get("code"), error.get("error_subcode")
    if isinstance(code, int) and response.status < 500:
        return meaning_of(
            code,
            subcode if isinstance(subcode, int) else None,
            is_transient=error.get("is_transient") is True,
        )
    return {401: EXPIRED, 429: BUSY}.get(response.status, PASSING)


def _evidence(operation: str, response: Response, error: Mapping[str, Any]) -> Answer:
    codes = [str(error[key]) for key in ("code", "error_subcode") if error.get(key) is not None]
    fields = {"type": str(error["type"])} if error.get("type") else {}
    for header, name in USAGE_HEADERS.items():
        if usage := response.headers.get(header):
            fields[name] = usage
    return Answer(
        operation=operation,
        status=response.status,
        code="/".join(codes) or None,
        request_id=error.get("fbtrace_id") or response.headers.get("x-fb-trace-id"),
        fields=fields,
    )


def _quote(name: str, error: Mapping[str, Any], private: tuple[str, ...]) -> str:
    words = error.get("error_user_msg") or error.get("message")
    # Graph shortens what it repeats.
    if not isinstance(words, str) or any(secret[:QUOTE_CHECK] in words for secret in private):
        return ""
    return f' {name} says: "{words}"'


def _retry_after(response: Response) -> timedelta | None:
    """What servers in front of Graph say; Graph itself does not."""
    now = datetime.now(UTC)
    moment = retry_after(response, now)
    return max(moment - now, timedelta(seconds=1)) if moment else None


def time_to_regain(response: Response) -> timedelta | None:
    """The longest wait in X-Business-Use-Case-Usage, which counts in minutes; None without one.

    Any answer may have it, once the account has used up what it may.
    """
    try:
        usage = orjson.loads(response.headers.get("x-business-use-case-usage", ""))
        entries = chain.from_iterable(usage.values())
        minutes = max(int(entry.get("estimated_time_to_regain_access", 0)) for entry in entries)
    except (ValueError, AttributeError, TypeError):
        return None
    return timedelta(minutes=minutes) if minutes > 0 else None
