"""Whom and what a text of the feed speaks of."""

import pytest

from domain.mentions import (
    HASHTAG_LENGTH,
    HASHTAG_LIMIT,
    MENTION_LIMIT,
    folded_hashtag,
    hashtags_in,
    mentioned_handles,
)


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("Thanks @Ada, and (@grace_h)!", ("ada", "grace_h")),
        ("@ada @ADA @Ada", ("ada",)),
        ("mail ada@example.org", ()),
        ("@ada@mastodon.social lives elsewhere", ()),
        ("https://example.org/@ada", ()),
        ("@ada.", ("ada",)),
        ("@ada-lovelace", ("ada",)),
        ("@" + "a" * 65, ()),
        ("@ ada", ()),
    ],
)
def test_a_handle_is_what_stands_alone_after_an_at(text: str, handles: tuple[str, ...]) -> None:
    assert mentioned_handles(text) == handles


@pytest.mark.parametrize(
    ("text", "hashtags"),
    [
        ("#Bread and #rolls.", ("bread", "rolls")),
        ("#BRÖTCHEN #brötchen", ("brötchen",)),
        ("#Straße #STRASSE", ("strasse",)),
        ("We are #1", ()),
        ("#2026recipes", ("2026recipes",)),
        ("＃パン #パン", ("パン",)),
        ("&#38; https://example.org/#part", ()),
        ("#" + "a" * HASHTAG_LENGTH, ("a" * HASHTAG_LENGTH,)),
        ("#" + "a" * (HASHTAG_LENGTH + 1), ()),
    ],
)
def test_a_hashtag_is_a_word_after_its_sign(text: str, hashtags: tuple[str, ...]) -> None:
    assert hashtags_in(text) == hashtags


def test_one_text_calls_only_so_many() -> None:
    many = range(100)
    assert len(mentioned_handles(" ".join(f"@user{one}" for one in many))) == MENTION_LIMIT
    assert len(hashtags_in(" ".join(f"#tag{one}" for one in many))) == HASHTAG_LIMIT


def test_a_hashtag_is_found_however_it_is_asked_for() -> None:
    assert folded_hashtag("#Bread") == folded_hashtag("BREAD ") == "bread"
