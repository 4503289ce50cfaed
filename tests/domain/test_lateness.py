"""What is late, and what its author's wish makes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.deliveries import WAITING, DeliveryStatus
from domain.lateness import LatePolicy, LateTerms, is_unannounced

PUBLISH_AT = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECONDS = st.integers(0, 100_000)


@given(st.sampled_from(LatePolicy), SECONDS, SECONDS)
def test_what_leaves_in_time_is_published_whatever_the_policy(
    policy: LatePolicy, after: int, late: int
) -> None:
    terms = LateTerms(policy=policy, after=timedelta(seconds=after))
    verdict = terms.verdict(
        publish_at=PUBLISH_AT,
        leaves_at=PUBLISH_AT + timedelta(seconds=late),
        is_public=False,
    )
    assert verdict is (policy if late > after else LatePolicy.PUBLISH)


@pytest.mark.parametrize("policy", LatePolicy)
def test_what_is_public_in_part_is_finished(policy: LatePolicy) -> None:
    terms = LateTerms(policy=policy, after=timedelta(minutes=1))
    verdict = terms.verdict(
        publish_at=PUBLISH_AT, leaves_at=PUBLISH_AT + timedelta(days=1), is_public=True
    )
    assert verdict is LatePolicy.PUBLISH


@pytest.mark.parametrize(
    ("status", "reason_type", "expected"),
    [
        (DeliveryStatus.SCHEDULED, None, True),
        (DeliveryStatus.PREPARING, None, True),
        (DeliveryStatus.DEFERRED, "late", True),
        (DeliveryStatus.DEFERRED, "released", False),
        (DeliveryStatus.DEFERRED, "rate_limited", False),
        (DeliveryStatus.DEFERRED, "quota_exhausted", False),
        (DeliveryStatus.ARMED, None, False),
    ],
)
def test_waits_that_were_announced_are_nobodys_lateness(
    status: DeliveryStatus, reason_type: str | None, expected: bool
) -> None:
    assert status in WAITING
    assert is_unannounced(status, reason_type) is expected
