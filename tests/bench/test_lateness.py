"""The figures of a benchmark: who is late, missing, there twice."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from bench.lateness import judge, percentile
from bench.sandboxes import Arrival

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)


def arrival(mark: str, seconds: float, network: str = "x") -> Arrival:
    """A post that reached its network so long after nine."""
    return Arrival(network=network, mark=mark, at=NINE + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(0, 1), (1, 1), (50, 50), (50.5, 51), (99, 99), (99.9, 100), (100, 100)],
)
def test_percentiles_are_measured_values(percent: float, expected: int) -> None:
    """By nearest rank, of the values 1 to 100."""
    assert percentile(list(range(1, 101)), percent) == expected


def test_a_single_value_is_every_percentile() -> None:
    """Also of next to nothing."""
    assert percentile([0.25], 1) == percentile([0.25], 100) == 0.25


def test_nothing_has_no_percentile() -> None:
    """Where nothing arrived, no time looks good."""
    assert math.isnan(percentile([], 99))


def test_lateness_counts_from_the_publish_time() -> None:
    """Sorted, whatever the order of arrival."""
    late = judge({("x", "a"), ("x", "b")}, [arrival("b", 0.75), arrival("a", 0.5)], NINE)
    assert late.seconds == (0.5, 0.75)
    assert (late.p50, late.last) == (0.5, 0.75)
    assert late.is_complete


def test_what_is_missing_makes_it_incomplete() -> None:
    """Fast is not enough."""
    late = judge({("x", "a"), ("facebook", "a")}, [arrival("a", 0.1)], NINE)
    assert (late.expected, late.published) == (2, 1)
    assert not late.is_complete


def test_every_arrival_after_the_first_is_a_duplicate() -> None:
    """The first one tells the lateness, wherever it stands in the list."""
    late = judge({("x", "a")}, [arrival("a", 3), arrival("a", 1), arrival("a", 2)], NINE)
    assert (late.duplicates, late.published) == (2, 1)
    assert late.seconds == (1.0,)
    assert not late.is_complete


def test_the_same_mark_on_two_networks_is_no_duplicate() -> None:
    """One post, two deliveries."""
    arrivals = [arrival("a", 1), arrival("a", 2, network="facebook")]
    late = judge({("x", "a"), ("facebook", "a")}, arrivals, NINE)
    assert late.duplicates == 0
    assert late.is_complete


def test_what_nobody_asked_for_is_told() -> None:
    """It counts neither as published nor as a duplicate."""
    late = judge({("x", "a")}, [arrival("a", 1), arrival("stranger", 1)], NINE)
    assert (late.strangers, late.published, late.duplicates) == (1, 1, 0)
    assert not late.is_complete
