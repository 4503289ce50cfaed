"""Scores that keep their order while time goes on."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.ids import least_id_at, made_at, new_id
from domain.trends import HALF_LIFE, Weight, share_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_an_event_counts_double_a_half_life_later() -> None:
    later = share_of(Weight.LIKE, NOON + HALF_LIFE)
    assert later - share_of(Weight.LIKE, NOON) == pytest.approx(1)


def test_a_weight_moves_an_event_in_time() -> None:
    earlier = share_of(2 * Weight.LIKE, NOON - HALF_LIFE)
    assert earlier == pytest.approx(share_of(Weight.LIKE, NOON))


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    made = new_id()
    assert before <= made_at(made) <= datetime.now(UTC)
    assert least_id_at(made_at(made)) <= made < least_id_at(made_at(made) + timedelta(seconds=1))
