"""When there is room again: rolling windows, to the moment, against a model that counts naively."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.content import Attachment, Content, ThreadPart
from domain.limits import AccountLimits
from domain.networks import Network
from domain.quotas import (
    COUNTED,
    QUOTAS,
    Amount,
    Counted,
    Quota,
    binding,
    costs_of,
    in_words,
    next_free,
    of_account,
    parse_amounts,
    quotas_of,
    used,
)

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TWO_A_DAY = Quota(limit=2, window=DAY, counts=Counted.POSTS)


def seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


quotas = st.builds(
    Quota,
    limit=st.integers(1, 5),
    window=st.integers(1, 10).map(seconds),
    counts=st.just(Counted.PARTS),
)
moments = st.integers(-15, 15).map(lambda number: NINE + seconds(number))
histories = st.lists(moments, max_size=12).map(sorted)
costs = st.integers(0, 6)


def fits(sent: Sequence[datetime], quota: Quota, at: datetime, cost: int) -> bool:
    """Whether no stretch of the window's length that a send at that moment is in holds too much."""
    everything = [*sent, *[at] * min(cost, quota.limit)]
    ends = [end for end in everything if at <= end < at + quota.window]
    return all(
        sum(end - quota.window < moment <= end for moment in everything) <= quota.limit
        for end in ends
    )


def naive(sent: Sequence[datetime], asked: Sequence[Quota], at: datetime, cost: int) -> datetime:
    """Try every second."""
    while cost and not all(fits(sent, quota, at, cost) for quota in asked):
        at += seconds(1)
    return at


@given(histories, st.lists(quotas, max_size=3), moments, costs)
def test_the_next_free_moment_is_the_first_at_which_everything_fits(
    sent: list[datetime], asked: list[Quota], at: datetime, cost: int
) -> None:
    assert next_free(sent, asked, at, cost=cost) == naive(sent, asked, at, cost)


@given(st.lists(moments, max_size=12), st.lists(quotas, min_size=1, max_size=3))
def test_sends_that_wait_their_turn_never_break_a_quota(
    wanted: list[datetime], asked: list[Quota]
) -> None:
    sent: list[datetime] = []
    for at in wanted:
        sent = sorted([*sent, next_free(sent, asked, at)])
    for quota in asked:
        for end in sent:
            assert used(sent, quota, end) <= quota.limit


@given(histories, st.lists(quotas, max_size=3), moments, costs)
def test_what_binds_is_told_exactly_when_a_send_has_to_wait(
    sent: list[datetime], asked: list[Quota], at: datetime, cost: int
) -> None:
    binds = binding(sent, asked, at, cost=cost)
    assert (binds is not None) == (next_free(sent, asked, at, cost=cost) > at)
    assert binds is None or not fits(sent, binds, at, cost)


def test_a_place_is_free_the_very_moment_its_window_ends() -> None:
    sent = [NINE, NINE + seconds(60)]
    just_before = NINE + DAY - timedelta(microseconds=1)
    assert next_free(sent, [TWO_A_DAY], just_before) == NINE + DAY
    assert next_free(sent, [TWO_A_DAY], NINE + DAY) == NINE + DAY
    assert used(sent, TWO_A_DAY, just_before) == 2
    assert used(sent, TWO_A_DAY, NINE + DAY) == 1


def test_what_is_claimed_ahead_keeps_its_room() -> None:
    ahead = [NINE + seconds(1), NINE + seconds(2)]
    assert next_free(ahead, [TWO_A_DAY], NINE) == NINE + DAY + seconds(1)
    assert next_free(ahead, [TWO_A_DAY], NINE - DAY + seconds(2)) == NINE - DAY + seconds(2)


def test_a_send_dearer_than_the_whole_quota_leaves_when_it_is_alone() -> None:
    assert next_free([], [TWO_A_DAY], NINE, cost=12) == NINE
    assert next_free([NINE], [TWO_A_DAY], NINE, cost=12) == NINE + DAY


def test_of_several_quotas_the_strictest_counts() -> None:
    quarter = Quota(limit=1, window=timedelta(minutes=15), counts=Counted.SENDS)
    both = [quarter, TWO_A_DAY]
    assert next_free([NINE], both, NINE) == NINE + quarter.window
    assert binding([NINE], both, NINE) is quarter
    sent = [NINE, NINE + quarter.window]
    assert next_free(sent, both, NINE + quarter.window) == NINE + DAY
    assert binding(sent, both, NINE + quarter.window) is TWO_A_DAY
    assert binding([], both, NINE) is None


@pytest.mark.parametrize(
    ("counts", "part", "media", "cost"),
    [
        (Counted.POSTS, 0, 10, 1),
        (Counted.POSTS, 1, 0, 0),
        (Counted.PARTS, 0, 4, 1),
        (Counted.PARTS, 3, 0, 1),
        (Counted.SENDS, 1, 4, 1),
        (Counted.CALLS, 0, 0, 2),  # the post, and the question for its address
        (Counted.CALLS, 0, 10, 12),  # and ten uploads
        (Counted.CALLS, 1, 0, 1),  # a comment
    ],
)
def test_what_a_part_costs(counts: Counted, part: int, media: int, cost: int) -> None:
    assert counts.cost(part, media) == cost


def test_every_network_counts_something_and_only_the_feed_is_without_quotas() -> None:
    assert set(COUNTED) == set(Network)
    assert set(Network) - set(QUOTAS) == {Network.FEED}
    for network, allowed in QUOTAS.items():
        assert {quota.counts for quota in allowed} == {COUNTED[network]}


def test_what_a_network_told_of_an_account_counts_for_it() -> None:
    def limit(allowed: str | None, told: AccountLimits | None) -> int:
        quotas = QUOTAS[Network.INSTAGRAM]
        if allowed is not None:
            quotas = quotas_of(Network.INSTAGRAM, parse_amounts(allowed))
        return of_account(Network.INSTAGRAM, quotas, told)[0].limit

    assert limit(None, None) == limit(None, AccountLimits(max_characters=9)) == 50
    assert limit(None, AccountLimits(posts_a_day=100)) == 100
    assert limit("30/24h", AccountLimits(posts_a_day=100)) == 30  # an operator's is kept
    assert limit("80/24h", AccountLimits(posts_a_day=25)) == 25
    assert limit("5/1h", AccountLimits(posts_a_day=25)) == 5  # of another window


def test_what_a_whole_delivery_costs() -> None:
    thread = (ThreadPart(text="One."), ThreadPart(text="Two."))
    assert costs_of(Network.X, Content(text="Bread.", thread=thread)) == (1, 1, 1)
    pictures = tuple(Attachment(media_id=uuid4()) for _ in range(3))
    commented = Content(text="Bread.", media=pictures, first_comment="More below.")
    assert costs_of(Network.FACEBOOK, commented) == (5, 1)
    assert costs_of(Network.INSTAGRAM, commented) == (1, 0)


def test_quotas_are_written_as_amounts_by_time() -> None:
    assert quotas_of(Network.X, parse_amounts(" 100/15m, 2400/24h ")) == QUOTAS[Network.X]
    assert quotas_of(Network.INSTAGRAM, parse_amounts("5/30s,7/2d")) == (
        Quota(limit=5, window=seconds(30), counts=Counted.POSTS),
        Quota(limit=7, window=timedelta(days=2), counts=Counted.POSTS),
    )


@pytest.mark.parametrize("written", ["", "  ", "off", "Off"])
def test_no_quotas(written: str) -> None:
    assert parse_amounts(written) == ()


@pytest.mark.parametrize(
    "written", ["100", "0/1h", "-1/1h", "1/0m", "1/1w", "1.5/1h", "1/1h;2/2h", "1/32d", "1/1h,"]
)
def test_what_is_no_quota_is_named(written: str) -> None:
    with pytest.raises(ValueError, match=r"^'.*' is (no quota|longer than 31 days)"):
        parse_amounts(written)


def test_an_amount_of_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Amount(0, DAY)
    with pytest.raises(ValueError, match="longer than nothing"):
        Amount(1, timedelta(0))


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (DAY, "24 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=15), "15 minutes"),
        (seconds(90), "90 seconds"),
    ],
)
def test_windows_in_words(window: timedelta, words: str) -> None:
    assert in_words(window) == words


def test_quotas_in_words() -> None:
    assert str(TWO_A_DAY) == "2 posts in 24 hours"
    assert (
        str(Quota(limit=1, window=timedelta(hours=1), counts=Counted.CALLS)) == "1 call in 1 hour"
    )
