"""When a circuit opens, how long it stays open, what closes it, and that nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.circuits import Circuit, CircuitPlan, CircuitState, Sends

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
PLAN = CircuitPlan()
SECOND = timedelta(seconds=1)


def sends(failures: int = 0, successes: int = 0, *, started_at: datetime = NOW) -> list[Sends]:
    return [Sends(started_at=started_at, failures=failures, successes=successes)]


def opened() -> Circuit:
    """A circuit that opened just now."""
    return Circuit(since=NOW).after(sends(PLAN.min_failures), NOW, PLAN)


def half_open() -> Circuit:
    """One whose first probe has just left."""
    circuit = opened()
    assert circuit.until is not None
    return circuit.take_probe(circuit.until, PLAN)


def test_too_many_failures_open_it() -> None:
    circuit = opened()
    assert circuit.state is CircuitState.OPEN
    assert circuit.until == NOW + PLAN.open_for
    assert (circuit.failures, circuit.sends) == (10, 10)


def test_few_failures_never_do_however_large_their_share() -> None:
    circuit = Circuit(since=NOW).after(sends(PLAN.min_failures - 1), NOW, PLAN)
    assert circuit.state is CircuitState.CLOSED


def test_many_failures_among_more_successes_do_not() -> None:
    """The second of a crowded hour has failures too."""
    circuit = Circuit(since=NOW).after(sends(10, 2_990), NOW, PLAN)
    assert circuit.state is CircuitState.CLOSED


def test_what_is_told_at_once_is_weighed_at_once() -> None:
    told = [*sends(30), *sends(0, 100)]
    assert Circuit(since=NOW).after(told, NOW, PLAN).state is CircuitState.CLOSED


def test_failures_that_left_the_window_do_not_count() -> None:
    circuit = Circuit(since=NOW).after(sends(9), NOW, PLAN)
    later = NOW + PLAN.window
    assert circuit.after(sends(9, started_at=later), later, PLAN).state is CircuitState.CLOSED
    sooner = later - SECOND
    assert circuit.after(sends(9, started_at=sooner), sooner, PLAN).state is CircuitState.OPEN


def test_an_open_one_lets_nothing_through_until_its_time() -> None:
    circuit = opened()
    assert circuit.until is not None
    assert circuit.is_shut(circuit.until - SECOND, PLAN)
    with pytest.raises(ValueError, match="shut"):
        circuit.take_probe(circuit.until - SECOND, PLAN)
    assert circuit.probes_due(circuit.until, PLAN) == PLAN.probes


def test_as_many_probes_as_planned_and_no_more() -> None:
    circuit = opened()
    assert circuit.until is not None
    now, taken = circuit.until, 0
    while not circuit.is_shut(now, PLAN):
        circuit, taken = circuit.take_probe(now, PLAN), taken + 1
    assert taken == PLAN.probes
    assert circuit.state is CircuitState.HALF_OPEN


def test_enough_successes_of_probes_close_it() -> None:
    circuit = half_open()
    circuit = circuit.after(sends(0, PLAN.probes - 1, started_at=circuit.since), NOW, PLAN)
    assert circuit.state is CircuitState.HALF_OPEN
    closed = circuit.after(sends(0, 1, started_at=circuit.since), NOW, PLAN)
    assert (closed.state, closed.failures) == (CircuitState.CLOSED, 0)


def test_one_failed_probe_opens_it_again_for_twice_as_long() -> None:
    circuit = half_open()
    now = circuit.since + SECOND
    again = circuit.after(sends(1, 2, started_at=circuit.since), now, PLAN)
    assert (again.state, again.until) == (CircuitState.OPEN, now + 2 * PLAN.open_for)


def test_sends_from_before_the_probe_say_nothing_of_it() -> None:
    """A time-out is learnt of half a minute later."""
    circuit = half_open()
    old = sends(5, 5, started_at=circuit.since - SECOND)
    assert circuit.after(old, circuit.since + SECOND, PLAN) == circuit


def test_probes_that_nobody_heard_of_again_are_given_once_more() -> None:
    circuit = half_open()
    while not circuit.is_shut(circuit.since, PLAN):
        circuit = circuit.take_probe(circuit.since, PLAN)
    lost = circuit.since + PLAN.probe_patience
    assert circuit.is_shut(lost - SECOND, PLAN)
    assert circuit.probes_due(lost, PLAN) == PLAN.probes
    assert circuit.take_probe(lost, PLAN).since == circuit.since


def test_it_opens_for_longer_and_longer_up_to_the_longest() -> None:
    circuit, lengths = opened(), []
    for _ in range(8):
        assert circuit.until is not None
        lengths.append((circuit.until - circuit.since).total_seconds())
        probed = circuit.take_probe(circuit.until, PLAN)
        circuit = probed.after(sends(1, started_at=probed.since), probed.since, PLAN)
    assert lengths == [30, 60, 120, 240, 480, 600, 600, 600]


@pytest.mark.parametrize(("rest", "expected"), [(0, 60), (11, 30)])
def test_one_that_stayed_closed_for_long_starts_from_the_first_length(
    rest: int, expected: int
) -> None:
    circuit = half_open()
    closed = circuit.after(sends(0, 3, started_at=circuit.since), circuit.since, PLAN)
    now = closed.since + timedelta(minutes=rest)
    again = closed.after(sends(10, started_at=now), now, PLAN)
    assert again.until == now + timedelta(seconds=expected)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sends", "probe"]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(0, 90),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_an_open_one_is_probed_within_the_longest_time(
    steps: list[tuple[str, int, int, int]],
) -> None:
    circuit, now = Circuit(since=NOW), NOW
    for step, failures, successes, pause in steps:
        now += timedelta(seconds=pause)
        if step == "sends":
            circuit = circuit.after(sends(failures, successes, started_at=now), now, PLAN)
        elif not circuit.is_shut(now, PLAN):
            circuit = circuit.take_probe(now, PLAN)
        assert 0 <= circuit.probes_left <= PLAN.probes
        assert len(circuit.tallies) <= 7
        if circuit.state is not CircuitState.CLOSED:
            assert circuit.until is not None
            assert not circuit.is_shut(now + PLAN.longest_open, PLAN)
        if circuit.state is CircuitState.CLOSED:
            assert not circuit.is_shut(now, PLAN)


@given(STEPS)
def test_no_more_probes_leave_within_a_round_than_planned(
    steps: list[tuple[str, int, int, int]],
) -> None:
    circuit, now, left = opened(), NOW, []
    for step, failures, successes, pause in steps:
        now += timedelta(seconds=pause)
        if step == "sends":
            circuit = circuit.after(sends(failures, successes, started_at=now), now, PLAN)
            if circuit.state is CircuitState.CLOSED:
                return
        while not circuit.is_shut(now, PLAN):
            circuit = circuit.take_probe(now, PLAN)
            left.append(now)
    for moment in left:
        of_round = [one for one in left if moment <= one < moment + PLAN.probe_patience]
        assert len(of_round) <= PLAN.probes
