"""Record keys of Bluesky posts."""

from datetime import UTC, datetime, timedelta

import pytest

from networks.bluesky.tid import ALPHABET, TidClock, encode

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("microseconds", "clock_id", "tid"),
    [
        (0, 0, "2222222222222"),
        (0, 31, "222222222222z"),
        (0, 32, "2222222222232"),
        (1, 0, "2222222222322"),
        # The example of the specification's page.
        (1_688_137_381_887_007, 26, "3jzfcijpj2z2u"),
        (2**53 - 1, 1023, "bzzzzzzzzzzzz"),
    ],
)
def test_encodes_moment_and_clock(microseconds: int, clock_id: int, tid: str) -> None:
    assert encode(microseconds, clock_id) == tid


def test_is_thirteen_characters_of_its_alphabet() -> None:
    tid = TidClock(lambda: NOON).next()
    assert len(tid) == 13
    assert set(tid) <= set(ALPHABET)


def test_sorts_like_time() -> None:
    moments = iter([NOON + timedelta(microseconds=step) for step in (0, 1, 999, 10**6, 10**12)])
    clock = TidClock(lambda: next(moments))
    tids = [clock.next() for _ in range(5)]
    assert tids == sorted(tids)


def test_same_microsecond_gives_different_tids_in_order() -> None:
    clock = TidClock(lambda: NOON, lambda _: 7)
    tids = [clock.next() for _ in range(100)]
    assert len(set(tids)) == 100
    assert tids == sorted(tids)


def test_clock_set_back_never_repeats() -> None:
    moments = iter([NOON, NOON - timedelta(hours=1)])
    clock = TidClock(lambda: next(moments), lambda _: 7)
    first, second = clock.next(), clock.next()
    assert first < second


def test_random_bits_keep_processes_apart() -> None:
    one, other = TidClock(lambda: NOON, lambda _: 1), TidClock(lambda: NOON, lambda _: 2)
    assert one.next() != other.next()
