"""How long a text is in the eyes of each network.

Vectors of the kind twitter-text's conformance suite and UAX #29's test data hold, written out.
"""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.counting import (
    cashtags,
    code_points,
    graphemes,
    hashtags,
    mastodon_characters,
    mentions,
    utf8_bytes,
    x_weighted,
)

FAMILY = "👨‍👩‍👧‍👦"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("hello", 5),
        ("two\nlines", 9),
        ("two\r\nlines", 9),
        ("A\u0301B", 2),  # composes to Á
        ("A\ufb2c", 4),  # a Hebrew presentation form that form C takes apart into three
        ("日本語", 6),
        ("é", 1),
        ("ελληνικά", 8),
        ("русский", 7),
        ("हिन्दी", 6),
        ("한국어", 6),
        ("\u10ff", 1),  # the last of the first single-weight range
        ("\u1100", 2),  # and the first beyond it
        ("\u2000\u200d", 2),
        ("\u200e", 2),
        ("–—‘’“”", 6),
        ("…", 2),
        ("€", 2),
        ("′″", 2),
    ],
)
def test_x_weighs_code_points_by_their_range(text: str, expected: int) -> None:
    assert x_weighted(text) == expected


@pytest.mark.parametrize(
    ("emoji", "expected"),
    [
        ("😷", 2),
        ("😷👾😡🔥💩", 10),
        ("🙋🏽", 2),
        ("👨‍🎤", 2),
        (FAMILY, 2),
        ("👩🏽‍🤝‍👨🏿", 2),
        ("🫱🏽‍🫲🏻", 2),  # Unicode 14: newer than most ports of twitter-text know
        ("🫩", 2),  # Unicode 16
        ("🐦‍🔥", 2),
        ("🇩🇪", 2),
        ("🇩🇪🇫🇷", 4),
        (SCOTLAND, 2),
        ("1️⃣", 2),
        ("#⃣", 2),
        ("❤️", 2),
        ("❤️‍🔥", 2),
        ("☺", 2),
        ("©", 1),
        ("©️", 2),
        ("™", 2),
        ("7", 1),
        ("🔥🏽", 4),  # nothing takes on a skin tone that has no skin
        (f"H🐱☺{FAMILY}", 7),
    ],
)
def test_x_counts_an_emoji_as_two_however_it_is_composed(emoji: str, expected: int) -> None:
    assert x_weighted(emoji) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi http://test.co", 26),
        ("http://test.co", 23),
        ("https://www.twitter.com/aloha " * 10, 240),
        ("https://example.com/" + "a" * 300, 23),
        ("see example.com.", 28),
        ("日本語example.comです", 33),
        ("http://a.com http://b.com", 47),
        ("a@example.com", 13),
        ("notes.txt", 9),
        ("at 12.30 sharp", 14),
        ("https://example.dev/", 23),
        ("https://example.notatld", 23),
        ("https://" + "a" * 64 + ".com", 76),
    ],
)
def test_x_counts_a_url_as_23(text: str, expected: int) -> None:
    assert x_weighted(text) == expected


def test_an_emoji_inside_a_longer_text_weighs_as_it_does_alone() -> None:
    text = f"Familie {FAMILY} auf https://example.com/日本 🇩🇪"
    assert x_weighted(text) == len("Familie ") + 2 + len(" auf ") + 23 + 4 + 1 + 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("abc", 3),
        (FAMILY, 1),
        ("👍🏽", 1),
        ("🇩🇪🇫🇷", 2),
        ("🇩🇪🇫", 2),
        (SCOTLAND, 1),
        ("e\u0301", 1),
        ("e\u0301\u0323\u0302", 1),
        ("각", 1),
        ("\u1100\u1161\u11a8", 1),
        ("\r\n", 1),
        ("\n\r", 2),
        ("ก็", 1),
        ("1️⃣", 1),
        ("क्षि", 1),
        ("日本語", 3),
    ],
)
def test_graphemes_are_what_a_reader_takes_for_one_character(text: str, expected: int) -> None:
    assert graphemes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc", 3), ("é", 2), ("日本", 6), ("😀", 4), (FAMILY, 25), ("\ud83d", 3)],
)
def test_bytes_are_those_of_utf8(text: str, expected: int) -> None:
    assert utf8_bytes(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("é", 1), ("e\u0301", 2), ("😀", 1), (FAMILY, 7)])
def test_code_points_are_counted_as_they_stand(text: str, expected: int) -> None:
    assert code_points(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        (FAMILY, 1),
        ("https://example.com/" + "a" * 100, 23),
        ("https://example.com/日本語", 23),
        ("gemini://example.org/x", 23),
        ("example.com", 11),  # no link without a scheme
        ("@alice", 6),
        ("@alice@mastodon.example", 6),
        ("@alice@mastodon.example!", 7),
        ("hi @a.b-c@x.example and @d@y.example", len("hi @a.b-c and @d")),
        ("mail a@b.example", 16),
        ("@alice@web.example://x", 22),  # the start of an address, not of a mention
        ("https://mastodon.social/@alice@mastodon.online", 23),
    ],
)
def test_mastodon_shortens_addresses_and_mentions(text: str, expected: int) -> None:
    assert mastodon_characters(text) == expected


def test_mastodon_counts_the_content_warning_as_written() -> None:
    warning = "spoiler https://example.com/long/path"
    assert mastodon_characters("text", content_warning=warning) == len(warning) + 4


def test_a_mastodon_server_may_count_addresses_differently() -> None:
    assert mastodon_characters("x https://example.com/abc", characters_per_url=10) == 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no tags", 0),
        ("#one #two", 2),
        ("#one#two", 2),
        ("＃日本", 1),
        ("#2026", 1),
        ("#été_2026!", 1),
        ("# nothing", 0),
        ("##", 0),
        ("a#b", 0),
        ("&#39;", 0),
        ("#❤️", 1),
        (" ".join(f"#tag{number}" for number in range(31)), 31),
    ],
)
def test_hashtags(text: str, expected: int) -> None:
    assert hashtags(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nobody", 0),
        ("@one @two.three", 2),
        ("by @one.", 1),
        ("(@one)", 1),
        ("mail me@example.com", 0),
        ("@ alone", 0),
        ("@@one", 0),
    ],
)
def test_mentions(text: str, expected: int) -> None:
    assert mentions(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$TSLA", 1),
        ("$TSLA $AAPL", 2),
        ("$BRK.A", 1),
        ("$tsla,", 1),
        ("US$5", 0),
        ("$5", 0),
        ("$TOOLONGNAME", 0),
        ("a$TSLA", 0),
    ],
)
def test_cashtags(text: str, expected: int) -> None:
    assert cashtags(text) == expected


@given(st.text(alphabet="ab日é😀\u200d\ufe0f🏽. /:@#$-_", max_size=60))
def test_no_text_counts_below_zero_or_above_its_weight(text: str) -> None:
    assert 0 <= graphemes(text) <= len(text)
    assert 0 <= mastodon_characters(text) <= len(text) + 23
    # Only an address weighs more than its own characters; the shortest has four.
    assert 0 <= x_weighted(text) <= 2 * len(text) + 23 * text.count(".")


@pytest.mark.parametrize("count", [x_weighted, mastodon_characters, graphemes, hashtags, mentions])
@pytest.mark.parametrize(
    "hostile", ["a.", "あ", "あ.", "@a@b.", "http://", "http://a.co/(", "#", "a_", "👩‍", "$a"]
)
def test_a_hostile_text_of_the_longest_kind_is_counted_at_once(
    count: Callable[[str], int], hostile: str
) -> None:
    text = hostile * (63_206 // len(hostile))
    started = time.process_time()
    count(text)
    assert time.process_time() - started < 5
