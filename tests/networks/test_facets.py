"""What becomes a link, a mention or a tag on Bluesky."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.bluesky.facets import Facet, facets_of, handles_in

DIDS = {"alice.bsky.social": "did:plc:alice", "bob.test": "did:plc:bob"}


def shown(text: str) -> list[tuple[str, str]]:
    """Each facet as the bytes it covers and what it leads to."""
    return [(_covered(text, facet), _value(facet)) for facet in facets_of(text, DIDS)]


def _covered(text: str, facet: Facet) -> str:
    index = facet["index"]
    return text.encode()[index["byteStart"] : index["byteEnd"]].decode()


def _value(facet: Facet) -> str:
    (feature,) = facet["features"]
    return str(next(value for name, value in feature.items() if name != "$type"))


@pytest.mark.parametrize(
    ("text", "covered", "uri"),
    [
        ("https://example.com", "https://example.com", "https://example.com"),
        ("see http://example.com/a?b=c#d now", "http://example.com/a?b=c#d", None),
        ("see example.com", "example.com", "https://example.com"),
        ("see www.example.co.uk/a.", "www.example.co.uk/a", "https://www.example.co.uk/a"),
        ("(https://example.com)", "https://example.com", None),
        ("(https://example.com).", "https://example.com", None),
        ("https://example.com/a_(b)", "https://example.com/a_(b)", None),
        ("https://example.com, and", "https://example.com", None),
        ("https://example.com!", "https://example.com", None),
        ("a\nhttps://example.com\nb", "https://example.com", None),
        ("https://localhost/x", "https://localhost/x", None),
        ("https://example.com/a\ufeffb", "https://example.com/a", None),
        ("example.com/a\ufeff", "example.com/a", "https://example.com/a"),
    ],
)
def test_links(text: str, covered: str, uri: str | None) -> None:
    assert shown(text) == [(covered, uri or covered)]


@pytest.mark.parametrize(
    "text",
    [
        *("notes.txt", "3.14", "v1.2", "e.g. this", "mail@example.com", "x:example.com"),
        *("https://", "see https:// now", "https://.", "(http://)", "https:///", "HTTPS:///x"),
        *("https:///x.com", "https://\ufeffexample.com"),
    ],
)
def test_no_links(text: str) -> None:
    assert shown(text) == []


@pytest.mark.parametrize(
    ("text", "covered", "tag"),
    [
        ("#tag", "#tag", "tag"),
        ("a #tag.", "#tag", "tag"),
        ("#tag, #", "#tag", "tag"),
        ("#a-b_c", "#a-b_c", "a-b_c"),
        ("#1a", "#1a", "1a"),
        ("＃全角", "＃全角", "全角"),
        ("#🙂", "#🙂", "🙂"),
        (f"#{'a' * 64}", f"#{'a' * 64}", "a" * 64),
    ],
)
def test_tags(text: str, covered: str, tag: str) -> None:
    assert shown(text) == [(covered, tag)]


@pytest.mark.parametrize("text", ["#", "#1", "#12.3", "a#b", "#\ufe0f\u20e3", "#.", f"#{'a' * 65}"])
def test_no_tags(text: str) -> None:
    assert shown(text) == []


@pytest.mark.parametrize(
    ("text", "covered", "did"),
    [
        ("@alice.bsky.social", "@alice.bsky.social", "did:plc:alice"),
        ("hi @Alice.bsky.social!", "@Alice.bsky.social", "did:plc:alice"),
        ("(@bob.test)", "@bob.test", "did:plc:bob"),
        ("@alice.bsky.social.", "@alice.bsky.social", "did:plc:alice"),
    ],
)
def test_mentions(text: str, covered: str, did: str) -> None:
    assert shown(text) == [(covered, did)]


@pytest.mark.parametrize("text", ["@nobody.bsky.social", "@alice", "a@alice.bsky.social", "@"])
def test_no_mentions(text: str) -> None:
    assert shown(text) == []


def test_handles_to_look_up_are_each_named_once() -> None:
    text = "@Alice.bsky.social and @alice.bsky.social, @x.example.org but not @me or @a.nonsense"
    assert handles_in(text) == ("alice.bsky.social", "x.example.org")


@pytest.mark.parametrize(
    "text", ["@.com", "@a..com", "@a_b.test", "@-a.com", "@a-.com", "@a.-com", f"@{'a' * 64}.com"]
)
def test_what_is_no_handle_is_not_looked_up(text: str) -> None:
    assert handles_in(text) == ()


def test_places_are_bytes_in_order() -> None:
    text = "👩‍👩‍👧 é @alice.bsky.social ﷽ example.com 日本 #日本"
    assert shown(text) == [
        ("@alice.bsky.social", "did:plc:alice"),
        ("example.com", "https://example.com"),
        ("#日本", "日本"),
    ]
    starts = [facet["index"]["byteStart"] for facet in facets_of(text, DIDS)]
    encoded = text.encode()
    assert starts == [encoded.index(part.encode()) for part in ("@alice", "example", "#日本")]


WORDS = st.sampled_from(
    [
        "@alice.bsky.social",
        "#tag",
        "https://example.com/é",
        "example.com.",
        "(",
        ")",
        "é",
        "👩‍👧",
        "\n",
    ]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=12), st.sampled_from(["", " "]))
def test_facets_cover_whole_characters_and_never_overlap(words: list[str], between: str) -> None:
    text = between.join(words)
    end = 0
    for facet in facets_of(text, DIDS):
        index = facet["index"]
        assert end <= index["byteStart"] < index["byteEnd"] <= len(text.encode())
        assert _covered(text, facet)
        end = index["byteEnd"]
