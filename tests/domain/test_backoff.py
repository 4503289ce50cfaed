"""When work that failed is tried again."""

from datetime import timedelta

import pytest

from domain.backoff import LONGEST, Backoff

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("tries", "wait"), [(1, SECOND), (2, 2 * SECOND), (3, 4 * SECOND), (4, None), (99, None)]
)
def test_each_wait_is_twice_the_one_before_until_none_is_left(
    tries: int, wait: timedelta | None
) -> None:
    assert Backoff(attempts=4, first=SECOND).delay_after(tries) == wait


def test_one_attempt_has_no_retry() -> None:
    assert Backoff(attempts=1, first=SECOND).delay_after(1) is None


def test_no_wait_is_longer_than_the_longest() -> None:
    backoff = Backoff(attempts=100, first=SECOND)
    assert backoff.delay_after(12) == 2048 * SECOND
    assert backoff.delay_after(13) == LONGEST
    assert backoff.delay_after(99) == LONGEST


def test_a_retry_follows_a_try() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Backoff(attempts=3, first=SECOND).delay_after(0)
