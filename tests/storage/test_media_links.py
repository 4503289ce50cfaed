"""Signed links to media."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from storage.media_links import InvalidMediaLink, MediaLinks

HOUR = timedelta(hours=1)


@pytest.fixture
def links() -> MediaLinks:
    return MediaLinks("https://punctual.example/", "a key")


def parts(url: str) -> tuple[UUID, int, str]:
    address = urlsplit(url)
    query = parse_qs(address.query)
    return UUID(address.path.split("/")[-1]), int(query["expires"][0]), query["signature"][0]


def test_a_link_leads_below_the_base_address(links: MediaLinks) -> None:
    assert links.url_for(uuid4(), HOUR).startswith("https://punctual.example/media/")


def test_a_fresh_link_is_recognised_with_the_time_left(links: MediaLinks) -> None:
    media_id, expires, signature = parts(links.url_for(uuid4(), HOUR))
    left = links.verify(media_id, expires=expires, signature=signature)
    assert timedelta(minutes=59) < left <= HOUR


def test_another_media_item_or_time_needs_another_signature(links: MediaLinks) -> None:
    media_id, expires, signature = parts(links.url_for(uuid4(), HOUR))
    with pytest.raises(InvalidMediaLink, match="signature"):
        links.verify(uuid4(), expires=expires, signature=signature)
    with pytest.raises(InvalidMediaLink, match="signature"):
        links.verify(media_id, expires=expires + 1, signature=signature)


@pytest.mark.parametrize("signature", ["", "0" * 64, "ü", "\ud800"])
def test_a_made_up_signature_is_refused(links: MediaLinks, signature: str) -> None:
    with pytest.raises(InvalidMediaLink):
        links.verify(uuid4(), expires=10**10, signature=signature)


def test_a_link_ends(links: MediaLinks) -> None:
    media_id, expires, signature = parts(links.url_for(uuid4(), timedelta(seconds=-1)))
    with pytest.raises(InvalidMediaLink, match="past its time"):
        links.verify(media_id, expires=expires, signature=signature)


def test_another_key_signs_otherwise(links: MediaLinks) -> None:
    media_id, expires, signature = parts(links.url_for(uuid4(), HOUR))
    with pytest.raises(InvalidMediaLink):
        MediaLinks("https://punctual.example", "another key").verify(
            media_id, expires=expires, signature=signature
        )
