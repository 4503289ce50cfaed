"""The one clock of the sandbox: real time plus an offset that a test can move."""

from datetime import UTC, datetime, timedelta

from sandbox.journal import Event, Journal


class Clock:
    """Tells the sandbox's time; it keeps running after it was moved."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.offset = timedelta()
        journal.on("clock", self._apply)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> None:
        self._move(self.offset + timedelta(seconds=seconds))

    def set(self, now: datetime) -> None:
        self._move(now - datetime.now(UTC))

    def reset(self) -> None:
        self._move(timedelta())

    def clear(self) -> None:
        self.offset = timedelta()

    def _move(self, offset: timedelta) -> None:
        self._journal.record("clock", {"offset_seconds": offset.total_seconds()})

    def _apply(self, event: Event) -> None:
        self.offset = timedelta(seconds=event["offset_seconds"])


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as the control API speaks it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as X, Bluesky and Mastodon write times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read RFC 3339; a time without an offset is a ValueError."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return parsed
