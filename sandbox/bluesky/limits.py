"""Bluesky's rate limits: points for writes by account, and logins."""

from sandbox.accounts import Account
from sandbox.bluesky.input import xrpc_error
from sandbox.limits import Window
from sandbox.network import Refusal
from sandbox.state import State

HOUR, DAY = 3_600, 86_400
POINTS_AN_HOUR, POINTS_A_DAY = 5_000, 35_000
COSTS = {"create": 3, "update": 2, "delete": 1}
LOGINS, LOGIN_SECONDS, LOGINS_A_DAY = 30, 300, 300


class BlueskyLimits:
    """Takes points and says how many are left."""

    def __init__(self, state: State) -> None:
        self._state = state

    def spend(self, account: Account, action: str) -> None:
        for window in (self._hour(account), self._day(account)):
            self._take(account, window, COSTS[action])

    def spend_login(self, account: Account) -> None:
        get = self._state.windows.get
        for window in (
            get(account.id, "bluesky.login", LOGINS, LOGIN_SECONDS),
            get(account.id, "bluesky.login day", LOGINS_A_DAY, DAY),
        ):
            self._take(account, window, 1, is_login=True)

    def headers(self, account: Account) -> dict[str, str]:
        return self._headers(self._hour(account))

    def exceeded(self, retry_after_seconds: int, *, is_login: bool) -> Refusal:
        limit, seconds = (LOGINS, LOGIN_SECONDS) if is_login else (POINTS_AN_HOUR, HOUR)
        return self._exceeded(limit, seconds, retry_after_seconds, is_login=is_login)

    def day_exceeded(self, *, is_login: bool) -> Refusal:
        limit = LOGINS_A_DAY if is_login else POINTS_A_DAY
        return self._exceeded(limit, DAY, DAY, is_login=is_login)

    def _exceeded(self, limit: int, seconds: int, wait: int, *, is_login: bool) -> Refusal:
        resets_at = int(self._state.clock.now().timestamp()) + wait
        headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(resets_at),
            "RateLimit-Policy": f"{limit};w={seconds}",
        }
        return _refusal(headers, wait, is_login=is_login)

    def _take(
        self, account: Account, window: Window, points: int, *, is_login: bool = False
    ) -> None:
        now = self._state.clock.now()
        if window.spend(now, points) or account.unlimited or not self._state.settings.rate_limits:
            return
        wait = int((window.resets_at(now) - now).total_seconds()) + 1
        # A refused call leaves no points, also where fewer than it costs were left.
        headers = {**self._headers(window), "RateLimit-Remaining": "0"}
        raise _refusal(headers, wait, is_login=is_login)

    def _headers(self, window: Window) -> dict[str, str]:
        resets_at = window.resets_at(self._state.clock.now())
        return {
            "RateLimit-Limit": str(window.limit),
            "RateLimit-Remaining": str(window.remaining()),
            "RateLimit-Reset": str(int(resets_at.timestamp()) + 1),
            "RateLimit-Policy": f"{window.limit};w={window.seconds}",
        }

    def _hour(self, account: Account) -> Window:
        return self._state.windows.get(account.id, "bluesky.hour", POINTS_AN_HOUR, HOUR)

    def _day(self, account: Account) -> Window:
        return self._state.windows.get(account.id, "bluesky.day", POINTS_A_DAY, DAY)


def _refusal(headers: dict[str, str], wait: int, *, is_login: bool) -> Refusal:
    # Who logs in too often is told when the limit resets, and nothing else.
    waiting = {} if is_login else {"Retry-After": str(wait)}
    return xrpc_error(429, "RateLimitExceeded", "Rate Limit Exceeded", {**headers, **waiting})
