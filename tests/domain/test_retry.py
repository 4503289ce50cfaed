"""When to try again, and when to look again."""

from datetime import timedelta

import pytest

from domain.retry import LookupPlan, RetryPlan


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 30), (2, 60), (3, 120), (4, None), (100, None)]
)
def test_by_default_a_send_is_tried_again_three_times(attempts: int, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert RetryPlan().delay_after(attempts) == expected


def test_a_plan_without_delays_tries_once() -> None:
    assert RetryPlan(delays=()).delay_after(1) is None


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_retry_follows_an_attempt(attempts: int) -> None:
    with pytest.raises(ValueError, match="at least one attempt"):
        RetryPlan().delay_after(attempts)


@pytest.mark.parametrize(("lookups", "seconds"), [(0, 5), (1, 30), (2, 120), (3, None)])
def test_by_default_a_lost_post_is_looked_for_three_times(
    lookups: int, seconds: int | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert LookupPlan().delay_after(lookups) == expected
