"""How posts of the built-in network are written and shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.media.picture_schemas import PictureHeight, PictureUrls, PictureWidth, avatar_url
from api.texts import PlainText
from storage.feed.home import FeedEntry
from storage.feed.people import FeedPerson
from storage.feed.posts import FeedPost, PostPicture, ViewerMarks
from storage.feed.trends import HashtagTrend
from storage.media_links import MediaLinks


class PersonShown(BaseModel):
    """Somebody on the feed."""

    id: UUID
    handle: Annotated[str, Field(examples=["bakery"])]
    display_name: Annotated[str, Field(examples=["Corner bakery"])]
    avatar_url: Annotated[
        str | None, Field(description="320 pixels at most; works for a week at least, cache it.")
    ]

    @classmethod
    def of(cls, person: FeedPerson, links: MediaLinks) -> Self:
        """As they are shown."""
        return cls(
            id=person.id,
            handle=person.handle,
            display_name=person.display_name,
            avatar_url=avatar_url(person.avatar_media_id, links),
        )


class FeedMedia(BaseModel):
    """A picture of a feed post."""

    media_id: UUID
    alt_text: str
    width: PictureWidth
    height: PictureHeight
    urls: PictureUrls

    @classmethod
    def of(cls, picture: PostPicture, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            media_id=picture.media_id,
            alt_text=picture.alt_text,
            width=picture.shape and picture.shape.width,
            height=picture.shape and picture.shape.height,
            urls=PictureUrls.of(picture.media_id, links),
        )


class MarksShown(BaseModel):
    """What the reader did with a post."""

    liked: bool
    reposted: bool
    bookmarked: bool

    @classmethod
    def of(cls, marks: ViewerMarks | None) -> Self | None:
        """As they are shown; None for somebody who is not signed in."""
        if marks is None:
            return None
        return cls(liked=marks.liked, reposted=marks.reposted, bookmarked=marks.bookmarked)


class FeedPostShown(BaseModel):
    """One public post of the feed."""

    id: UUID
    author: PersonShown
    account_id: Annotated[
        UUID | None, Field(description="The account it was scheduled for, if it was scheduled.")
    ]
    text: str
    media: list[FeedMedia]
    like_count: int
    comment_count: Annotated[int, Field(description="Replies included.")]
    repost_count: int
    marks: Annotated[
        MarksShown | None, Field(description="What you did with it; null unless you sign in.")
    ]
    published_at: datetime

    @classmethod
    def of(cls, post: FeedPost, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            id=post.id,
            author=PersonShown.of(post.author, links),
            account_id=post.account_id,
            text=post.text,
            media=[FeedMedia.of(picture, links) for picture in post.media],
            like_count=post.like_count,
            comment_count=post.comment_count,
            repost_count=post.repost_count,
            marks=MarksShown.of(post.marks),
            published_at=post.published_at,
        )


class FeedEntryShown(BaseModel):
    """One appearance of a post: its publication, or a repost of it."""

    id: UUID
    post: FeedPostShown
    reposted_by: Annotated[
        PersonShown | None, Field(description="Null where it is the publication itself.")
    ]

    @classmethod
    def of(cls, entry: FeedEntry, post: FeedPost, links: MediaLinks) -> Self:
        """As it is shown."""
        by = entry.reposted_by
        return cls(
            id=entry.id,
            post=FeedPostShown.of(post, links),
            reposted_by=None if by is None else PersonShown.of(by, links),
        )


class TrendingPosts(BaseModel):
    """What people are busy with, busiest first."""

    items: list[FeedPostShown]

    @classmethod
    def of(cls, posts: Sequence[FeedPost], links: MediaLinks) -> Self:
        """As they are shown."""
        return cls(items=[FeedPostShown.of(post, links) for post in posts])


class HashtagShown(BaseModel):
    """A hashtag that is used a lot."""

    hashtag: Annotated[str, Field(description="Without #.", examples=["bread"])]
    posts_lately: Annotated[
        float,
        Field(description="Posts that use it; one of six hours ago counts half.", examples=[12.5]),
    ]


class TrendingHashtags(BaseModel):
    """Hashtags, most used first."""

    items: list[HashtagShown]

    @classmethod
    def of(cls, trends: Sequence[HashtagTrend]) -> Self:
        """As they are shown."""
        return cls(
            items=[
                HashtagShown(hashtag=one.hashtag, posts_lately=one.posts_lately) for one in trends
            ]
        )


class FeedMediaWanted(BaseModel):
    """A picture that was uploaded before, with `POST /v1/users/me/media`."""

    model_config = ConfigDict(extra="forbid")

    media_id: UUID
    alt_text: Annotated[
        PlainText | None,
        Field(max_length=5000, description="In place of the one it was uploaded with."),
    ] = None


class FeedPostWanted(BaseModel):
    """A post to publish at once."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        PlainText,
        Field(
            max_length=60_000,
            description="Up to 5,000 characters as a reader counts them. @handle tells somebody of"
            " it, #hashtag lets it be found.",
            examples=["Fresh from the oven, @ada. #bread"],
        ),
    ] = ""
    media: Annotated[list[FeedMediaWanted], Field(max_length=10)] = []
