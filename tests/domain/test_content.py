"""What a user wrote: its parts in the order they are sent, and what of it each network gets."""

from uuid import UUID

import pytest

from domain.content import Attachment, Content, PartKind, PostContent, ThreadPart, Visibility
from domain.ids import new_id
from domain.networks import Network

SUNSET = Attachment(media_id=UUID(int=1), alt_text="a sunset")
SUNRISE = Attachment(media_id=UUID(int=2))
NOON = Attachment(media_id=UUID(int=3))


def test_a_plain_post_is_one_part() -> None:
    (part,) = Content(text="hello", media=(SUNSET,), link="https://example.com").parts()
    assert (part.index, part.kind, part.text) == (0, PartKind.POST, "hello")
    assert part.media == (SUNSET,)
    assert part.link == "https://example.com"


def test_parts_stand_in_the_order_they_are_sent() -> None:
    content = Content(
        text="one",
        media=(SUNSET,),
        thread=(ThreadPart(text="two", media=(SUNRISE,)), ThreadPart(text="three")),
        first_comment="four",
    )
    assert [(part.index, part.kind, part.text, part.media) for part in content.parts()] == [
        (0, PartKind.POST, "one", (SUNSET,)),
        (1, PartKind.REPLY, "two", (SUNRISE,)),
        (2, PartKind.REPLY, "three", ()),
        (3, PartKind.COMMENT, "four", ()),
    ]


def test_replies_share_warning_visibility_and_language_but_not_the_link() -> None:
    content = Content(
        text="one",
        link="https://example.com",
        thread=(ThreadPart(text="two"),),
        content_warning="food",
        visibility=Visibility.UNLISTED,
        language="de",
    )
    post, reply = content.parts()
    assert reply.content_warning == post.content_warning == "food"
    assert reply.visibility is post.visibility is Visibility.UNLISTED
    assert reply.language == post.language == "de"
    assert reply.link is None


def test_a_comment_has_the_posts_language_and_nothing_else_of_it() -> None:
    content = Content(text="one", content_warning="food", language="de", first_comment="two")
    comment = content.parts()[-1]
    assert (comment.language, comment.content_warning, comment.visibility) == ("de", None, None)


def test_attachments_are_those_of_the_post_and_its_thread() -> None:
    content = Content(media=(SUNSET,), thread=(ThreadPart(text="", media=(SUNRISE,)),))
    assert content.attachments() == (SUNSET, SUNRISE)


def test_a_network_gets_the_base_with_its_variant_applied() -> None:
    base = Content(text="long text", first_comment="more")
    post = PostContent(
        base=base, variants={Network.X: {"text": "short", "first_comment": None}, Network.FEED: {}}
    )
    assert post.for_network(Network.X) == Content(text="short")
    assert post.for_network(Network.FEED) == base
    assert post.for_network(Network.FACEBOOK) == base


def test_media_is_collected_from_base_and_variants() -> None:
    post = PostContent(
        base=Content(media=(SUNSET,)),
        variants={
            Network.X: {"media": (SUNRISE,)},
            Network.BLUESKY: {"thread": (ThreadPart(text="two", media=(NOON,)),)},
        },
    )
    assert post.attachments() == {one.media_id for one in (SUNSET, SUNRISE, NOON)}


def test_a_variant_cannot_have_fields_that_a_content_has_not() -> None:
    with pytest.raises(ValueError, match=r"variant for x has unknown fields \['txet'\]"):
        PostContent(base=Content(), variants={Network.X: {"txet": "hello"}})


def test_ids_sort_by_the_time_they_were_made() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {one.version for one in ids} == {7}
