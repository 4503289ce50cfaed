"""The life of a delivery, and what a post's status says of many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.deliveries import (
    SETTLED,
    TERMINAL,
    TRANSITIONS,
    WAITING,
    DeliveryStatus,
    PostStatus,
    post_status,
    sources_of,
)

S = DeliveryStatus

statuses = st.sampled_from(DeliveryStatus)


def test_every_state_has_its_moves() -> None:
    assert set(TRANSITIONS) == set(DeliveryStatus)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = frozenset({S.SCHEDULED})
    while (further := reached.union(*(TRANSITIONS[one] for one in reached))) != reached:
        reached = further
    assert reached == set(DeliveryStatus)


@given(statuses)
def test_terminal_states_and_no_others_have_no_exits(status: DeliveryStatus) -> None:
    assert (status in TERMINAL) == (not TRANSITIONS[status])


@given(statuses, statuses)
def test_sources_are_the_moves_read_backwards(
    source: DeliveryStatus, target: DeliveryStatus
) -> None:
    assert (source in sources_of(target)) == (target in TRANSITIONS[source])


def test_waiting_sending_and_settled_are_all_there_is() -> None:
    assert frozenset(DeliveryStatus) == WAITING | SETTLED | {S.SENDING}
    assert not WAITING & SETTLED


def test_only_an_armed_delivery_is_sent_and_only_a_waiting_one_cancelled() -> None:
    assert sources_of(S.SENDING) == {S.ARMED, S.SENDING}
    assert sources_of(S.CANCELLED) == WAITING


def test_nothing_that_may_have_been_sent_is_armed_again_at_once() -> None:
    assert S.SENDING not in sources_of(S.ARMED)
    assert not TRANSITIONS[S.UNCONFIRMED] & WAITING


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([S.SCHEDULED], PostStatus.SCHEDULED),
        ([S.SCHEDULED, S.PREPARING, S.ARMED], PostStatus.SCHEDULED),
        ([S.SCHEDULED, S.CANCELLED], PostStatus.SCHEDULED),
        ([S.ARMED, S.SENDING], PostStatus.PUBLISHING),
        ([S.DEFERRED], PostStatus.PUBLISHING),
        ([S.SCHEDULED, S.PUBLISHED], PostStatus.PUBLISHING),
        ([S.SCHEDULED, S.FAILED], PostStatus.PUBLISHING),
        ([S.PUBLISHED], PostStatus.PUBLISHED),
        ([S.PUBLISHED, S.CANCELLED], PostStatus.PUBLISHED),
        ([S.PUBLISHED, S.FAILED], PostStatus.PARTIALLY_PUBLISHED),
        ([S.PUBLISHED, S.FAILED, S.CANCELLED], PostStatus.PARTIALLY_PUBLISHED),
        ([S.PUBLISHED, S.UNCONFIRMED], PostStatus.PUBLISHING),
        ([S.UNCONFIRMED], PostStatus.PUBLISHING),
        ([S.FAILED], PostStatus.FAILED),
        ([S.FAILED, S.CANCELLED], PostStatus.FAILED),
        ([S.CANCELLED, S.CANCELLED], PostStatus.CANCELLED),
    ],
)
def test_a_posts_status_follows_from_its_deliveries(
    deliveries: list[DeliveryStatus], expected: PostStatus
) -> None:
    assert post_status(deliveries) is expected


@given(st.lists(statuses, min_size=1))
def test_every_mix_of_deliveries_has_a_status_whatever_their_order(
    deliveries: list[DeliveryStatus],
) -> None:
    status = post_status(deliveries)
    assert status is not PostStatus.DRAFT
    assert status is post_status(reversed(deliveries))
    assert status is post_status(set(deliveries))


@given(st.sets(statuses, min_size=1))
def test_a_post_is_over_only_when_nothing_is_left_to_do(deliveries: set[DeliveryStatus]) -> None:
    over = post_status(deliveries) not in {PostStatus.SCHEDULED, PostStatus.PUBLISHING}
    assert over == (deliveries <= TERMINAL)


def test_a_post_without_deliveries_has_no_publishing_status() -> None:
    with pytest.raises(ValueError, match="without deliveries"):
        post_status([])
