"""What may become of a listing."""

from itertools import product

from domain.listings import EDITABLE, PUBLIC, SELLER_MOVES, ListingStatus


def test_every_status_says_where_a_seller_can_go_from_it() -> None:
    assert set(SELLER_MOVES) == set(ListingStatus)


def test_sellers_neither_remove_nor_bring_back_what_was_removed() -> None:
    assert SELLER_MOVES[ListingStatus.REMOVED] == frozenset()
    reachable = frozenset().union(*SELLER_MOVES.values())
    assert reachable.isdisjoint({ListingStatus.REMOVED, ListingStatus.DRAFT})


def test_nothing_moves_to_where_it_is() -> None:
    for now, wanted in product(ListingStatus, repeat=2):
        assert now is not wanted or wanted not in SELLER_MOVES[now]


def test_what_is_removed_is_neither_seen_nor_changed() -> None:
    assert ListingStatus.REMOVED not in PUBLIC | EDITABLE
