"""When a post leaves: what is read as a publish time, and what is refused with which advice."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.publish_time import (
    GRACE,
    HORIZON,
    InvalidPublishTime,
    parse_instant,
    require_future,
    resolve_wall_time,
)

NOW = datetime(2027, 1, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-03-01T09:00:00Z", datetime(2027, 3, 1, 9, tzinfo=UTC)),
        ("2027-03-01t09:00:00z", datetime(2027, 3, 1, 9, tzinfo=UTC)),
        ("2027-03-01 09:00:00Z", datetime(2027, 3, 1, 9, tzinfo=UTC)),
        ("2027-03-01T09:00:00+01:00", datetime(2027, 3, 1, 8, tzinfo=UTC)),
        ("2027-03-01T09:00:00-05:30", datetime(2027, 3, 1, 14, 30, tzinfo=UTC)),
        ("2027-03-01T09:00:00-00:00", datetime(2027, 3, 1, 9, tzinfo=UTC)),
        ("2027-03-01T00:30:00+01:00", datetime(2027, 2, 28, 23, 30, tzinfo=UTC)),
        ("2027-03-01T09:00:00.5Z", datetime(2027, 3, 1, 9, 0, 0, 500_000, tzinfo=UTC)),
        ("2027-03-01T09:00:00.123456789Z", datetime(2027, 3, 1, 9, 0, 0, 123_456, tzinfo=UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_as_utc(text: str, expected: datetime) -> None:
    instant = parse_instant(text)
    assert instant == expected
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "not_a_time"),
        ("tomorrow", "not_a_time"),
        ("2027-03-01", "not_a_time"),
        ("2027-03-01T09:00Z", "not_a_time"),
        ("2027-3-1T09:00:00Z", "not_a_time"),
        ("20270301T090000Z", "not_a_time"),
        ("2027-03-01T09:00:00Z ", "not_a_time"),
        ("2027-03-01T09:00:00+0100", "not_a_time"),
        ("٢٠٢٧-03-01T09:00:00Z", "not_a_time"),
        ("1772355600", "not_a_time"),
        ("x" * 10_000, "not_a_time"),
        ("2027-03-01T09:00:00", "missing_offset"),
        ("2027-03-01T09:00:60Z", "leap_second"),
        ("2027-02-29T09:00:00Z", "no_such_time"),
        ("2027-13-01T09:00:00Z", "no_such_time"),
        ("2027-03-01T24:00:00Z", "no_such_time"),
        ("2027-03-01T09:00:61Z", "no_such_time"),
        ("0000-01-01T00:00:00Z", "no_such_time"),
        ("2027-03-01T09:00:00+24:00", "no_such_time"),
        ("2027-03-01T09:00:00+01:60", "no_such_time"),
        ("0001-01-01T00:00:00+01:00", "no_such_time"),
        ("9999-12-31T23:30:00-01:00", "no_such_time"),
    ],
)
def test_what_is_no_instant_is_refused(text: str, rule: str) -> None:
    with pytest.raises(InvalidPublishTime) as refusal:
        parse_instant(text)
    assert refusal.value.rule == rule
    assert refusal.value.fix.endswith(".")
    assert len(str(refusal.value)) < 200


def test_a_time_without_offset_is_told_both_ways_to_mend_it() -> None:
    with pytest.raises(InvalidPublishTime, match="2027-03-01T09:00:00") as refusal:
        parse_instant("2027-03-01T09:00:00")
    assert "Append Z" in refusal.value.fix
    assert "IANA time zone" in refusal.value.fix


@given(
    since=st.integers(min_value=-60_000_000_000, max_value=250_000_000_000),
    offset=st.integers(min_value=-23 * 60 - 59, max_value=23 * 60 + 59),
)
def test_an_instant_is_the_same_in_whatever_offset_it_is_written(since: int, offset: int) -> None:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=since)
    written = instant.astimezone(timezone(timedelta(minutes=offset))).isoformat()
    assert parse_instant(written) == instant


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        ("2027-03-01T09:00", "UTC", "2027-03-01T09:00:00+00:00"),
        ("2027-03-01T09:00:30", "Europe/Berlin", "2027-03-01T08:00:30+00:00"),
        ("2027-07-01 09:00", "Europe/Berlin", "2027-07-01T07:00:00+00:00"),
        ("2027-07-01T09:00", "Asia/Kathmandu", "2027-07-01T03:15:00+00:00"),
        # Berlin's clocks jump from 02:00 to 03:00 on 2027-03-28: 02:30 means 03:30.
        ("2027-03-28T01:59:59", "Europe/Berlin", "2027-03-28T00:59:59+00:00"),
        ("2027-03-28T02:00", "Europe/Berlin", "2027-03-28T01:00:00+00:00"),
        ("2027-03-28T02:30", "Europe/Berlin", "2027-03-28T01:30:00+00:00"),
        ("2027-03-28T03:00", "Europe/Berlin", "2027-03-28T01:00:00+00:00"),
        # They show 02:30 twice on 2027-10-31: the first is meant, still in summer time.
        ("2027-10-31T02:30", "Europe/Berlin", "2027-10-31T00:30:00+00:00"),
        ("2027-10-31T03:00", "Europe/Berlin", "2027-10-31T02:00:00+00:00"),
        ("2027-03-14T02:30", "America/New_York", "2027-03-14T07:30:00+00:00"),
        ("2027-11-07T01:30", "America/New_York", "2027-11-07T05:30:00+00:00"),
        # A gap of half an hour, and one of a whole day.
        ("2027-10-03T02:15", "Australia/Lord_Howe", "2027-10-02T15:45:00+00:00"),
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00:00+00:00"),
    ],
)
def test_a_wall_time_is_resolved_in_its_zone(local: str, zone: str, expected: str) -> None:
    assert resolve_wall_time(local, zone).isoformat() == expected


@pytest.mark.parametrize(
    ("local", "zone", "rule"),
    [
        ("2027-03-01T09:00", "Mars/Olympus", "unknown_zone"),
        ("2027-03-01T09:00", "", "unknown_zone"),
        ("2027-03-01T09:00", "europe/berlin", "unknown_zone"),
        ("2027-03-01T09:00", "../../etc/passwd", "unknown_zone"),
        ("2027-03-01T09:00", "/etc/localtime", "unknown_zone"),
        ("2027-03-01T09:00", "localtime", "unknown_zone"),
        ("2027-03-01T09:00", "x" * 100_000, "unknown_zone"),
        ("nine", "UTC", "not_a_time"),
        ("2027-03-01T9:00", "UTC", "not_a_time"),
        ("2027-03-01T09:00Z", "UTC", "unexpected_offset"),
        ("2027-03-01T09:00:00+01:00", "Europe/Berlin", "unexpected_offset"),
        ("2027-02-30T09:00", "UTC", "no_such_time"),
        ("2027-06-30T23:59:60", "UTC", "leap_second"),
        ("0001-01-01T00:00", "Asia/Tokyo", "no_such_time"),
    ],
)
def test_a_wall_time_that_means_nothing_is_refused(local: str, zone: str, rule: str) -> None:
    with pytest.raises(InvalidPublishTime) as refusal:
        resolve_wall_time(local, zone)
    assert refusal.value.rule == rule
    assert len(str(refusal.value)) < 200


def test_a_mistyped_zone_is_named_and_the_nearest_offered() -> None:
    with pytest.raises(InvalidPublishTime, match="Europe/Berln") as refusal:
        resolve_wall_time("2027-03-01T09:00", "Europe/Berln")
    assert refusal.value.fix == "Did you mean Europe/Berlin?"


@pytest.mark.parametrize("ahead", [-GRACE, timedelta(), timedelta(days=180), HORIZON])
def test_a_time_from_just_now_to_the_horizon_is_accepted(ahead: timedelta) -> None:
    require_future(NOW + ahead, now=NOW)


def test_a_time_that_has_passed_is_refused() -> None:
    with pytest.raises(InvalidPublishTime) as refusal:
        require_future(NOW - GRACE - timedelta(seconds=1), now=NOW)
    assert refusal.value.rule == "in_the_past"
    assert str(refusal.value) == (
        "The publish time 2027-01-01T08:58:59Z has passed: it is 2027-01-01T09:00:00Z now."
    )


def test_a_time_beyond_the_horizon_is_refused_and_the_horizon_named() -> None:
    with pytest.raises(InvalidPublishTime, match="more than 30 days ahead") as refusal:
        require_future(NOW + timedelta(days=31), now=NOW, horizon=timedelta(days=30))
    assert refusal.value.rule == "too_far_ahead"
    assert refusal.value.fix == "Choose a time up to 2027-01-31T09:00:00Z."
