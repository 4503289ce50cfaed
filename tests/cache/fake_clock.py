"""A clock that moves when it is told to."""


class FakeClock:
    """Seconds since it was made, plus a start that is no round number."""

    def __init__(self) -> None:
        """It stands still."""
        self._now = 12345.678

    def __call__(self) -> float:
        """The time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds
