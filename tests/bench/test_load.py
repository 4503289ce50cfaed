"""The load of a benchmark: as many deliveries as were asked for, each told from every other."""

from collections import Counter

import pytest

from bench.load import Load, mark_in
from bench.sleepers import oldest_and_youngest


def test_three_thousand_are_500_users_with_three_posts_to_two_networks() -> None:
    """The founding question."""
    load = Load.of(3000)
    posts = list(load.posts())
    assert len(load.expected) == 3000
    assert len(posts) == 1500
    assert set(Counter(post.user for post in posts).values()) == {3}
    assert len(load.users) == 500
    assert len(load.workspaces) == 50


def test_a_mark_is_found_again_in_the_text_that_was_sent() -> None:
    """So that what is public can be told apart."""
    posts = list(Load.of(60).posts())
    assert [mark_in(post.text) for post in posts] == [post.mark for post in posts]
    assert len({post.mark for post in posts}) == 30


def test_no_two_loads_share_a_mark() -> None:
    """Rounds of one run may meet at the same networks."""
    assert not Load.of(60).expected & Load.of(60).expected


def test_one_network_and_one_workspace_are_possible() -> None:
    """A crowd of one workspace's posts."""
    load = Load.of(1000, networks=("x",), posts_of_a_user=10, users_of_a_workspace=100)
    assert len(load.workspaces) == 1
    assert len(load.users) == 100


@pytest.mark.parametrize("deliveries", [0, 1, 61])
def test_half_a_post_is_refused(deliveries: int) -> None:
    """Two networks get the same posts."""
    with pytest.raises(ValueError, match="multiple of 2"):
        Load.of(deliveries)


def test_sleepers_that_are_woken_together_are_of_many_users() -> None:
    """An account has its quota, however many of its posts sleep."""
    woken = oldest_and_youngest(
        Load.of(2_000, networks=("x",), posts_of_a_user=200, users_of_a_workspace=10), 20
    )
    assert set(Counter(post.user for post in woken).values()) == {2}
    assert len({post.mark for post in woken}) == 20
