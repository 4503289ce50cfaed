"""How fast a socket may send."""

import pytest

from realtime.flood import Meter, Verdict


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        """It is zero."""
        self.now = 0.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock of this test."""
    return Clock()


def test_a_burst_is_admitted_then_refused_then_the_socket_is_closed(clock: Clock) -> None:
    meter = Meter(per_second=10, burst=3, clock=clock)
    verdicts = [meter.count() for _ in range(7)]
    assert verdicts == [Verdict.ADMITTED] * 3 + [Verdict.REFUSED] * 3 + [Verdict.CLOSED]


def test_who_waits_as_told_is_admitted_again(clock: Clock) -> None:
    meter = Meter(per_second=10, burst=3, clock=clock)
    for _ in range(3):
        meter.count()
    assert meter.count() is Verdict.REFUSED
    clock.now += meter.wait + 1e-6
    assert meter.count() is Verdict.ADMITTED


def test_the_allowed_pace_is_never_refused(clock: Clock) -> None:
    meter = Meter(per_second=10, burst=2, clock=clock)
    for _ in range(1_000):
        assert meter.count() is Verdict.ADMITTED
        clock.now += 0.1001


def test_refusals_are_forgotten_with_time(clock: Clock) -> None:
    meter = Meter(per_second=10, burst=2, clock=clock)
    for _ in range(50):
        assert [meter.count() for _ in range(3)][-1] is Verdict.REFUSED
        clock.now += 1
