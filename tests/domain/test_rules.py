"""What each network refuses, and what the user is told to do about it."""

from dataclasses import replace
from fractions import Fraction
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from domain.content import Attachment, Content, MediaFacts, ThreadPart, Visibility
from domain.limits import RULES, AccountLimits, MediaRules
from domain.media_rules import check_media
from domain.networks import Network
from domain.rules import check
from domain.violations import Violation

FACEBOOK, INSTAGRAM, X, BLUESKY, MASTODON, FEED = (
    Network.FACEBOOK,
    Network.INSTAGRAM,
    Network.X,
    Network.BLUESKY,
    Network.MASTODON,
    Network.FEED,
)
FAMILY = "👨‍👩‍👧‍👦"


def image(
    kind: str = "jpeg", *, size: int = 500_000, width: int = 1000, height: int = 1000
) -> MediaFacts:
    """An uploaded file with these facts, its id made from them."""
    return MediaFacts(
        media_id=uuid5(NAMESPACE_OID, f"{kind} {size} {width} {height}"),
        content_type=f"image/{kind}",
        size=size,
        width=width,
        height=height,
    )


PHOTO = image()
GIF = image("gif")


def using(*files: MediaFacts, alt_text: str = "") -> tuple[Attachment, ...]:
    return tuple(Attachment(media_id=one.media_id, alt_text=alt_text) for one in files)


FINE = Content(text="hello", media=using(PHOTO))
"""What every network takes."""


def checked(
    network: Network, content: Content, *files: MediaFacts, limits: AccountLimits | None = None
) -> list[Violation]:
    known = {one.media_id: one for one in (PHOTO, GIF, *files)}
    return list(check(network, content, known, limits=limits))


def told(
    network: Network, content: Content, *files: MediaFacts, limits: AccountLimits | None = None
) -> list[tuple[str, str]]:
    """Field and rule of every violation."""
    return [(one.field, one.rule) for one in checked(network, content, *files, limits=limits)]


def the_one(network: Network, content: Content, *files: MediaFacts) -> Violation:
    (violation,) = checked(network, content, *files)
    return violation


@pytest.mark.parametrize("network", Network)
def test_every_network_has_rules(network: Network) -> None:
    assert RULES[network].name


@pytest.mark.parametrize("network", Network)
def test_a_short_text_with_a_photo_goes_everywhere(network: Network) -> None:
    assert checked(network, replace(FINE, language="pt-BR")) == []


@pytest.mark.parametrize(
    ("network", "longest"),
    [
        (FACEBOOK, "a" * 63_206),
        (FACEBOOK, "日" * 63_206),
        (INSTAGRAM, "é" * 2_200),
        (X, "a" * 280),
        (X, "日" * 140),
        (X, FAMILY * 140),
        (X, "https://example.com/" + "a" * 400 + " " + "b" * 256),
        (BLUESKY, "é" * 300),
        (BLUESKY, FAMILY * 120),
        (MASTODON, FAMILY * 500),
        (MASTODON, "@alice@mastodon.social " + "a" * 493),
        (FEED, FAMILY * 5_000),
    ],
)
def test_a_text_may_be_as_long_as_the_network_counts_it(network: Network, longest: str) -> None:
    assert checked(network, replace(FINE, text=longest)) == []
    assert told(network, replace(FINE, text=f"{longest}a")) in (
        [("text", "text_too_long")],
        [("text", "text_too_many_bytes")],
    )


def test_a_text_that_is_too_long_is_told_with_its_numbers() -> None:
    assert the_one(X, Content(text="a" * 312)) == Violation(
        field="text",
        rule="text_too_long",
        limit=280,
        actual=312,
        message="X counts 312 characters; 280 are allowed.",
        fix="Shorten the text by 32, or put a shorter one into variants.x.text.",
    )


def test_a_part_of_a_thread_that_is_too_long_is_named() -> None:
    thread = (ThreadPart(text="fine"), ThreadPart(text="a" * 301))
    violation = the_one(BLUESKY, Content(text="hello", thread=thread))
    assert violation.field == "thread[1].text"
    assert violation.message == (
        "Bluesky counts 301 characters in thread[1].text; 300 are allowed."
    )
    assert violation.fix == (
        "Shorten the text by 1, or put a shorter one into variants.bluesky.thread."
    )


def test_bluesky_limits_bytes_besides_characters() -> None:
    violation = the_one(BLUESKY, Content(text=FAMILY * 121))
    assert (violation.rule, violation.limit, violation.actual) == (
        "text_too_many_bytes",
        3_000,
        3_025,
    )
    assert violation.fix.startswith("Shorten the text by 25 bytes")


def test_mastodon_counts_the_content_warning_in_every_part() -> None:
    content = Content(
        text="a" * 490, content_warning="w" * 10, thread=(ThreadPart(text="b" * 491),)
    )
    violation = the_one(MASTODON, content)
    assert violation.field == "thread[0].text"
    assert violation.message == (
        "Mastodon counts 501 characters with the content warning in thread[0].text;"
        " 500 are allowed."
    )


@pytest.mark.parametrize(
    ("network", "limits", "text", "rules"),
    [
        (MASTODON, AccountLimits(max_characters=5_000), "a" * 5_000, []),
        (MASTODON, AccountLimits(max_characters=400), "a" * 401, ["text_too_long"]),
        (MASTODON, AccountLimits(characters_per_url=30), "https://a.com " + "a" * 456, []),
        (
            MASTODON,
            AccountLimits(characters_per_url=30),
            "https://a.com " + "a" * 470,
            ["text_too_long"],
        ),
        (X, AccountLimits(max_characters=25_000), "a" * 25_000, []),
        (X, AccountLimits(), "a" * 281, ["text_too_long"]),
    ],
)
def test_what_the_network_told_of_an_account_comes_first(
    network: Network, limits: AccountLimits, text: str, rules: list[str]
) -> None:
    found = told(network, Content(text=text), limits=limits)
    assert [rule for _, rule in found] == rules


def test_an_account_has_media_limits_of_its_own() -> None:
    limits = AccountLimits(
        max_media=1, max_image_bytes=499_999, max_image_pixels=999_999, max_alt_text=3
    )
    content = Content(media=using(PHOTO, PHOTO, alt_text="four"))
    assert told(MASTODON, content, limits=limits) == [
        ("media", "too_many_media"),
        ("media[0]", "media_too_large"),
        ("media[0]", "media_too_many_pixels"),
        ("media[0].alt_text", "alt_text_too_long"),
        ("media[1]", "media_too_large"),
        ("media[1]", "media_too_many_pixels"),
        ("media[1].alt_text", "alt_text_too_long"),
    ]


@pytest.mark.parametrize(
    ("network", "text", "rules"),
    [
        (INSTAGRAM, "#tag " * 30, []),
        (INSTAGRAM, "#tag " * 31, ["too_many_hashtags"]),
        (INSTAGRAM, "@you " * 20, []),
        (INSTAGRAM, "@you " * 21, ["too_many_mentions"]),
        (X, "$TSLA", []),
        (X, "$TSLA and $AAPL", ["too_many_cashtags"]),
        (FACEBOOK, "#tag $A $B @you " * 100, []),
    ],
)
def test_tags_and_mentions(network: Network, text: str, rules: list[str]) -> None:
    assert [rule for _, rule in told(network, replace(FINE, text=text))] == rules


def test_too_many_of_something_tells_how_many_to_take_out() -> None:
    violation = the_one(X, Content(text="$TSLA and $AAPL and $MSFT"))
    assert violation.message == "X counts 3 cashtags; 1 is allowed."
    assert violation.fix == (
        "Take out 2 of the cashtags, or put a shorter one into variants.x.text."
    )


@pytest.mark.parametrize(
    ("network", "content"),
    [
        (X, Content(text="hi\ufeff")),
        (BLUESKY, Content(text="hi\0")),
        (FEED, Content(text="hi\ud83d")),
        (MASTODON, Content(text="hi", content_warning="\0")),
        (FACEBOOK, Content(text="hi", first_comment="\0")),
        (X, Content(text="hi", thread=(ThreadPart(text="\uffff"),))),
        (FACEBOOK, Content(media=using(PHOTO, alt_text="\0"))),
    ],
)
def test_characters_that_cannot_be_sent(network: Network, content: Content) -> None:
    violation = the_one(network, content)
    assert violation.rule == "character_not_allowed"
    assert str(violation.actual).startswith("U+")


def test_a_character_that_one_network_refuses_goes_to_the_others() -> None:
    assert checked(BLUESKY, Content(text="hi\ufeff")) == []


@pytest.mark.parametrize("network", [FACEBOOK, X, BLUESKY, MASTODON, FEED])
@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_text_alone_must_not_be_empty(network: Network, text: str) -> None:
    assert told(network, Content(text=text)) == [("text", "text_empty")]
    assert told(network, Content(text=text, media=using(PHOTO))) == []


def test_a_link_is_content_enough_on_facebook() -> None:
    assert checked(FACEBOOK, Content(link="https://example.com")) == []


def test_replies_and_comments_must_not_be_empty() -> None:
    thread = (ThreadPart(text=""), ThreadPart(text="", media=using(PHOTO)))
    assert told(X, Content(text="hi", thread=thread)) == [("thread[0].text", "text_empty")]
    assert told(INSTAGRAM, replace(FINE, first_comment="")) == [("first_comment", "text_empty")]


def test_a_comment_is_no_longer_than_a_post() -> None:
    assert told(INSTAGRAM, replace(FINE, first_comment="a" * 2_201)) == [
        ("first_comment", "text_too_long")
    ]


def test_instagram_needs_an_image() -> None:
    violation = the_one(INSTAGRAM, Content(text="hello"))
    assert (violation.field, violation.rule) == ("media", "media_required")
    assert "leave Instagram out" in violation.fix


@pytest.mark.parametrize(
    ("network", "most"),
    [(FACEBOOK, 10), (INSTAGRAM, 10), (X, 4), (BLUESKY, 4), (MASTODON, 4), (FEED, 10)],
)
def test_how_many_images(network: Network, most: int) -> None:
    assert checked(network, Content(text="hi", media=using(*[PHOTO] * most))) == []
    violation = the_one(network, Content(text="hi", media=using(*[PHOTO] * (most + 1))))
    assert (violation.field, violation.rule) == ("media", "too_many_media")
    assert (violation.limit, violation.actual) == (most, most + 1)


@pytest.mark.parametrize(
    ("network", "taken"),
    [
        (FACEBOOK, {"jpeg", "png"}),
        (INSTAGRAM, {"jpeg"}),
        (X, {"jpeg", "png", "gif", "webp"}),
        (BLUESKY, {"jpeg", "png", "gif", "webp"}),
        (MASTODON, {"jpeg", "png", "gif", "webp"}),
        (FEED, {"jpeg", "png", "gif", "webp"}),
    ],
)
@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "tiff", "svg+xml"])
def test_which_images(network: Network, taken: set[str], kind: str) -> None:
    file = image(kind)
    expected = [] if kind in taken else [("media[0]", "media_type_not_allowed")]
    assert told(network, Content(media=using(file)), file) == expected


@pytest.mark.parametrize(
    ("network", "most"),
    [
        (FACEBOOK, 4_000_000),
        (INSTAGRAM, 8_388_608),
        (X, 5_000_000),
        (BLUESKY, 1_000_000),
        (MASTODON, 16_777_216),
    ],
)
def test_how_large_a_file(network: Network, most: int) -> None:
    largest, larger = image(size=most), image(size=most + 1)
    assert checked(network, Content(media=using(largest)), largest) == []
    violation = the_one(network, Content(media=using(PHOTO, larger)), larger)
    assert (violation.field, violation.rule) == ("media[1]", "media_too_large")
    assert (violation.limit, violation.actual) == (most, most + 1)


def test_mastodon_limits_the_pixels() -> None:
    largest, larger = image(width=7_680, height=4_320), image(width=7_681, height=4_320)
    assert checked(MASTODON, Content(media=using(largest)), largest) == []
    violation = the_one(MASTODON, Content(media=using(larger)), larger)
    assert violation.rule == "media_too_many_pixels"
    assert "7681 × 4320 = 33,181,920" in violation.message


@pytest.mark.parametrize(
    ("width", "height", "verdict"),
    [
        (1080, 1350, None),
        (1080, 1351, "too tall"),
        (1080, 1080, None),
        (1910, 1000, None),
        (1911, 1000, "too wide"),
        (1080, 1920, "too tall"),
    ],
)
def test_instagram_takes_shapes_from_4_5_to_1_91_1(
    width: int, height: int, verdict: str | None
) -> None:
    file = image(width=width, height=height)
    found = checked(INSTAGRAM, Content(media=using(file)), file)
    assert [one.rule for one in found] == (["media_aspect_ratio"] if verdict else [])
    for violation in found:
        assert violation.limit == "4:5 to 1.91:1"
        assert violation.message.endswith(f"{path_of(file)}, {verdict}.")


def path_of(file: MediaFacts) -> str:
    return f"media[0] is {file.width} × {file.height}"


def test_a_shape_may_be_bounded_on_one_side() -> None:
    rules = replace(
        RULES[FEED],
        media=MediaRules(max_items=1, content_types=("image/jpeg",), max_aspect=Fraction(2)),
    )
    wide = image(width=201, height=100)
    (violation,) = check_media(
        FEED, rules, using(wide), "media", {wide.media_id: wide}, AccountLimits()
    )
    assert violation.limit == "any to 2:1"


@pytest.mark.parametrize(
    ("network", "longest"), [(X, 1_000), (MASTODON, 1_500), (BLUESKY, None), (FACEBOOK, None)]
)
def test_how_long_a_description(network: Network, longest: int | None) -> None:
    length = longest or 100_000
    assert checked(network, Content(media=using(PHOTO, alt_text="a" * length))) == []
    if longest:
        violation = the_one(network, Content(media=using(PHOTO, alt_text="a" * (length + 1))))
        assert (violation.field, violation.rule) == ("media[0].alt_text", "alt_text_too_long")
        assert f"variants.{network}.media" in violation.fix


@pytest.mark.parametrize("network", [X, MASTODON])
def test_a_gif_stands_alone_where_it_plays(network: Network) -> None:
    assert checked(network, Content(media=using(GIF))) == []
    violation = the_one(network, Content(media=using(PHOTO, GIF)))
    assert (violation.field, violation.rule) == ("media[1]", "media_not_alone")


def test_a_gif_is_one_image_among_others_elsewhere() -> None:
    assert checked(FEED, Content(media=using(PHOTO, GIF))) == []


@pytest.mark.parametrize("network", Network)
def test_media_that_was_never_uploaded(network: Network) -> None:
    content = replace(FINE, media=(*FINE.media, Attachment(media_id=UUID(int=404))))
    violation = the_one(network, content)
    assert (violation.field, violation.rule) == ("media[1]", "media_unknown")
    assert str(UUID(int=404)) in violation.message


def test_the_media_of_a_reply_are_checked_where_they_stand() -> None:
    large = image(size=1_000_001)
    content = Content(text="hi", thread=(ThreadPart(text="", media=using(PHOTO, large)),))
    assert told(BLUESKY, content, large) == [("thread[0].media[1]", "media_too_large")]


FILLED = {
    "link": replace(FINE, media=(), link="https://example.com"),
    "thread": replace(FINE, thread=(ThreadPart(text="more"),)),
    "first_comment": replace(FINE, first_comment="more"),
    "content_warning": replace(FINE, content_warning="food"),
    "visibility": replace(FINE, visibility=Visibility.PUBLIC),
}
TAKEN = {
    "link": {FACEBOOK},
    "thread": {X, BLUESKY, MASTODON},
    "first_comment": {FACEBOOK, INSTAGRAM},
    "content_warning": {MASTODON},
    "visibility": {MASTODON},
}


@pytest.mark.parametrize("network", Network)
@pytest.mark.parametrize("field", FILLED)
def test_a_field_a_network_has_no_use_for_is_not_dropped_in_silence(
    network: Network, field: str
) -> None:
    found = [one for one in checked(network, FILLED[field]) if one.rule != "media_required"]
    if network in TAKEN[field]:
        assert found == []
        return
    (violation,) = found
    assert (violation.field, violation.rule) == (field, f"{field}_not_supported")
    assert f"variants.{network}.{field}" in violation.fix


def test_the_user_is_told_where_such_a_field_belongs() -> None:
    assert the_one(X, FILLED["first_comment"]).fix == (
        "Put it into variants.facebook.first_comment and variants.instagram.first_comment"
        " instead of the base, or set variants.x.first_comment to null."
    )
    assert the_one(FEED, FILLED["thread"]).fix.endswith("or set variants.feed.thread to [].")
    assert the_one(X, FILLED["link"]).fix == (
        "Put the link into variants.x.text, and set variants.x.link to null."
    )


def test_a_thread_that_is_not_supported_is_told_once() -> None:
    thread = (ThreadPart(text=""), ThreadPart(text="a" * 100_000))
    assert told(FACEBOOK, Content(text="hi", thread=thread)) == [("thread", "thread_not_supported")]


@pytest.mark.parametrize(
    ("link", "rules"),
    [
        ("https://example.com/a?b=c#d", []),
        ("HTTP://EXAMPLE.COM", []),
        ("https://пример.рф", []),
        ("example.com", ["link_not_a_url"]),
        ("", ["link_not_a_url"]),
        ("https://", ["link_not_a_url"]),
        ("https://example.com/a b", ["link_not_a_url"]),
        ("javascript:alert(1)", ["link_not_a_url"]),
    ],
)
def test_a_link_is_a_web_address(link: str, rules: list[str]) -> None:
    assert [rule for _, rule in told(FACEBOOK, Content(text="hi", link=link))] == rules


def test_facebook_shows_a_link_or_photos() -> None:
    violation = the_one(FACEBOOK, replace(FINE, link="https://example.com"))
    assert (violation.field, violation.rule, violation.actual) == ("link", "link_with_media", 1)


@pytest.mark.parametrize("language", ["en", "deu", "pt-BR", "zh-Hant-TW", "de-CH-1996", "es-419"])
def test_languages_are_tags(language: str) -> None:
    assert checked(MASTODON, replace(FINE, language=language)) == []


@pytest.mark.parametrize("language", ["", "e", "english", "en_US", "en-", "en us", "日本"])
def test_what_is_no_language_tag_is_told(language: str) -> None:
    assert told(MASTODON, replace(FINE, language=language)) == [("language", "language_not_a_tag")]


def test_everything_wrong_is_told_at_once_in_order() -> None:
    content = Content(
        text="a" * 281,
        media=using(GIF, PHOTO),
        link="https://example.com",
        thread=(ThreadPart(text=""),),
        first_comment="more",
        content_warning="food",
        visibility=Visibility.DIRECT,
        language="??",
    )
    assert told(X, content) == [
        ("text", "text_too_long"),
        ("media[0]", "media_not_alone"),
        ("thread[0].text", "text_empty"),
        ("link", "link_not_supported"),
        ("first_comment", "first_comment_not_supported"),
        ("content_warning", "content_warning_not_supported"),
        ("visibility", "visibility_not_supported"),
        ("language", "language_not_a_tag"),
    ]
