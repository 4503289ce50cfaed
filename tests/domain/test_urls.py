"""Where a text has web addresses: the cases of twitter-text, and what Mastodon adds to them."""

from importlib import resources

import pytest

from domain.top_level_domains import TOP_LEVEL_DOMAINS
from domain.urls import Span, urls_on_mastodon, urls_on_x


def _texts(text: str, spans: tuple[Span, ...]) -> list[str]:
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing here", []),
        ("text http://example.com more", ["http://example.com"]),
        ("(http://example.com)", ["http://example.com"]),
        ("HTTPS://EXAMPLE.COM/A", ["HTTPS://EXAMPLE.COM/A"]),
        ("http://example.com:8080/x?q=1&r=2#top.", ["http://example.com:8080/x?q=1&r=2#top"]),
        ("http://example.com/a_(b)", ["http://example.com/a_(b)"]),
        ("http://example.com/a_(b_(c)_d)", ["http://example.com/a_(b_(c)_d)"]),
        ("http://example.com/a)", ["http://example.com/a"]),
        ("http://example.com/foo,", ["http://example.com/foo"]),
        ("http://example.com/?!", ["http://example.com/"]),
        ("http://my_site.example.com", ["http://my_site.example.com"]),
        ("http://my_site.com", []),
        ("http://-example.com", []),
        ("http://пример.рф/путь", ["http://пример.рф/путь"]),
        ("http://xn--e1afmkfd.xn--p1ai", ["http://xn--e1afmkfd.xn--p1ai"]),
        ("http://example.com/日本", ["http://example.com/"]),
        (
            "http://twitter.com/これは日本語です。example.com中国語",
            ["http://twitter.com/", "example.com"],
        ),
        ("example.com", ["example.com"]),
        ("example.com/path", ["example.com/path"]),
        ("日本example.com/path", ["example.com/path"]),
        ("example.comexample", []),
        ("пример.рф", []),  # a domain beyond ASCII needs its scheme
        ("@example.com", []),
        ("#example.com", []),
        ("me@example.com", []),
        ("-example.com", []),
        ("a/b.com/c", []),
        ("file.tar.gz", []),
        ("one.com,two.org", ["one.com", "two.org"]),
        ("https://t.co/abcde日本", ["https://t.co/abcde"]),
        ("https://t.co/abcde/more", ["https://t.co/abcde"]),
        ("https://t.co/" + "a" * 41, []),
        ("http://" + "あ" * 63 + ".com", []),  # more than 63 characters once encoded for DNS
        ("http://example.com/" + "a" * 4100, []),
        ("a.b.http://example.com", ["http://example.com"]),
    ],
)
def test_addresses_on_x(text: str, expected: list[str]) -> None:
    assert _texts(text, urls_on_x(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com", []),
        ("see https://example.com/日本, and", ["https://example.com/日本"]),
        ("https://example.com/?q=日本", ["https://example.com/?q=日本"]),
        ("ipfs://example.org/x", ["ipfs://example.org/x"]),
        ("ftp://example.org/x", []),
        ("https://example.com/@alice", ["https://example.com/@alice"]),
        ("https://nowhere.invalidtld", []),
    ],
)
def test_addresses_on_mastodon(text: str, expected: list[str]) -> None:
    assert _texts(text, urls_on_mastodon(text)) == expected


def test_every_top_level_domain_of_the_newest_list_at_hand_is_known() -> None:
    listed = resources.files("hypothesis.vendor") / "tlds-alpha-by-domain.txt"
    names = {line.lower() for line in listed.read_text("utf-8").splitlines()[1:]}
    decoded = {name.encode("ascii").decode("idna") for name in names}
    missing = decoded - TOP_LEVEL_DOMAINS
    assert not missing, (
        "IANA has new top-level domains: add them to domain/top_level_domains.py "
        f"and name the list's version there: {sorted(missing)}"
    )
