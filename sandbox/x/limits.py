"""X's rate limits: a quarter of an hour by account and kind of call, a day for posts."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sandbox.accounts import Account
from sandbox.network import Call, Refusal
from sandbox.state import State
from sandbox.x.posts import problem

QUARTER_HOUR, DAY = 900, 86_400
APP_DAY_LIMIT = 10_000
LIMITS = {"post": 100, "delete": 50, "upload": 500, "chunk": 1_875, "list": 900, "me": 75}
_BY_OPERATION = {
    "publish": "post",
    "delete": "delete",
    "lookup": "list",
    "profile": "me",
    "upload": "upload",
    "alt_text": "upload",
    "publish_status": "upload",
}


class XLimits:
    """Takes calls and says how many are left, by headers with epoch seconds."""

    def __init__(self, state: State) -> None:
        self._state = state

    def spend(self, account: Account, name: str) -> None:
        windows, now = self._state.windows, self._state.clock.now()
        spent = windows.get(account.id, f"x.{name}", LIMITS[name], QUARTER_HOUR).spend(now)
        if name == "post" and spent:
            spent = windows.get(account.id, "x.day", APP_DAY_LIMIT, DAY).spend(now)
        if not spent and self._state.settings.rate_limits and not account.unlimited:
            raise _too_many_requests()

    def headers(self, call: Call) -> Mapping[str, str]:
        name = _BY_OPERATION.get(call.operations[0])
        if call.account is None or name is None:
            return {}
        windows, now = self._state.windows, self._state.clock.now()
        window = windows.get(call.account.id, f"x.{name}", LIMITS[name], QUARTER_HOUR)
        headers = _headers("x-rate-limit", window.limit, window.remaining(), window.resets_at(now))
        if name == "post":
            day = windows.get(call.account.id, "x.day", APP_DAY_LIMIT, DAY)
            headers |= _headers(
                "x-app-limit-24hour", day.limit, day.remaining(), day.resets_at(now)
            )
        return headers

    def exceeded(self, call: Call, retry_after_seconds: int) -> Refusal:
        limit = LIMITS[_BY_OPERATION.get(call.operations[0], "post")]
        resets_at = self._state.clock.now() + timedelta(seconds=retry_after_seconds)
        return _too_many_requests(_headers("x-rate-limit", limit, 0, resets_at))

    def day_exceeded(self) -> Refusal:
        resets_at = self._state.clock.now() + timedelta(seconds=DAY)
        return problem(
            429,
            "UsageCapExceeded",
            "Usage cap exceeded: Daily product cap",
            kind="usage-capped",
            extra={"period": "Daily", "scope": "Product"},
            headers=_headers("x-user-limit-24hour", LIMITS["post"], 0, resets_at),
        )


def _headers(prefix: str, limit: int, remaining: int, resets_at: datetime) -> dict[str, str]:
    return {
        f"{prefix}-limit": str(limit),
        f"{prefix}-remaining": str(remaining),
        f"{prefix}-reset": str(int(resets_at.timestamp()) + 1),
    }


def _too_many_requests(headers: Mapping[str, str] | None = None) -> Refusal:
    return Refusal(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, headers)
