"""What counts as published once, and what as a broken promise."""

from typing import Any

import pytest

from crash.verdicts import Outcome, judge, line_of


def _delivery(status: str, **fields: Any) -> dict[str, Any]:
    reason = {"type": "x", "message": "why", "evidence": {"sent_at": "then"}}
    return {"status": status, "reason": reason, "lateness_ms": 5} | fields


@pytest.mark.parametrize(
    ("delivery", "counts", "expected"),
    [
        (_delivery("published", reason=None), [1], Outcome.PUBLISHED_ONCE),
        (_delivery("published"), [1, 1, 1], Outcome.PUBLISHED_ONCE),
        (_delivery("published"), [1, 0, 1], Outcome.LOST),
        (_delivery("published"), [0], Outcome.LOST),
        (_delivery("published"), [2], Outcome.DUPLICATES),
        (_delivery("published"), [1, 2], Outcome.DUPLICATES),
        (_delivery("published", lateness_ms=None), [1], Outcome.LOST),
        (_delivery("unconfirmed"), [0], Outcome.UNCONFIRMED),
        (_delivery("unconfirmed"), [1], Outcome.UNCONFIRMED),
        (_delivery("unconfirmed"), [2], Outcome.DUPLICATES),
        (_delivery("unconfirmed", reason=None), [0], Outcome.LOST),
        (_delivery("failed"), [0], Outcome.FAILED),
        (_delivery("failed"), [1], Outcome.LOST),
        (_delivery("failed"), [1, 0], Outcome.FAILED),
        (_delivery("failed", reason=None), [0], Outcome.LOST),
        (_delivery("sending"), [1], Outcome.LOST),
        (_delivery("scheduled"), [0], Outcome.LOST),
        (_delivery("cancelled"), [0], Outcome.LOST),
    ],
)
def test_verdicts(delivery: dict[str, Any], counts: list[int], expected: Outcome) -> None:
    assert judge(delivery, counts).outcome is expected


def test_a_comment_may_be_missing_when_the_user_is_told() -> None:
    assert judge(_delivery("published"), [1, 0], comments=1).outcome is Outcome.PUBLISHED_ONCE
    untold = judge(_delivery("published", reason=None), [1, 0], comments=1)
    assert untold.outcome is Outcome.LOST


def test_what_was_cancelled_is_never_public() -> None:
    kept = judge(_delivery("cancelled"), [0], should_be_cancelled=True)
    assert kept.outcome is Outcome.CANCELLED
    for broken in (_delivery("cancelled"), _delivery("published")):
        assert judge(broken, [1], should_be_cancelled=True).outcome is Outcome.LOST


def test_settled_too_late_is_lost() -> None:
    assert judge(_delivery("published"), [1], is_late=True).outcome is Outcome.LOST


@pytest.mark.parametrize(
    ("delivery", "counts"),
    [(_delivery("unconfirmed"), [0]), (_delivery("published", lateness_ms=30_001), [1])],
)
def test_what_had_certainly_not_left_has_no_excuse(
    delivery: dict[str, Any], counts: list[int]
) -> None:
    assert judge(delivery, counts).outcome is not Outcome.LOST
    assert judge(delivery, counts, has_to_leave=True).outcome is Outcome.LOST


def test_the_last_line() -> None:
    ends = [Outcome.PUBLISHED_ONCE, Outcome.PUBLISHED_ONCE, Outcome.FAILED, Outcome.CANCELLED]
    assert line_of("crash-matrix", ends) == (
        "crash-matrix: cases=3 published_once=2 unconfirmed=0 failed=1 duplicates=0 lost=0"
    )
