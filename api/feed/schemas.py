"""How posts of the built-in network are shown."""

from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

from pydantic import BaseModel

from storage.feed import FeedPost
from storage.media_links import MediaLinks

LINK_LIFETIME: Final = timedelta(hours=1)
"""How long a link to a picture works after it was shown."""


class FeedMedia(BaseModel):
    """A picture of a feed post."""

    media_id: UUID
    alt_text: str
    url: str


class FeedPostShown(BaseModel):
    """One public post of the feed."""

    id: UUID
    account_id: UUID
    handle: str
    display_name: str
    text: str
    media: list[FeedMedia]
    published_at: datetime

    @classmethod
    def of(cls, post: FeedPost, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            id=post.id,
            account_id=post.account_id,
            handle=post.handle,
            display_name=post.display_name,
            text=post.text,
            media=[
                FeedMedia(
                    media_id=media_id,
                    alt_text=alt_text,
                    url=links.url_for(media_id, LINK_LIFETIME),
                )
                for media_id, alt_text in post.media
            ],
            published_at=post.published_at,
        )
