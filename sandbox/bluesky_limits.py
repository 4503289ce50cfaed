"""Bluesky's rate limits: points for writes by account, and logins."""

from sandbox.accounts import Account
from sandbox.bluesky_sessions import xrpc_error
from sandbox.limits import Window
from sandbox.network import Refusal
from sandbox.state import State

HOUR, DAY = 3_600, 86_400
POINTS_AN_HOUR, POINTS_A_DAY = 5_000, 35_000
COSTS = {"create": 3, "update": 2, "delete": 1}
LOGINS = {"login": (30, 300), "login day": (300, DAY)}


class BlueskyLimits:
    """Takes points and says how many are left."""

    def __init__(self, state: State) -> None:
        self._state = state

    def spend(self, account: Account, action: str) -> None:
        for window in (self._hour(account), self._day(account)):
            self._take(account, window, COSTS[action])

    def spend_login(self, account: Account) -> None:
        for name, (limit, seconds) in LOGINS.items():
            window = self._state.windows.get(account.id, f"bluesky.{name}", limit, seconds)
            self._take(account, window, 1)

    def headers(self, account: Account) -> dict[str, str]:
        return self._headers(self._hour(account))

    def exceeded(self, retry_after_seconds: int) -> Refusal:
        resets_at = int(self._state.clock.now().timestamp()) + retry_after_seconds
        headers = {
            "RateLimit-Limit": str(POINTS_AN_HOUR),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(resets_at),
            "RateLimit-Policy": f"{POINTS_AN_HOUR};w={HOUR}",
            "Retry-After": str(retry_after_seconds),
        }
        return xrpc_error(429, "RateLimitExceeded", "Rate Limit Exceeded", headers)

    def day_exceeded(self) -> Refusal:
        refusal = self.exceeded(DAY)
        policy = {
            "RateLimit-Limit": str(POINTS_A_DAY),
            "RateLimit-Policy": f"{POINTS_A_DAY};w={DAY}",
        }
        return Refusal(429, refusal.body, {**(refusal.headers or {}), **policy})

    def _take(self, account: Account, window: Window, points: int) -> None:
        now = self._state.clock.now()
        if window.spend(now, points) or account.unlimited or not self._state.settings.rate_limits:
            return
        wait = int((window.resets_at(now) - now).total_seconds()) + 1
        headers = {**self._headers(window), "Retry-After": str(wait)}
        raise xrpc_error(429, "RateLimitExceeded", "Rate Limit Exceeded", headers)

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
