"""Numbers for accounts, posts and media: unique, growing, of the length each network has."""

import time


class Identifiers:
    """Counts microseconds of real time: numbers grow over restarts and whatever the clock shows."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """A number of 16 digits, larger than every one before it."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last

    def graph(self) -> str:
        """Facebook's and Instagram's numbers."""
        return f"17{self.next()}"

    def snowflake(self) -> str:
        """X's 19 digits: below 2**63, growing with time."""
        return f"{self.next()}000"

    def mastodon(self) -> str:
        """Mastodon's 18 digits."""
        return f"{self.next()}00"
