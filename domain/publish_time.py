"""When a post leaves: reading instants and wall times, and refusing those that cannot be meant."""

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

GRACE: Final = timedelta(minutes=1)
"""How far in the past a publish time still means "now": clocks differ, and requests travel."""

HORIZON: Final = timedelta(days=5 * 365 + 1)
"""How far ahead a publish time may lie. Further is a mistyped year more often than a plan."""

_SHOWN: Final = 64
"""Characters of a rejected input that an error repeats."""

_DATE_AND_TIME: Final = (
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt ]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
)
_INSTANT: Final = re.compile(
    _DATE_AND_TIME + r":(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<offset>[Zz]|(?P<sign>[+-])(?P<offset_hour>[0-9]{2}):(?P<offset_minute>[0-9]{2}))?"
)
_WALL_TIME: Final = re.compile(
    _DATE_AND_TIME + r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)

_NOT_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""Names that some tz databases carry and that mean "whatever this machine is set to"."""


class InvalidPublishTime(ValueError):
    """A publish time that cannot be used.

    `str()` of it names what is wrong, `rule` is a stable word for programs, `fix` tells what to do.
    """

    def __init__(self, message: str, *, rule: str, fix: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.fix = fix


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time, whose offset is required, as an aware datetime in UTC.

    Digits of the fraction beyond microseconds are dropped. The offset "-00:00" counts as UTC.
    Raises InvalidPublishTime with rule `not_a_time`, `missing_offset`, `leap_second` or
    `no_such_time`.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise InvalidPublishTime(
            f"{_shown(text)} is not an RFC 3339 date-time.",
            rule="not_a_time",
            fix="Write date, time with seconds, and offset: 2027-03-01T09:00:00+01:00"
            " or 2027-03-01T08:00:00Z.",
        )
    if match["offset"] is None:
        raise InvalidPublishTime(
            f"{_shown(text)} has no offset, so it names no single instant.",
            rule="missing_offset",
            fix="Append Z for UTC or an offset such as +02:00, or send the wall time together"
            " with an IANA time zone.",
        )
    wall = _wall_clock(match, text)
    offset = timedelta()
    if match["sign"]:
        hours, minutes = int(match["offset_hour"]), int(match["offset_minute"])
        if hours > 23 or minutes > 59:
            raise _no_such_time(text, "the offset goes up to 23:59")
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if match["sign"] == "-" else 1)
    try:
        return wall - offset
    except OverflowError as error:
        raise _no_such_time(text, "it lies outside the years 1 to 9999 in UTC") from error


def resolve_wall_time(local: str, zone: str) -> datetime:
    """Turn what a clock on the wall shows in an IANA zone into an aware datetime in UTC.

    Where clocks jump forward over the wall time, it moves forward by the length of the gap (02:30
    becomes 03:30); where clocks show it twice, the first, earlier instant is meant. Seconds may be
    left out. Raises InvalidPublishTime with rule `unknown_zone`, `not_a_time`, `unexpected_offset`,
    `leap_second` or `no_such_time`.
    """
    place = _zone(zone)
    match = _WALL_TIME.fullmatch(local)
    if match is None:
        raise InvalidPublishTime(
            f"{_shown(local)} is not a date and time.",
            rule="not_a_time",
            fix="Write date and time without an offset: 2027-03-01T09:00 or 2027-03-01T09:00:00.",
        )
    if match["offset"] is not None:
        raise InvalidPublishTime(
            f"{_shown(local)} has an offset of its own, and the time zone {zone} beside it.",
            rule="unexpected_offset",
            fix="Send the time with its offset alone, or the wall time without offset and the"
            " zone.",
        )
    # A datetime's fold is 0 unless set, and PEP 495 then gives exactly the rule above: the first of
    # two, and in a gap the offset from before it, which moves the time on by the gap's length.
    wall = _wall_clock(match, local).replace(tzinfo=place)
    try:
        return wall.astimezone(UTC)
    except OverflowError as error:
        raise _no_such_time(local, "it lies outside the years 1 to 9999 in UTC") from error


def require_future(
    instant: datetime,
    *,
    now: datetime,
    grace: timedelta = GRACE,
    horizon: timedelta = HORIZON,
) -> None:
    """Refuse a publish time that has passed, or is too far ahead to be meant.

    Both times are aware. Up to `grace` in the past still counts as now. Raises InvalidPublishTime
    with rule `in_the_past` or `too_far_ahead`.
    """
    if instant < now - grace:
        raise InvalidPublishTime(
            f"The publish time {_rfc3339(instant)} has passed: it is {_rfc3339(now)} now.",
            rule="in_the_past",
            fix="Choose a time in the future, or publish now.",
        )
    if instant > now + horizon:
        raise InvalidPublishTime(
            f"The publish time {_rfc3339(instant)} is more than {horizon.days} days ahead.",
            rule="too_far_ahead",
            fix=f"Choose a time up to {_rfc3339(now + horizon)}.",
        )


def _wall_clock(match: re.Match[str], text: str) -> datetime:
    """The date and time of a match, labelled UTC until its own zone is applied."""
    second = int(match["second"] or 0)
    if second == 60:
        raise InvalidPublishTime(
            f"{_shown(text)} is a leap second, which clocks that schedule do not show.",
            rule="leap_second",
            fix="Use second 59, or second 00 of the next minute.",
        )
    year, month, day, hour, minute = (
        int(match[name]) for name in ("year", "month", "day", "hour", "minute")
    )
    microsecond = int((match["fraction"] or "0")[:6].ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    except ValueError as error:
        raise _no_such_time(text, str(error)) from error


def _zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Only listed names are looked up: ZoneInfo would open paths."""
    if name in _zone_names():
        return ZoneInfo(name)
    near = get_close_matches(name[:_SHOWN], _zone_names(), n=1)
    raise InvalidPublishTime(
        f"{_shown(name)} is not an IANA time zone.",
        rule="unknown_zone",
        fix=f"Did you mean {near[0]}?" if near else "Use a name such as Europe/Berlin or UTC.",
    )


@cache
def _zone_names() -> frozenset[str]:
    """Every zone name of the tz database. Listing them walks its directory, so once is enough."""
    return frozenset(available_timezones() - _NOT_PLACES)


def _no_such_time(text: str, reason: str) -> InvalidPublishTime:
    """The error for a well-formed time that no calendar or clock has."""
    return InvalidPublishTime(
        f"{_shown(text)} does not exist: {reason}.",
        rule="no_such_time",
        fix="Correct the date, the time or the offset.",
    )


def _shown(text: str) -> str:
    """An input as an error repeats it: quoted, and cut when it is long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _rfc3339(instant: datetime) -> str:
    """An instant for people and programs: UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
