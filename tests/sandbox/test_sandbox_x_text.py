"""X's counting and links, against literal vectors of twitter-text's conformance suite."""

import pytest

from sandbox.x.text import count_cashtags, find_links, show_text, weighted_length

LATIN_285 = "285 chars" + "-xxxxxxxxxx" * 25 + "-"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("Hi http://test.co", 26),
        ("http://test.co", 23),
        (LATIN_285, 285),
        ("https://www.twitter.com/aloha " * 10, 240),
        ("故人西辞黄鹤楼，烟花三月下扬州。" * 10, 320),
        ("😷" * 160, 320),
        ("A\u0301B", 2),
        ("A\ufb2c", 4),
        ("H🐱☺👨‍👩‍👧‍👦", 7),
        ("😷👾😡🔥💩", 10),
        ("🙋🏽👨‍🎤", 4),
        ("1\u20e3", 2),
        ("Unicode 10.0 emoji: 🤪; 🧕; 🧕🏾; 🏴󠁧󠁢󠁥󠁮󠁧󠁿", 34),
        ("Unicode 9.0 emoji: 🤠; 💃; 💃🏾", 29),
        ("ABC\u202a\uffffABC\ufffe", 12),
        ("\u2066\u202ahttp://foobar.پاکستان/\u202c\u2069", 31),
        ("randomurl" * 7 + "s.com", 68),
        ("🇩🇪🇫🇷", 4),
        ("©®™ plain", 10),
    ],
)
def test_weighted_length(text: str, expected: int) -> None:
    assert weighted_length(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.com", ["http://example.com"]),
        ("http://ああ.com", ["http://ああ.com"]),
        ("text http://somehost.com:3000", ["http://somehost.com:3000"]),
        (
            "text http://en.wikipedia.org/wiki/Primer_(film)",
            ["http://en.wikipedia.org/wiki/Primer_(film)"],
        ),
        ("test http://example.comだよね.comtest/hogehoge", ["http://example.com"]),
        ("text http://no-tld", []),
        ("text http://tld-too-short.x", []),
        ("(http://twitter.com", ["http://twitter.com"]),
        ("text http://domain.com-that-you-should-have-put-a-space-after", []),
        ("foo.com foo.net foo.baz foo.co.jp", ["foo.com", "foo.net", "foo.co.jp"]),
        ("foo.comm foo.somecom foo.govedu foo.jp", ["foo.jp"]),
        ("@user Try http:// example.com/path", ["example.com/path"]),
        (
            "twitter.comこれは日本語です。example.com中国語t.co/abcde한국twitter.com",
            ["twitter.com", "example.com", "t.co/abcde", "twitter.com"],
        ),
        ("Hello http://xn--はじめよう.com/index.html", []),
        ("Email me at name.al-lastname@foo.com or name.al+lastname@foo.com", []),
        ("test http://sub_domain-dash.twitter.com", ["http://sub_domain-dash.twitter.com"]),
        ("test http://twitter_underscore.com", []),
        ("test http://twitter.com/.", ["http://twitter.com/"]),
        ("http://example.com/path" + "." * 42, ["http://example.com/path"]),
        ("#test.com @test.com #http://test.com @http://test.com #t.co/abcde", []),
        ("I really like http://t.co/pbY2NfTZ's website", ["http://t.co/pbY2NfTZ"]),
        ("Check this site out http://t.co/FNkPfmii- it's great", ["http://t.co/FNkPfmii"]),
    ],
)
def test_links(text: str, expected: list[str]) -> None:
    assert [link.url for link in find_links(text)] == expected


def test_shown_text_has_short_links_media_and_escapes() -> None:
    media = [{"expanded_url": "https://x.com/a/status/1/photo/1", "media_key": "3_7"}]
    shown, urls = show_text("a & b example.com <c>", lambda: "https://t.co/0", media)
    assert shown == "a &amp; b https://t.co/0 &lt;c&gt; https://t.co/0"
    assert [url["expanded_url"] for url in urls] == [
        "http://example.com",
        "https://x.com/a/status/1/photo/1",
    ]
    assert all(shown[url["start"] : url["end"]] == "https://t.co/0" for url in urls)


@pytest.mark.parametrize(
    ("text", "expected"), [("$TWTR and $AAPL", 2), ("$5 or US$TWTR", 0), ("$BRK.A", 1)]
)
def test_cashtags(text: str, expected: int) -> None:
    assert count_cashtags(text) == expected
