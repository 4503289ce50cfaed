"""Mastodon's rate limits by account; their reset is ISO 8601 where other networks send seconds."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sandbox.accounts import Account
from sandbox.clock import rfc3339
from sandbox.mastodon.statuses import mastodon_error
from sandbox.network import Call, Refusal
from sandbox.state import State

# Calls and seconds of each window.
LIMITS = {
    "calls": (300, 300),
    "posts": (300, 10_800),
    "media": (30, 1_800),
    "deletes": (30, 1_800),
}
_BY_OPERATION = {"publish": "posts", "upload": "media", "delete": "deletes"}


class MastodonLimits:
    """Takes calls and says how many are left."""

    def __init__(self, state: State) -> None:
        self._state = state

    def spend(self, account: Account, name: str) -> None:
        limit, seconds = LIMITS[name]
        window = self._state.windows.get(account.id, f"mastodon.{name}", limit, seconds)
        now = self._state.clock.now()
        if window.spend(now) or account.unlimited or not self._state.settings.rate_limits:
            return
        raise _too_many_requests(limit, window.resets_at(now))

    def headers(self, call: Call) -> Mapping[str, str]:
        if call.account is None:
            return {}
        name = _BY_OPERATION.get(call.operations[0], "calls")
        limit, seconds = LIMITS[name]
        window = self._state.windows.get(call.account.id, f"mastodon.{name}", limit, seconds)
        resets_at = window.resets_at(self._state.clock.now())
        return _headers(limit, window.remaining(), resets_at)

    def exceeded(self, call: Call, retry_after_seconds: int) -> Refusal:
        limit, _ = LIMITS[_BY_OPERATION.get(call.operations[0], "calls")]
        resets_at = self._state.clock.now() + timedelta(seconds=retry_after_seconds)
        return _too_many_requests(limit, resets_at)

    def day_exceeded(self) -> Refusal:
        """The longest window there is: the posts of three hours."""
        limit, seconds = LIMITS["posts"]
        return _too_many_requests(limit, self._state.clock.now() + timedelta(seconds=seconds))


def _too_many_requests(limit: int, resets_at: datetime) -> Refusal:
    return mastodon_error(429, "Too many requests", _headers(limit, 0, resets_at))


def _headers(limit: int, remaining: int, resets_at: datetime) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": rfc3339(resets_at),
    }
