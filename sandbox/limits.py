"""Counters behind the networks' rate-limit headers."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(slots=True)
class Window:
    """A fixed window that opens with its first call: `limit` points in `seconds`."""

    limit: int
    seconds: int
    opened_at: datetime | None = None
    used: int = 0

    def spend(self, now: datetime, points: int = 1) -> bool:
        """Take points; False, and nothing taken, when there are not enough left."""
        if self.opened_at is None or now >= self.resets_at(now):
            self.opened_at, self.used = now, 0
        if self.used + points > self.limit:
            return False
        self.used += points
        return True

    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def resets_at(self, now: datetime) -> datetime:
        return (self.opened_at or now) + timedelta(seconds=self.seconds)


class Windows:
    """The windows of every account, by the name of the limit."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], Window] = {}

    def clear(self) -> None:
        self._windows.clear()

    def get(self, account_id: str, name: str, limit: int, seconds: int) -> Window:
        window = self._windows.get((account_id, name))
        if window is None:
            window = self._windows[account_id, name] = Window(limit, seconds)
        return window
